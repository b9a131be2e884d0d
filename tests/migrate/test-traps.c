/* What would fail later, for guests whose devices' state is carried. */
#include "migrate/traps.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *qemu;
    FerryWay way;
    const char *device; /* an element more */
    const char *codes;  /* joined with ", " */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "fine",            "10.0.2", FERRY_WAY_STATE,  "", "" },
    { "first-with-it",   "8.1.0",  FERRY_WAY_STATE,  "", "" },
    { "too-old",         "8.0.5",  FERRY_WAY_STATE,  "", "qemu-too-old" },
    { "much-too-old",    "7.2.0",  FERRY_WAY_STATE,  "", "qemu-too-old" },
    { "no-version",      NULL,     FERRY_WAY_STATE,  "", "" },
    { "odd-version",     "master", FERRY_WAY_STATE,  "", "" },
    { "viommu",          "10.0.2", FERRY_WAY_STATE,  "<iommu model='intel'/>", "viommu" },
    { "both",            "7.2.0",  FERRY_WAY_STATE,  "<iommu model='intel'/>", "qemu-too-old, viommu" },
    { "hybrid-has-none", "7.2.0",  FERRY_WAY_HYBRID, "<iommu model='intel'/>", "" },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *xml =
        g_strdup_printf("<domain type='kvm'><name>web</name>"
                        "<uuid>22222222-2222-4222-8222-222222222222</uuid><memory>1024</memory>"
                        "<os><type>hvm</type></os><devices>%s</devices></domain>",
                        row->device);
    g_autoptr(GPtrArray) needs =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GString) codes = g_string_new(NULL);
    json_t *reasons = json_array();
    const json_t *reason = NULL;
    size_t i = 0;

    g_assert_true(ferry_domain_parse(xml, &domain, NULL));
    g_ptr_array_add(needs, ferry_plan_need_new(row->way, "a"));
    ferry_traps_of_host(needs, "beta", row->qemu, reasons);
    ferry_traps_of_guest(domain, needs, reasons);
    json_array_foreach(reasons, i, reason)
    {
        const char *code = json_string_value(json_object_get(reason, "code"));
        const char *message = json_string_value(json_object_get(reason, "message"));

        g_string_append_printf(codes, "%s%s", i > 0 ? ", " : "", code);
        if (strcmp(code, "qemu-too-old") == 0)
            g_assert_nonnull(strstr(message, "beta has QEMU"));
    }
    g_assert_cmpstr(codes->str, ==, row->codes);
    json_decref(reasons);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/traps/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
