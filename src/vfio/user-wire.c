#include "vfio/user-wire.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"

#define VERSION_BYTES     4
#define MAX_VERSION_BYTES 4096

/* Every capability is optional, and "a subset of those proposed" comes back: so only what differs
 * from a default that would hurt is named.  max_msg_fds: a server may send some; we close them. */
GByteArray *
ferry_user_version_request(void)
{
    static const uint16_t numbers[] = { FERRY_USER_MAJOR, FERRY_USER_MINOR };
    g_autofree char *text = g_strdup_printf(
        "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":%d}}", FERRY_USER_MAX_XFER);
    GByteArray *payload = g_byte_array_new();

    g_byte_array_append(payload, (const uint8_t *)numbers, sizeof numbers);
    g_byte_array_append(payload, (const uint8_t *)text, (unsigned)strlen(text) + 1);
    return payload;
}

static bool
peer_error(GError **error, const char *what)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "the vfio-user server %s", what);
    return false;
}

/* A number of the capabilities object; absent leaves @value.  JSON has one kind of number, so 8.0
 * is 8. */
static bool
read_number(const json_t *object,
            const char *key,
            int64_t min,
            int64_t max,
            int64_t *value,
            GError **error)
{
    const json_t *number = json_object_get(object, key);

    if (number == NULL)
        return true;
    if (!json_is_number(number) || json_number_value(number) < (double)min) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the vfio-user server's capability %s is not a number of at least %" PRId64,
                    key, min);
        return false;
    }
    *value = (int64_t)MIN(json_number_value(number), (double)max);
    return true;
}

static bool
parse_capabilities(const json_t *root, FerryUserVersion *version, GError **error)
{
    const json_t *capabilities = json_object_get(root, "capabilities");
    int64_t max_xfer = FERRY_USER_MAX_XFER;
    int64_t max_fds = 1;

    if (capabilities != NULL && !json_is_object(capabilities))
        return peer_error(error, "sent capabilities that are no object");
    if (!read_number(capabilities, "max_data_xfer_size", 1, INT32_MAX, &max_xfer, error) ||
        !read_number(capabilities, "max_msg_fds", 0, 1024, &max_fds, error))
        return false;
    version->max_xfer_bytes = (size_t)max_xfer;
    version->max_fds = (unsigned)max_fds;
    return true;
}

static bool
parse_text(const char *text, size_t size, FerryUserVersion *version, GError **error)
{
    json_error_t json_error;
    json_t *root = NULL;
    bool ok = false;

    if (size == 0)
        return parse_capabilities(NULL, version, error);
    if (memchr(text, '\0', size) != text + size - 1)
        return peer_error(error, "sent version data that does not end in one 0 byte");
    root = json_loadb(text, size - 1, JSON_REJECT_DUPLICATES, &json_error);
    if (!json_is_object(root)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the vfio-user server's version data is no JSON object: %s",
                    root == NULL ? json_error.text : "another type");
        json_decref(root);
        return false;
    }
    ok = parse_capabilities(root, version, error);
    json_decref(root);
    return ok;
}

bool
ferry_user_version_parse(const uint8_t *payload, size_t size, FerryUserVersion *ret, GError **error)
{
    FerryUserVersion version = { 0 };
    uint16_t numbers[2] = { 0 };

    if (size < VERSION_BYTES || size > MAX_VERSION_BYTES)
        return peer_error(error, "answered VERSION with a message of a wrong size");
    memcpy(numbers, payload, sizeof numbers);
    version.major = numbers[0];
    version.minor = numbers[1];
    if (version.major != FERRY_USER_MAJOR || version.minor > FERRY_USER_MINOR) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the vfio-user server speaks version %u.%u; ferry speaks %d.%d and earlier",
                    version.major, version.minor, FERRY_USER_MAJOR, FERRY_USER_MINOR);
        return false;
    }
    if (!parse_text((const char *)payload + VERSION_BYTES, size - VERSION_BYTES, &version, error))
        return false;

    *ret = version;
    return true;
}

bool
ferry_user_reply_check(const FerryUserHeader *header,
                       uint16_t id,
                       uint16_t command,
                       size_t max_size,
                       int *ret_code,
                       GError **error)
{
    bool is_error = (header->flags & FERRY_USER_ERROR) != 0;

    if ((header->flags & FERRY_USER_TYPE_MASK) != FERRY_USER_TYPE_REPLY)
        return peer_error(error, "sent a message of no known type");
    if (header->id != id || header->command != command) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the vfio-user server answered message %u, command %u, where the reply to "
                    "message %u, command %u was due",
                    header->id, header->command, id, command);
        return false;
    }
    if (header->size < FERRY_USER_HEADER_BYTES || header->size > max_size) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the vfio-user server's reply to command %u says it has %u bytes; 16 to %zu "
                    "make sense",
                    command, header->size, max_size);
        return false;
    }
    if (is_error && header->size != FERRY_USER_HEADER_BYTES)
        return peer_error(error, "sent an error reply that has a payload");

    *ret_code = !is_error                                          ? 0
                : header->error_no == 0 || header->error_no > 4095 ? EIO
                                                                   : (int)header->error_no;
    return true;
}

bool
ferry_user_data_check(const FerryUserData *data, size_t payload_size, size_t asked, GError **error)
{
    if (data->size > asked || data->size > payload_size - sizeof *data) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "the vfio-user server says it sent %u bytes of state; %zu were asked for and "
                    "%zu arrived",
                    data->size, asked, payload_size - sizeof *data);
        return false;
    }
    return true;
}
