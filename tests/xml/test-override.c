#include "xml/override.h"

#include <glib.h>

#define QEMU "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
#define OVERRIDE(alias, properties)                                                                \
    "<domain type='kvm' " QEMU "><devices/><qemu:override><qemu:device alias='other'/>"            \
    "<qemu:device alias='" alias "'><qemu:frontend>" properties                                    \
    "</qemu:frontend></qemu:device></qemu:override></domain>"
#define TRACKING                                                                                   \
    "<qemu:property name='enable-migration' type='string' value='on'/>"                            \
    "<qemu:property name='x-device-dirty-page-tracking' type='string' value='off'/>"

typedef struct {
    const char *name;
    const char *xml;
    const char *value; /* NULL: not overridden */
} Row;

static const Row rows[] = {
    { "there", OVERRIDE("ua-gpu0", TRACKING), "off" },
    { "other-device", OVERRIDE("ua-gpu1", TRACKING), NULL },
    { "other-property", OVERRIDE("ua-gpu0", "<qemu:property name='x' value='y'/>"), NULL },
    { "no-value", OVERRIDE("ua-gpu0", "<qemu:property name='x-device-dirty-page-tracking'/>"),
      NULL },
    { "other-namespace",
      "<domain xmlns:qemu='urn:x'><qemu:override><qemu:device "
      "alias='ua-gpu0'><qemu:frontend>" TRACKING
      "</qemu:frontend></qemu:device></qemu:override></domain>",
      NULL },
    { "no-override", "<domain><devices/></domain>", NULL },
    { "no-domain", "<network/>", NULL },
    { "no-xml", "", NULL },
    { "no-end", "<domain " QEMU "><qemu:override>", NULL },
};

static void
test_find(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *value =
        ferry_override_find(row->xml, "ua-gpu0", "x-device-dirty-page-tracking");

    g_assert_cmpstr(value, ==, row->value);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/override/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_find);
    }
    return g_test_run();
}
