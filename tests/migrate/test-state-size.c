/* How much state a device will have, without asking it. */
#include "migrate/state-size.h"

#include <glib/gstdio.h>

#include "store/history.h"
#include "store/probes.h"

static const struct {
    const char *description;
    int64_t bytes;
} descriptions[] = {
    { "num_heads=4, frl_config=60, framebuffer=1024M, max_resolution=4096x2160", INT64_C(1) << 30 },
    { "framebuffer=2G", INT64_C(2) << 30 },
    { "framebuffer=0M", 0 },
    { "framebuffer=1024", -1 },
    { "framebuffer=xM", -1 },
    { "framebuffer=-1M", -1 },
    { "framebuffer=99999999999999999999M", -1 },
    { "Dual port serial", -1 },
    { "", -1 },
    { NULL, -1 },
};

static void
test_framebuffer(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(descriptions); i++)
        g_assert_cmpint(ferry_state_size_framebuffer(descriptions[i].description), ==,
                        descriptions[i].bytes);
}

static void
add_history(FerryStore *store, int64_t bytes)
{
    char texts[][3] = { "j", "a", "g", "p", "s", "t" };
    const FerryHistoryRow row = {
        texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], FERRY_RESULT_SUCCESS,
        bytes,    -1,       -1,       1
    };

    g_assert_true(ferry_history_add(store, &row, NULL));
}

static void
add_probe(FerryStore *store, const FerryHostDevice *device, const json_t *facts, const char *answer)
{
    g_autofree char *kind = ferry_state_size_probe_kind(device, facts);
    const FerryProbeRow row = { kind, (char *)answer, 1 };

    g_assert_true(ferry_store_probe_set(store, &row, NULL));
}

/* What was measured counts before what a probe was told, and that before what a type says. */
static void
test_order(void)
{
    g_autofree char *folder = g_dir_make_tmp("ferry-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "ferry.db", NULL);
    g_autofree char *clean = g_strdup_printf("rm -r '%s'", folder);
    FerryStore *store = NULL;
    char description[] = "framebuffer=1M";
    char driver[] = "mtty";
    const FerryHostType type = { .description = description };
    const FerryHostDevice device = { .driver = driver };
    json_t *facts = json_pack("{s:s}", "driver", "mtty");
    const char *basis = "untouched";

    g_assert_true(ferry_store_open(path, &store, NULL));
    g_assert_cmpint(ferry_state_size(store, &device, NULL, facts, "s", &basis), ==, -1);
    g_assert_null(basis);
    g_assert_cmpint(ferry_state_size(NULL, &device, &type, facts, NULL, &basis), ==, 1 << 20);
    g_assert_cmpstr(basis, ==, "framebuffer");
    add_probe(store, &device, facts, "{\"migratable\": false}");
    g_assert_cmpint(ferry_state_size(store, &device, &type, facts, "s", &basis), ==, 1 << 20);
    add_probe(store, &device, facts, "{\"stop_copy_bytes\": 96}");
    g_assert_cmpint(ferry_state_size(store, &device, &type, facts, "s", &basis), ==, 96);
    g_assert_cmpstr(basis, ==, "probed");
    add_history(store, 60);
    g_assert_cmpint(ferry_state_size(store, &device, &type, facts, "s", &basis), ==, 60);
    g_assert_cmpstr(basis, ==, "measured");
    g_assert_cmpint(ferry_state_size(store, &device, &type, facts, "other", &basis), ==, 96);
    json_decref(facts);
    ferry_store_close(store);
    g_assert_true(g_spawn_command_line_sync(clean, NULL, NULL, NULL, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state-size/framebuffer", test_framebuffer);
    g_test_add_func("/state-size/order", test_order);
    return g_test_run();
}
