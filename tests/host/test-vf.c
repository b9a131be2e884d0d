#include "host/vf.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

/* A PF with one VF in memory. */
typedef struct {
    FerryVfSettings vf;
    FerryVfFields lacks; /* EOPNOTSUPP */
    char sets[64];       /* a letter for each field that was set, in order */
    int n_busy;          /* so many EBUSY first */
    int n_pauses;
    int set_errno;
} Card;

static int
card_get(void *data, const char *netdev, unsigned index, FerryVfSettings *ret)
{
    const Card *card = data;

    if (strcmp(netdev, "eth3") != 0)
        return ENODEV;
    if (index != 0)
        return ENOENT;
    *ret = card->vf;
    return 0;
}

static int
card_set(void *data,
         const char *netdev,
         unsigned index,
         const FerryVfSettings *settings,
         FerryVfFields field)
{
    Card *card = data;
    FerryVfFields known = card->vf.known;
    const char letter = "MVSTLRQ"[g_bit_nth_lsf(field, -1)];

    (void)netdev;
    (void)index;
    if (card->n_busy > 0) {
        card->n_busy--;
        return EBUSY;
    }
    if (card->set_errno != 0)
        return card->set_errno;
    if ((card->lacks & field) != 0)
        return EOPNOTSUPP;
    strncat(card->sets, &letter, 1);
    /* enough for the tests: all fields of the VF become those asked for */
    card->vf = *settings;
    card->vf.known = known;
    return 0;
}

static void
card_pause(void *data, unsigned ms)
{
    Card *card = data;

    g_assert_cmpuint(ms, ==, 50);
    card->n_pauses++;
}

static const FerryVfOps ops = { card_get, card_set, card_pause };

static const FerryVfSettings fresh = { .known = FERRY_VF_ALL,
                                       .spoof_check = true,
                                       .vlan_protocol = 0x8100 };
static const FerryVfSettings wanted = { .known = FERRY_VF_ALL,
                                        .mac = { 0x52, 0x54, 0, 0, 0x0a, 1 },
                                        .vlan = 42,
                                        .vlan_priority = 3,
                                        .vlan_protocol = 0x8100,
                                        .trust = true,
                                        .link_state = 1,
                                        .max_rate_mbps = 100,
                                        .rss_query = true };

static void
test_writes_what_differs(void)
{
    static const struct {
        FerryVfFields fields;
        const char *sets;
    } rows[] = {
        { FERRY_VF_ALL, "MVSTLRQ" },
        { FERRY_VF_TRUST | FERRY_VF_MAC, "MT" },
        { 0, "" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Card card = { .vf = fresh };
        FerryVfFields unsupported = FERRY_VF_ALL;
        g_autoptr(GError) error = NULL;

        g_assert_true(
            ferry_vf_write(&ops, &card, "eth3", 0, &wanted, rows[i].fields, &unsupported, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(card.sets, ==, rows[i].sets);
        g_assert_cmpint(unsupported, ==, 0);
    }
}

static void
test_nothing_to_write(void)
{
    Card card = { .vf = wanted };

    g_assert_true(ferry_vf_write(&ops, &card, "eth3", 0, &wanted, FERRY_VF_ALL, NULL, NULL));
    g_assert_cmpstr(card.sets, ==, "");
}

/* Saved before, restored after, on a card that lacks some: what it lacks is an answer. */
static void
test_lacking_fields(void)
{
    Card card = { .vf = fresh, .lacks = FERRY_VF_LINK_STATE | FERRY_VF_RSS_QUERY };
    FerryVfFields unsupported = 0;

    g_assert_true(
        ferry_vf_write(&ops, &card, "eth3", 0, &wanted, FERRY_VF_ALL, &unsupported, NULL));
    g_assert_cmpint(unsupported, ==, FERRY_VF_LINK_STATE | FERRY_VF_RSS_QUERY);
    g_assert_cmpstr(card.sets, ==, "MVSTR");
}

/* Not told is not "equal": it is tried; not asked for is left. */
static void
test_unknown_fields(void)
{
    Card card = { .vf = wanted };
    FerryVfSettings some = wanted;

    card.vf.known = FERRY_VF_ALL & ~FERRY_VF_TRUST;
    some.known = FERRY_VF_ALL & ~FERRY_VF_RATE;
    some.max_rate_mbps = 7;
    g_assert_true(ferry_vf_write(&ops, &card, "eth3", 0, &some, FERRY_VF_ALL, NULL, NULL));
    g_assert_cmpstr(card.sets, ==, "T");
}

static void
test_busy_for_a_while(void)
{
    Card card = { .vf = fresh, .n_busy = 5 };
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_vf_write(&ops, &card, "eth3", 0, &wanted, FERRY_VF_MAC, NULL, NULL));
    g_assert_cmpint(card.n_pauses, ==, 5);
    card = (Card){ .vf = fresh, .n_busy = 1000 };
    g_assert_false(ferry_vf_write(&ops, &card, "eth3", 0, &wanted, FERRY_VF_MAC, NULL, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpstr(error->message, ==,
                    "cannot set the MAC of VF 0 of eth3: Device or resource busy");
    g_assert_cmpint(card.n_pauses, ==, 20);
}

static void
test_errors(void)
{
    Card card = { .vf = fresh, .set_errno = EINVAL };
    FerryVfSettings settings = { .vlan = 9 };
    FerryVfFields unsupported = FERRY_VF_MAC;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_vf_read(&ops, &card, "eth9", 0, &settings, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(ferry_vf_read(&ops, &card, "eth3", 9, &settings, &error));
    g_assert_cmpstr(error->message, ==,
                    "cannot read the settings of VF 9 of eth3: there is no such netdev, or it has "
                    "no such VF");
    g_assert_cmpuint(settings.vlan, ==, 9);
    g_clear_error(&error);
    g_assert_false(
        ferry_vf_write(&ops, &card, "eth3", 0, &wanted, FERRY_VF_RATE, &unsupported, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(error->message, ==, "cannot set the rate of VF 0 of eth3: Invalid argument");
    g_assert_cmpint(unsupported, ==, FERRY_VF_MAC);
    card.set_errno = EPERM;
    g_clear_error(&error);
    g_assert_false(ferry_vf_write(&ops, &card, "eth3", 0, &wanted, FERRY_VF_TRUST, NULL, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_DENIED);
}

static void
test_compare(void)
{
    FerryVfSettings other = fresh;

    g_assert_cmpint(ferry_vf_compare(&fresh, &other), ==, 0);
    other.vlan_protocol = 0x88a8;
    other.min_rate_mbps = 1;
    g_assert_cmpint(ferry_vf_compare(&fresh, &other), ==, FERRY_VF_VLAN | FERRY_VF_RATE);
    other.known = FERRY_VF_RATE;
    g_assert_cmpint(ferry_vf_compare(&fresh, &other), ==, FERRY_VF_RATE);
}

/* Every machine has lo, and it has no VFs. */
static void
test_netlink_without_vfs(void)
{
    FerryVfSettings settings = { 0 };
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_vf_read(ferry_vf_netlink(), NULL, "lo", 0, &settings, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(ferry_vf_read(ferry_vf_netlink(), NULL, "no-such-dev", 0, &settings, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vf/writes-what-differs", test_writes_what_differs);
    g_test_add_func("/vf/nothing-to-write", test_nothing_to_write);
    g_test_add_func("/vf/lacking-fields", test_lacking_fields);
    g_test_add_func("/vf/unknown-fields", test_unknown_fields);
    g_test_add_func("/vf/busy-for-a-while", test_busy_for_a_while);
    g_test_add_func("/vf/errors", test_errors);
    g_test_add_func("/vf/compare", test_compare);
    g_test_add_func("/vf/netlink-without-vfs", test_netlink_without_vfs);
    return g_test_run();
}
