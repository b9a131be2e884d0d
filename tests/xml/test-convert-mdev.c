#include "convert-fixture.h"

#define MDEV(attributes, source, rest)                                                             \
    "<hostdev mode='subsystem' type='mdev' " attributes "><source>" source "</source>" rest        \
    "</hostdev>\n"
#define MANAGED    "managed='yes' model='vfio-pci'"
#define UUID       "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define ADDRESS    "<address uuid='" UUID "'/>"
#define TYPE       "<type id='nvidia-474'/>"
#define PARENT     "<parent>0000:41:00.0</parent>"
#define META(rest) "<ferry:mdev alias='ua-ferry0' type='nvidia-474' " rest

typedef struct {
    const char *name;
    const char *device;
    const char *element; /* of ferry's metadata */
    unsigned n_warnings;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "by-name",        MDEV(MANAGED, PARENT TYPE, ""), META("parent='0000:41:00.0' managed='yes'/>"), 0 },
    { "by-libvirts-name", MDEV(MANAGED, "<parent> pci_0000_41_00_0 </parent>" TYPE, ""), META("parent='0000:41:00.0' managed='yes'/>"), 0 },
    { "by-address",     MDEV(MANAGED, "<parent><address domain='0' bus='65' slot='0' function='0'/></parent>" TYPE, ""), META("parent='0000:41:00.0' managed='yes'/>"), 0 },
    { "from-pool",      MDEV(MANAGED, "<pool>gpus</pool>" TYPE, ""), META("pool='gpus' managed='yes'/>"), 0 },
    { "with-uuid",      MDEV(MANAGED, TYPE ADDRESS PARENT, ""), META("parent='0000:41:00.0' managed='yes'/>"), 0 },
    { "old-type",       MDEV(MANAGED, PARENT "<mdevtype>nvidia-474</mdevtype>", ""), META("parent='0000:41:00.0' managed='yes'/>"), 0 },
    { "both-types",     MDEV(MANAGED, PARENT TYPE "<mdevtype>nvidia-474</mdevtype>", ""), META("parent='0000:41:00.0' managed='yes'/>"), 0 },
    { "with-facts",     MDEV(MANAGED, PARENT TYPE "<vendorid>0x10de</vendorid><productid>1</productid>", ""),
      META("parent='0000:41:00.0' managed='yes' vendor-id='0x10de' product-id='1'/>"), 0 },
    { "with-attrs",     MDEV(MANAGED, PARENT TYPE "<attr name='b' value='1&amp;2'/><attr name='b' value='3'/>", ""),
      META("parent='0000:41:00.0' managed='yes'>\n      <ferry:attr name='b' value='1&amp;2'/>\n      <ferry:attr name='b' value='3'/>\n    </ferry:mdev>"), 0 },
    { "parent-may-come", MDEV(MANAGED, "<parent>pci_0001_C1_1f_7</parent>" TYPE, ""), META("parent='0001:c1:1f.7' managed='yes'/>"), 1 },
    { "matrix-may-come", MDEV("managed='yes' model='vfio-ap'", "<parent>ap_matrix</parent>" TYPE, ""), META("parent='matrix' managed='yes'/>"), 1 },
    { "css-may-come",   MDEV("managed='yes' model='vfio-ccw'", "<parent>css_0_0_0033</parent>" TYPE, ""), META("parent='0.0.0033' managed='yes'/>"), 1 },
    { "type-may-come",  MDEV(MANAGED, "<parent>mtty</parent>" TYPE, ""), META("parent='mtty' managed='yes'/>"), 1 },
    { "facts",          MDEV("model='vfio-pci'", ADDRESS "<vendorid>0x10de</vendorid><mdevtype>nvidia-474</mdevtype>", ""), META("vendor-id='0x10de'/>"), 0 },
    { "not-managed-facts", MDEV("managed='no' model='vfio-pci'", ADDRESS "<mdevtype>nvidia-474</mdevtype>", ""), "type='nvidia-474'/>", 0 },
    { "libvirts-alias", MDEV(MANAGED, PARENT TYPE, "<alias name='hostdev0'/>"), META("parent='0000:41:00.0' managed='yes'/>"), 0 },
    { "own-alias",      MDEV(MANAGED, PARENT TYPE, "<alias name='ua-x'/>"), "alias='ua-x' type='nvidia-474'", 0 },
    { "alias-is-taken", "<rng><alias name='ua-ferry0'/></rng>" MDEV(MANAGED, PARENT TYPE, ""), "alias='ua-ferry1' type='nvidia-474'", 0 },
    { "two",            MDEV(MANAGED, PARENT TYPE, "") MDEV(MANAGED, PARENT TYPE, ""), "alias='ua-ferry1' type='nvidia-474'", 0 },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *xml = g_strdup_printf(GUEST("", "%s"), row->device);
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *out = fixture_convert(xml, &notes);

    fixture_assert_has(out, row->element);
    fixture_assert_has(out, "<address uuid='");
    g_assert_cmpuint(fixture_count(notes, FERRY_NOTE_WARNING), ==, row->n_warnings);
    g_assert_cmpuint(fixture_count(notes, FERRY_NOTE_CHANGED), >, 0);
    g_assert_null(strstr(out, "<type id"));
    g_assert_null(strstr(out, "<parent>"));
    g_assert_null(strstr(out, "name='hostdev0'"));
    fixture_assert_settled(out);
}

/* Every generated UUID is new, a given one is kept. */
static void
test_uuids(void)
{
    g_autofree char *out = fixture_convert(
        GUEST("", MDEV(MANAGED, PARENT TYPE, "") MDEV(MANAGED, PARENT TYPE ADDRESS, "")), NULL);

    fixture_assert_has(out, "<source><address uuid='c0ffee");
    fixture_assert_has(out, "<source>" ADDRESS "</source>");
    g_assert_null(strstr(out, "managed='yes' model"));
}

static void
test_note(void)
{
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *out =
        fixture_convert(GUEST("", MDEV(MANAGED, PARENT TYPE ADDRESS, "")), &notes);

    fixture_assert_settled(out);
    g_assert_cmpstr(((FerryNote *)g_ptr_array_index(notes, 0))->text, ==,
                    "line 5, <hostdev>: turned the managed mdev into ua-ferry0 with UUID " UUID
                    "; ferry makes it at start, of type nvidia-474 at 0000:41:00.0");
    g_assert_cmpint(((FerryNote *)g_ptr_array_index(notes, 0))->line, ==, 5);
}

/* libvirt's own form, whatever "managed" says: it means nothing there. */
static void
test_kept(void)
{
    static const char *const kept[] = {
        GUEST("", MDEV("model='vfio-pci'", ADDRESS, "")),
        GUEST("", MDEV(MANAGED, ADDRESS, "")),
        GUEST("", MDEV(MANAGED, ADDRESS "<o:parent xmlns:o='o'/>", "<alias name='hostdev0'/>")),
        GUEST("",
              MDEV("model='vfio-pci'", "<address uuid='0D9F7F5C2F0E4A559C4D6A1F54A1C001'/>", "")),
    };

    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
        fixture_assert_settled(kept[i]);
}

typedef struct {
    const char *name;
    const char *device;
    const char *message;
} RefuseRow;

#define L5 "line 5, <hostdev>: "
#define ONE_PLACE                                                                                  \
    L5 "a managed mdev needs a parent or a pool, exactly one of <parent> and <pool> in <source>"

/* clang-format off */
static const RefuseRow refused[] = {
    { "no-model",     MDEV("managed='yes'", PARENT TYPE, ""), L5 "the attribute model is missing: vfio-pci, vfio-ccw or vfio-ap" },
    { "no-uuid",      MDEV("model='vfio-pci'", "", ""), L5 "an mdev is named by its UUID, <source><address uuid='…'/></source>, or managed='yes' with <parent> and <type> in <source>" },
    { "no-source",    "<hostdev type='mdev' " MANAGED "/>\n", L5 "an mdev is named by its UUID, <source><address uuid='…'/></source>, or managed='yes' with <parent> and <type> in <source>" },
    { "no-type",      MDEV(MANAGED, PARENT, ""), L5 "a managed mdev needs its type, <type id='…'/> in <source>: ferry does not choose one; see \"ferry mdev types\"" },
    { "no-parent",    MDEV(MANAGED, TYPE, ""), ONE_PLACE },
    { "parent-and-pool", MDEV(MANAGED, TYPE PARENT "<pool>gpus</pool>", ""), ONE_PLACE },
    { "no-such-pool", MDEV(MANAGED, TYPE "<pool>none</pool>", ""), L5 "there is no pool none; there are: gpus" },
    { "pool-of-vfs",  MDEV(MANAGED, TYPE "<pool>net-x</pool>", ""), L5 "the pool net-x is of hybrids, which this cannot use; there are: gpus" },
    { "two-types",    MDEV(MANAGED, PARENT TYPE "<mdevtype>other</mdevtype>", ""), "line 5, <mdevtype>: the type is nvidia-474, but other stands here too" },
    { "type-twice",   MDEV(MANAGED, PARENT TYPE TYPE, ""), "line 5, <type>: it is there twice: take one out" },
    { "type-no-id",   MDEV(MANAGED, PARENT "<type/>", ""), "line 5, <type>: name the type: <type id='…'/>" },
    { "empty-type",   MDEV(MANAGED, PARENT "<mdevtype/>", ""), "line 5, <mdevtype>: name the type: <mdevtype>…</mdevtype>" },
    { "empty-parent", MDEV(MANAGED, "<parent/>" TYPE, ""), "line 5, <parent>: name the parent, as \"ferry device list\" does, or give its <address domain='…' bus='…' slot='…' function='…'/>" },
    { "path-as-parent", MDEV(MANAGED, "<parent>../x</parent>" TYPE, ""), "line 5, <parent>: name the parent, as \"ferry device list\" does, or give its <address domain='…' bus='…' slot='…' function='…'/>" },
    { "bad-address",  MDEV(MANAGED, "<parent><address bus='1'/></parent>" TYPE, ""), "line 5, <address>: the attribute \"slot\" is missing" },
    { "empty-vendor", MDEV(MANAGED, PARENT TYPE "<vendorid/>", ""), "line 5, <vendorid>: it is empty" },
    { "empty-product", MDEV(MANAGED, PARENT TYPE "<productid> </productid>", ""), "line 5, <productid>: it is empty" },
    { "attr-no-value", MDEV(MANAGED, PARENT TYPE "<attr name='a'/>", ""), "line 5, <attr>: an attribute has a name and a value" },
    { "not-managed",  MDEV("model='vfio-pci'", PARENT TYPE ADDRESS, ""), L5 "only a managed mdev is made by ferry: write managed='yes', or take <parent>, <pool> and <attr> out" },
    { "facts-no-type", MDEV("model='vfio-pci'", ADDRESS "<vendorid>1</vendorid>", ""), L5 "<vendorid> and <productid> are compared along with the type: add <mdevtype>" },
    { "facts-no-uuid", MDEV("model='vfio-pci'", "<mdevtype>t</mdevtype>", ""), L5 "who makes this mdev?  Name it by UUID, <address uuid='…'/>, or write managed='yes' with <parent> and <type>" },
    { "pci-address",  MDEV(MANAGED, "<address domain='0' bus='1' slot='0' function='0'/>" PARENT TYPE, ""), "line 5, <address>: an mdev has no PCI address on the host: name it by UUID, or write managed='yes' with <parent> and <type>" },
};
/* clang-format on */

static void
test_refused(gconstpointer data)
{
    const RefuseRow *row = data;
    g_autofree char *xml = g_strdup_printf(GUEST("", "%s"), row->device);

    fixture_refuse(xml, row->message);
}

static void
test_said_twice(void)
{
    fixture_refuse(GUEST(FERRY("<ferry:mdev alias='ua-x' type='t'/>"),
                         MDEV(MANAGED, PARENT TYPE ADDRESS, "<alias name='ua-x'/>")),
                   L5 "ferry's metadata says of ua-x already how it is made: take one of the two "
                      "out");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/convert-mdev/turned/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autofree char *path = g_strconcat("/convert-mdev/refused/", refused[i].name, NULL);

        g_test_add_data_func(path, &refused[i], test_refused);
    }
    g_test_add_func("/convert-mdev/uuids", test_uuids);
    g_test_add_func("/convert-mdev/note", test_note);
    g_test_add_func("/convert-mdev/kept", test_kept);
    g_test_add_func("/convert-mdev/said-twice", test_said_twice);
    return g_test_run();
}
