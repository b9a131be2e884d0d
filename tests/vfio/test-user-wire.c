#include "vfio/user-wire.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

typedef struct {
    const char *name;
    uint16_t major;
    uint16_t minor;
    const char *json; /* NULL: none at all */
    size_t max_xfer;  /* 0: refused */
    const char *message;
} VersionRow;

static const VersionRow version_rows[] = {
    { "nothing-said", 0, 1, NULL, 1048576, NULL },
    { "empty-object", 0, 2, "{}", 1048576, NULL },
    { "libvfio-user", 0, 2,
      "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,\"migration\":"
      "{\"pgsize\":4096}}}",
      1048576, NULL },
    { "small", 0, 0, "{\"capabilities\":{\"max_data_xfer_size\":4096}}", 4096, NULL },
    { "huge", 0, 0, "{\"capabilities\":{\"max_data_xfer_size\":1099511627776}}", INT32_MAX, NULL },
    { "major-1", 1, 0, NULL, 0, "speaks version 1.0; ferry speaks 0.2 and earlier" },
    { "minor-above-proposal", 0, 3, NULL, 0, "speaks version 0.3" },
    { "zero-size", 0, 0, "{\"capabilities\":{\"max_data_xfer_size\":0}}", 0,
      "capability max_data_xfer_size is not a number of at least 1" },
    { "negative", 0, 0, "{\"capabilities\":{\"max_data_xfer_size\":-1}}", 0, "not a number" },
    { "text-for-number", 0, 0, "{\"capabilities\":{\"max_msg_fds\":\"8\"}}", 0, "max_msg_fds" },
    { "array", 0, 0, "[]", 0, "is no JSON object: another type" },
    { "capabilities-no-object", 0, 0, "{\"capabilities\":7}", 0,
      "capabilities that are no object" },
    { "broken", 0, 0, "{\"capabilities\":", 0, "is no JSON object" },
};

static void
test_version(gconstpointer data)
{
    const VersionRow *row = data;
    const uint16_t numbers[] = { row->major, row->minor };
    g_autoptr(GByteArray) payload = g_byte_array_new();
    FerryUserVersion version = { .major = 77 };
    g_autoptr(GError) error = NULL;

    g_byte_array_append(payload, (const uint8_t *)numbers, sizeof numbers);
    if (row->json != NULL)
        g_byte_array_append(payload, (const uint8_t *)row->json, (unsigned)strlen(row->json) + 1);
    if (row->max_xfer > 0) {
        g_assert_true(ferry_user_version_parse(payload->data, payload->len, &version, NULL));
        g_assert_cmpuint(version.max_xfer_bytes, ==, row->max_xfer);
        g_assert_cmpuint(version.minor, ==, row->minor);
        return;
    }
    g_assert_false(ferry_user_version_parse(payload->data, payload->len, &version, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_nonnull(strstr(error->message, row->message));
    g_assert_cmpuint(version.major, ==, 77);
}

static void
test_version_without_its_final_zero(void)
{
    static const uint8_t payload[] = { 0, 0, 1, 0, '{', '}' };
    FerryUserVersion version;

    g_assert_false(ferry_user_version_parse(payload, sizeof payload, &version, NULL));
    g_assert_false(ferry_user_version_parse(payload, 3, &version, NULL));
}

/* Our own request must be readable by the same rules. */
static void
test_request(void)
{
    g_autoptr(GByteArray) request = ferry_user_version_request();
    FerryUserVersion version = { 0 };

    g_assert_true(ferry_user_version_parse(request->data, request->len, &version, NULL));
    g_assert_cmpuint(version.max_xfer_bytes, ==, FERRY_USER_MAX_XFER);
    g_assert_cmpuint(version.max_fds, ==, 8);
    g_assert_cmpuint(request->data[request->len - 1], ==, 0);
}

typedef struct {
    const char *name;
    FerryUserHeader header;
    int code; /* -1: refused */
} ReplyRow;

static const ReplyRow reply_rows[] = {
    { "good", { .id = 7, .command = 16, .size = 32, .flags = 1 }, 0 },
    { "errno", { .id = 7, .command = 16, .size = 16, .flags = 0x21, .error_no = EINVAL }, EINVAL },
    { "error-without-errno", { .id = 7, .command = 16, .size = 16, .flags = 0x21 }, EIO },
    { "error-number-too-large",
      { .id = 7, .command = 16, .size = 16, .flags = 0x21, .error_no = UINT32_MAX },
      EIO },
    { "error-with-payload", { .id = 7, .command = 16, .size = 20, .flags = 0x21 }, -1 },
    { "wrong-id", { .id = 8, .command = 16, .size = 16, .flags = 1 }, -1 },
    { "wrong-command", { .id = 7, .command = 17, .size = 16, .flags = 1 }, -1 },
    { "too-short", { .id = 7, .command = 16, .size = 15, .flags = 1 }, -1 },
    { "size-zero", { .id = 7, .command = 16, .size = 0, .flags = 1 }, -1 },
    { "too-long", { .id = 7, .command = 16, .size = 101, .flags = 1 }, -1 },
    { "longest", { .id = 7, .command = 16, .size = 100, .flags = 1 }, 0 },
    { "unknown-type", { .id = 7, .command = 16, .size = 16, .flags = 2 }, -1 },
};

static void
test_reply(gconstpointer data)
{
    const ReplyRow *row = data;
    int code = 77;
    g_autoptr(GError) error = NULL;
    bool ok = ferry_user_reply_check(&row->header, 7, 16, 100, &code, &error);

    g_assert_cmpint(ok, ==, row->code >= 0);
    g_assert_cmpint(code, ==, ok ? row->code : 77);
    if (!ok)
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
}

static void
test_data(void)
{
    FerryUserData data = { .argsz = 12345, .size = 100 };

    /* argsz is not looked at; padding after the data is normal (libvfio-user) */
    g_assert_true(ferry_user_data_check(&data, 108, 100, NULL));
    g_assert_true(ferry_user_data_check(&data, 1008, 1000, NULL));
    g_assert_false(ferry_user_data_check(&data, 1008, 99, NULL));
    g_assert_false(ferry_user_data_check(&data, 107, 100, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(version_rows); i++) {
        g_autofree char *path = g_strconcat("/user-wire/version/", version_rows[i].name, NULL);
        g_test_add_data_func(path, &version_rows[i], test_version);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(reply_rows); i++) {
        g_autofree char *path = g_strconcat("/user-wire/reply/", reply_rows[i].name, NULL);
        g_test_add_data_func(path, &reply_rows[i], test_reply);
    }
    g_test_add_func("/user-wire/version-without-its-final-zero",
                    test_version_without_its_final_zero);
    g_test_add_func("/user-wire/request", test_request);
    g_test_add_func("/user-wire/data", test_data);
    return g_test_run();
}
