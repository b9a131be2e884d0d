#include "vfio/meta.h"

#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "sim/transport.h"

#define FACTS(version)                                                                             \
    "{\"format\":1,\"class\":\"pci\",\"device_api\":\"vfio-pci\",\"device_id\":\"1234:5678\","     \
    "\"driver\":\"vfio-user\",\"driver_version\":\"" version "\",\"firmware\":\"none\"}"
#define META(device) "{\"kind\":\"ferry-vfio\",\"format\":1,\"device\":" device "}"

/* What is built holds all that it is given, and is good enough for the same device. */
static void
test_build(void)
{
    static const SimOptions options = { .flags = 5 };
    g_autoptr(SimDevice) sim = sim_device_new(&options);
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(sim_transport_new(sim, "sim"), NULL);
    g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *meta =
        ferry_meta_build(FACTS("1"), device, (FerrySize){ .bytes = 12, .known = true });
    g_autofree char *unsized = ferry_meta_build(FACTS("1"), device, (FerrySize){ .bytes = 12 });
    json_t *root = json_loads(meta, 0, NULL);
    FerryVerdictLevel level = FERRY_VERDICT_NO;

    g_assert_cmpint(json_integer_value(json_object_get(root, "migration_flags")), ==, 5);
    g_assert_cmpint(json_integer_value(json_object_get(root, "stop_copy_bytes")), ==, 12);
    g_assert_nonnull(json_object_get(root, "made"));
    g_assert_null(strstr(unsized, "stop_copy_bytes"));
    json_decref(root);
    g_assert_true(ferry_meta_check(meta, FACTS("1"), FERRY_META_STRICT, reasons, &level, NULL));
    g_assert_cmpuint(reasons->len, ==, 0);
    g_assert_cmpint(level, ==, FERRY_VERDICT_YES);
}

static const struct {
    const char *name;
    const char *meta;
    const char *words;
} malformed[] = {
    { "empty", "", "not one of ferry's" },
    { "no-json", "{", "not one of ferry's" },
    { "array", "[]", "not one of ferry's" },
    { "another-kind", "{\"kind\":\"x\",\"format\":1,\"device\":{}}", "not one of ferry's" },
    { "kind-is-a-number", "{\"kind\":1,\"format\":1,\"device\":{}}", "not one of ferry's" },
    { "twice", "{\"kind\":\"ferry-vfio\",\"kind\":\"ferry-vfio\"}", "not one of ferry's" },
    { "no-format", "{\"kind\":\"ferry-vfio\",\"device\":{}}", "does not know" },
    { "format-2", "{\"kind\":\"ferry-vfio\",\"format\":2,\"device\":{}}", "does not know" },
    { "no-device", "{\"kind\":\"ferry-vfio\",\"format\":1}", "no device in it" },
    { "device-is-a-text", META("\"x\""), "no device in it" },
};

/* Also where the check is off: what is no description of ours is not followed by a state of ours.
 */
static void
test_malformed(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);

    for (int policy = FERRY_META_STRICT; policy <= FERRY_META_CHECK_OFF; policy++) {
        g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;

        g_assert_false(ferry_meta_check(malformed[row].meta, FACTS("1"), (FerryMetaPolicy)policy,
                                        reasons, NULL, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
        g_assert_nonnull(strstr(error->message, malformed[row].words));
    }
}

#define OTHER                                                                                      \
    "{\"format\":1,\"class\":\"pci\",\"device_api\":\"vfio-pci\",\"device_id\":\"1234:9999\","     \
    "\"driver\":\"vfio-user\",\"driver_version\":\"1\",\"firmware\":\"none\"}"

/* How many reasons each policy gives to refuse: 0, or some. */
static const struct {
    const char *name;
    const char *device;
    FerryVerdictLevel level;
    unsigned refuses[FERRY_META_CHECK_OFF + 1];
} judged[] = {
    { "same", FACTS("1"), FERRY_VERDICT_YES, { 0, 0, 0 } },
    { "unknown-keys", "{\"format\":1,\"class\":\"pci\"}", FERRY_VERDICT_UNKNOWN, { 1, 0, 0 } },
    { "another-device", OTHER, FERRY_VERDICT_NO, { 1, 1, 0 } },
};

static void
test_judged(gconstpointer data)
{
    unsigned row = GPOINTER_TO_UINT(data);
    g_autofree char *meta = g_strdup_printf(
        "{\"kind\":\"ferry-vfio\",\"format\":1,\"new\":[1],\"device\":%s}", judged[row].device);

    for (int policy = FERRY_META_STRICT; policy <= FERRY_META_CHECK_OFF; policy++) {
        g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);
        FerryVerdictLevel level = judged[row].level;

        g_assert_true(
            ferry_meta_check(meta, FACTS("1"), (FerryMetaPolicy)policy, reasons, &level, NULL));
        g_assert_cmpint(reasons->len > 0, ==, judged[row].refuses[policy]);
        g_assert_cmpint(level, ==, judged[row].level);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/meta/build", test_build);
    for (unsigned i = 0; i < G_N_ELEMENTS(malformed); i++) {
        g_autofree char *path = g_strdup_printf("/meta/malformed/%s", malformed[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_malformed);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(judged); i++) {
        g_autofree char *path = g_strdup_printf("/meta/judged/%s", judged[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_judged);
    }
    return g_test_run();
}
