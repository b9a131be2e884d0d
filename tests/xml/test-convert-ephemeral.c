#include "convert-fixture.h"

#define NEW(alias) "<ferry:ephemeral alias='" alias "'/>"

typedef struct {
    const char *name;
    const char *device;
    const char *element; /* (nullable) of ferry's metadata: none is made */
    const char *has;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "hostdev",   "<hostdev type='pci' ephemeral='yes'><source/></hostdev>", NEW("ua-ferry0"), "<hostdev type='pci'><source/><alias name='ua-ferry0'/></hostdev>" },
    { "interface", "<interface type='user' ephemeral='yes'><alias name='ua-n'/></interface>", NEW("ua-n"), "<interface type='user'><alias" },
    { "vf",        "<interface ephemeral=\"yes\" type='hostdev'/>", NEW("ua-ferry0"), "<interface type='hostdev'>\n  <alias" },
    { "vf-of-pool", "<interface type='network' ephemeral='yes'><source network='vfs'/></interface>", NEW("ua-ferry0"), "<interface type='network'>" },
    { "disk",      "<disk ephemeral='yes'><target bus='virtio'/></disk>", NEW("ua-ferry0"), "<disk><target" },
    { "mdev",      "<hostdev type='mdev' model='vfio-pci' managed='yes' ephemeral='yes'><source><type id='mtty-2'/><parent>mtty</parent></source><alias name='ua-x'/></hostdev>",
      NEW("ua-x"), "<ferry:mdev alias='ua-x' type='mtty-2' parent='mtty' managed='yes'/>" },
    { "no",        "<hostdev type='pci' ephemeral='no'/>", NULL, "<hostdev type='pci'/>" },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *xml = g_strdup_printf(GUEST("", "%s\n"), row->device);
    g_autofree char *out = fixture_convert(xml, NULL);

    fixture_assert_has(out, row->element);
    fixture_assert_has(out, row->has);
    g_assert_true((row->element != NULL) == (strstr(out, "<ferry:ephemeral") != NULL));
    fixture_assert_settled(out);
}

/* A device that is marked already is not marked twice. */
static void
test_again(void)
{
    g_autofree char *out = fixture_convert(
        GUEST(FERRY(NEW("ua-n")), "<interface type='user' ephemeral='yes'><alias name='ua-n'/>"
                                  "</interface>\n"),
        NULL);

    g_assert_cmpstr(
        out, ==,
        GUEST(FERRY(NEW("ua-n")), "<interface type='user'><alias name='ua-n'/></interface>\n"));
}

/* An mdev without alias gets one, for both of its elements. */
static void
test_mdev_without_alias(void)
{
    g_autofree char *out = fixture_convert(
        GUEST("", "<hostdev type='mdev' model='vfio-pci' managed='yes' ephemeral='yes'><source>"
                  "<type id='mtty-2'/><parent>mtty</parent></source></hostdev>\n"),
        NULL);

    fixture_assert_has(out, "<ferry:mdev alias='ua-ferry0'");
    fixture_assert_has(out, NEW("ua-ferry0"));
    fixture_assert_settled(out);
}

static void
test_refused(void)
{
    fixture_refuse(GUEST("", "<hostdev type='pci' ephemeral='maybe'/>\n"),
                   "line 5, <hostdev>: ephemeral=\"maybe\" is neither yes nor no");
    fixture_refuse(GUEST("", "<video ephemeral='yes'/>\n"),
                   "line 5, <video>: a video cannot be taken off a running guest, so it cannot be "
                   "ephemeral: take the attribute out");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/convert-ephemeral/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/convert-ephemeral/again", test_again);
    g_test_add_func("/convert-ephemeral/mdev-without-alias", test_mdev_without_alias);
    g_test_add_func("/convert-ephemeral/refused", test_refused);
    return g_test_run();
}
