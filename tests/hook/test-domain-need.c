#include "hook/domain-need.h"

#include <string.h>

#include <glib.h>

#define OURS(content)                                                                              \
    "<domain><name>g</name><metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>" content        \
    "</ferry:guest></metadata></domain>"

typedef struct {
    const char *name;
    const char *xml;
    HookNeed need;
    const char *alias;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "foreign", "<domain><metadata><x:mdev xmlns:x='urn:x:1' alias='a' managed='yes'/></metadata></domain>", HOOK_NEED_NOTHING, "" },
    { "empty", "", HOOK_NEED_NOTHING, "" },
    { "no-device", OURS(""), HOOK_NEED_NOTHING, "" },
    { "ephemeral", OURS("<ferry:ephemeral alias='ua-nic7'/>"), HOOK_NEED_NOTHING, "" },
    { "expected-facts-only", OURS("<ferry:mdev alias='ua-gpu0' type='t'/>"), HOOK_NEED_NOTHING, "" },
    { "not-managed", OURS("<ferry:mdev alias='ua-gpu0' type='t' managed='no'/>"), HOOK_NEED_NOTHING, "" },
    { "managed", OURS("<ferry:mdev alias='ua-gpu0' pool='p' type='t' managed='yes'/>"), HOOK_NEED_FERRYD, "ua-gpu0" },
    { "managed-with-attr", OURS("<ferry:mdev managed=\"yes\" type='t' alias='ua-gpu0'><ferry:attr name='a' value='b'/></ferry:mdev>"), HOOK_NEED_FERRYD, "ua-gpu0" },
    { "second-is-managed", OURS("<ferry:mdev alias='a' type='t'/><ferry:mdev alias='b' type='t' managed='yes'/>"), HOOK_NEED_FERRYD, "b" },
    { "hybrid", OURS("<ferry:hybrid alias='ua-net0' pool='p'/>"), HOOK_NEED_FERRYD, "ua-net0" },
    { "hybrid-refuse", OURS("<ferry:hybrid alias='ua-net0' pool='p' on-no-vf='refuse'/>"), HOOK_NEED_FERRYD, "ua-net0" },
    { "hybrid-degrade", OURS("<ferry:hybrid alias='ua-net0' pool='p' on-no-vf='degrade'/>"), HOOK_NEED_CAN_DO_WITHOUT, "ua-net0" },
    { "degrade-then-managed", OURS("<ferry:hybrid alias='n' on-no-vf='degrade'/><ferry:mdev alias='g' managed='yes'/>"), HOOK_NEED_FERRYD, "g" },
    { "no-alias", OURS("<ferry:mdev managed='yes'/>"), HOOK_NEED_FERRYD, "" },
    { "other-prefix", "<domain><metadata><f:guest xmlns:f=\"urn:ferry:guest:1\"><f:mdev alias='a' managed='yes'/></f:guest></metadata></domain>", HOOK_NEED_FERRYD, "a" },
    { "default-namespace", "<domain><metadata><guest xmlns='urn:ferry:guest:1'><mdev alias='a' managed='yes'/></guest></metadata></domain>", HOOK_NEED_FERRYD, "a" },
    { "declared-at-the-root", "<domain xmlns:ferry='urn:ferry:guest:1'><metadata><ferry:guest><ferry:mdev alias='a' managed='yes'/></ferry:guest></metadata></domain>", HOOK_NEED_FERRYD, "a" },
    { "declared-at-each", "<domain><metadata><f:guest xmlns:f='urn:ferry:guest:1'/><f:mdev xmlns:f='urn:ferry:guest:1' alias='a' managed='yes'/></metadata></domain>", HOOK_NEED_FERRYD, "a" },
    { "out-of-scope", "<domain><metadata><guest xmlns='urn:ferry:guest:1'/></metadata><devices><mdev alias='a' managed='yes'/></devices></domain>", HOOK_NEED_NOTHING, "" },
    { "closed-scope", "<domain><metadata><guest xmlns='urn:ferry:guest:1'><x/></guest></metadata><mdev alias='a' managed='yes'/></domain>", HOOK_NEED_NOTHING, "" },
    { "other-version", "<domain><metadata><f:guest xmlns:f='urn:ferry:guest:12'><f:mdev alias='a' managed='yes'/></f:guest></metadata></domain>", HOOK_NEED_NOTHING, "" },
    { "in-description", "<domain><description>urn:ferry:guest:1 &lt;ferry:mdev managed='yes'/></description></domain>", HOOK_NEED_NOTHING, "" },
    { "in-comment", "<domain><!-- " OURS("<ferry:mdev alias='a' managed='yes'/>") " --></domain>", HOOK_NEED_NOTHING, "" },
    { "other-element", OURS("<ferry:mdevs alias='a' managed='yes'/>"), HOOK_NEED_NOTHING, "" },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    char alias[HOOK_ALIAS_BYTES] = "untouched";

    g_assert_cmpint(hook_find_need(row->xml, HOOK_ALL_DEVICES, alias), ==, row->need);
    g_assert_cmpstr(alias, ==, row->alias);
}

/* Every cut and every changed byte is read within its bounds (ASan). */
static void
test_every_cut(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t n = 0; n < strlen(rows[i].xml); n++) {
            g_autofree char *cut = g_strndup(rows[i].xml, n);
            g_autofree char *changed = g_strdup(rows[i].xml);
            char alias[HOOK_ALIAS_BYTES];

            changed[n] = "<>'\"=/ "[n % 7];
            (void)hook_find_need(cut, HOOK_ALL_DEVICES, alias);
            (void)hook_find_need(changed, HOOK_HYBRIDS, alias);
        }
}

static void
test_hybrids_only(void)
{
    char alias[HOOK_ALIAS_BYTES];

    g_assert_cmpint(
        hook_find_need(OURS("<ferry:mdev alias='g' managed='yes'/>"), HOOK_HYBRIDS, alias), ==,
        HOOK_NEED_NOTHING);
    g_assert_cmpint(hook_find_need(OURS("<ferry:mdev alias='g' managed='yes'/><ferry:hybrid "
                                        "alias='n'/>"),
                                   HOOK_HYBRIDS, alias),
                    ==, HOOK_NEED_FERRYD);
    g_assert_cmpstr(alias, ==, "n");
}

static void
test_long_names_are_cut(void)
{
    g_autofree char *name = g_strnfill(1000, 'a');
    g_autofree char *alias_xml =
        g_strconcat("<domain><guest xmlns='urn:ferry:guest:1'><mdev alias='", name,
                    "' managed='yes'/></guest></domain>", NULL);
    g_autofree char *prefix_xml =
        g_strconcat("<domain><", name, ":guest xmlns:", name,
                    "='urn:ferry:guest:1'><mdev managed='yes'/></domain>", NULL);
    char alias[HOOK_ALIAS_BYTES];

    g_assert_cmpint(hook_find_need(alias_xml, HOOK_ALL_DEVICES, alias), ==, HOOK_NEED_FERRYD);
    g_assert_cmpuint(strlen(alias), ==, HOOK_ALIAS_BYTES - 1);
    g_assert_cmpint(hook_find_need(prefix_xml, HOOK_ALL_DEVICES, alias), ==, HOOK_NEED_NOTHING);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/domain-need/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/domain-need/every-cut", test_every_cut);
    g_test_add_func("/domain-need/hybrids-only", test_hybrids_only);
    g_test_add_func("/domain-need/long-names-are-cut", test_long_names_are_cut);
    return g_test_run();
}
