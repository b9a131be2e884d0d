#include "guest/link.h"

#include "base/error.h"
#include "guest/act.h"

/* libvirt's test driver cannot change a device, and says so; that a guest sees its link go is in
 * tests/lab. */
#define NOBODY "00000000-0000-4000-8000-000000000001"
#define GUEST  "6f1d2c1e-7d3b-4a57-8a44-000000000003"
#define DOMAIN                                                                                     \
    "<domain type='test'><name>g</name><uuid>" GUEST                                               \
    "</uuid><memory>65536</memory><os><type>hvm</type></os><devices>"                              \
    "<interface type='user'><mac address='52:54:00:00:0a:01'/><alias name='ua-up'/></interface>"   \
    "<interface type='user'><mac address='52:54:00:00:0a:02'/><link state='down'/>"                \
    "<alias name='ua-down'/></interface>"                                                          \
    "<interface type='user'><mac address='52:54:00:00:0a:03'/><link state='up'/>"                  \
    "<alias name='ua-said'/></interface>"                                                          \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='6' "      \
    "slot='0' function='0'/></source><alias name='ua-card0'/></hostdev>"                           \
    "</devices></domain>"

/* clang-format off */
static const struct {
    const char *name;
    const char *guest;
    const char *alias;
    FerryLinkState state;
    int code; /* -1: so already, libvirt is not asked */
    const char *message;
} rows[] = {
    { "up-by-default", GUEST, "ua-up", FERRY_LINK_UP, -1, NULL },
    { "up-in-words", GUEST, "ua-said", FERRY_LINK_UP, -1, NULL },
    { "down", GUEST, "ua-down", FERRY_LINK_DOWN, -1, NULL },
    { "asks-for-down", GUEST, "ua-up", FERRY_LINK_DOWN, FERRY_ERROR_UNSUPPORTED, "cannot take the link of ua-up down in guest " GUEST ": *" },
    { "asks-for-up", GUEST, "ua-down", FERRY_LINK_UP, FERRY_ERROR_UNSUPPORTED, "cannot take the link of ua-down up in guest " GUEST ": *" },
    { "no-such-nic", GUEST, "ua-none", FERRY_LINK_UP, FERRY_ERROR_NOT_FOUND, "guest g has no network interface ua-none just now" },
    { "no-nic", GUEST, "ua-card0", FERRY_LINK_DOWN, FERRY_ERROR_NOT_FOUND, "guest g has no network interface ua-card0 just now" },
    { "no-guest", NOBODY, "ua-up", FERRY_LINK_DOWN, FERRY_ERROR_NOT_FOUND, "*" NOBODY "*" },
};
/* clang-format on */

static void
test_rows(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");

    g_assert_true(ferry_guests_define(guests, DOMAIN, NULL));
    g_assert_true(ferry_guests_start(guests, GUEST, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", rows[i].name);
        g_assert_cmpint(
            ferry_guests_set_link(guests, rows[i].guest, rows[i].alias, rows[i].state, &error), ==,
            rows[i].code < 0);
        if (rows[i].code < 0)
            continue;
        g_assert_error(error, FERRY_ERROR, rows[i].code);
        g_assert_true(g_pattern_match_simple(rows[i].message, error->message));
    }
}

static void
test_names(void)
{
    g_assert_cmpstr(ferry_link_state_name(FERRY_LINK_UP), ==, "up");
    g_assert_cmpstr(ferry_link_state_name(FERRY_LINK_DOWN), ==, "down");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/link/rows", test_rows);
    g_test_add_func("/link/names", test_names);
    return g_test_run();
}
