/* vendor_id and product_id of a guest's mediated device against the parent that makes it. */
#include "migrate/expect.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *vendor;
    const char *product;
    const char *parent; /* NULL: no PCI device */
    const char *why;    /* NULL: it is as expected */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "nothing-expected",  NULL,     NULL,     NULL,       NULL },
    { "both",              "0x10de", "0x20b5", "10de20b5", NULL },
    { "without-prefix",    "10DE",   NULL,     "10de20b5", NULL },
    { "capital-prefix",    "0X10DE", NULL,     "10de20b5", NULL },
    { "product-alone",     NULL,     "0x20b5", "10de20b5", NULL },
    { "another-vendor",    "0x8086", "0x20b5", "10de20b5", "expects vendor 0x8086 and product 0x20b5, and the device's parent is a PCI device 10de20b5" },
    { "another-product",   "0x10de", "0x20b7", "10de20b5", "product 0x20b7" },
    { "longer",            "0x10de2", NULL,    "10de20b5", "vendor 0x10de2 and product any" },
    { "no-pci-parent",     "0x10de", NULL,     NULL,       "none of PCI" },
    { "parent-id-too-long", "0x10de", NULL,    "10de20b51", "10de20b51" },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FerryPlanNeed) need = ferry_plan_need_new(FERRY_WAY_STATE, "a");
    json_t *facts = json_pack("{s:s?}", "parent_id", row->parent);
    g_autofree char *why = NULL;

    need->vendor_id = g_strdup(row->vendor);
    need->product_id = g_strdup(row->product);
    g_assert_true(ferry_expect_met(need, facts, &why) == (row->why == NULL));
    g_assert_true((why == NULL) == (row->why == NULL));
    if (row->why != NULL)
        g_assert_nonnull(strstr(why, row->why));
    json_decref(facts);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/expect/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    return g_test_run();
}
