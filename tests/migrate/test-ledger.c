#include "migrate/ledger.h"
#include "pool/size.h"

/* What the kernel says is left of a parent's types, and what must be left after taking some. */
typedef struct {
    const char *name;
    uint32_t ones, twos; /* available of two types */
    unsigned take_ones, take_twos;
    uint32_t left_ones, left_twos;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "untouched",         24, 12,  0, 0, 24, 12 },
    { "one-of-24-ports",   24, 12,  1, 0, 23, 11 },
    { "two-ports",         24, 12,  2, 0, 22, 11 },
    { "one-of-two-ports",  24, 12,  0, 1, 22, 11 },
    { "both",              24, 12,  1, 1, 21, 10 },
    { "last",               1,  0,  1, 0,  0,  0 },
    { "all",               24, 12, 24, 0,  0,  0 },
    { "all-as-twos",       24, 12,  0, 12, 0,  0 },
    { "odd-one-left",       3,  1,  0, 1,  0,  0 },
    { "five-less-two",      5,  2,  0, 1,  3,  1 },
    { "five-less-one",      5,  2,  1, 0,  4,  2 },
    { "no-whole-size",      6,  4,  0, 1,  4,  3 },
};
/* clang-format on */

static void
test_types(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FerryLedger) ledger = ferry_ledger_new();
    FerrySlotType types[] = { { .available = row->ones }, { .available = row->twos } };
    g_autoptr(GPtrArray) measured = g_ptr_array_new();
    FerrySlotKind one = { .member = (char *)"mtty", .type = (char *)"mtty-1" };
    FerrySlotKind two = { .member = (char *)"mtty", .type = (char *)"mtty-2" };
    FerrySlotKind other = {
        .member = (char *)"mtty2", .type = (char *)"mtty-1", .size = 1, .units = 5
    };

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        g_ptr_array_add(measured, &types[i]);
    one.units = two.units = ferry_sizes_measure(measured);
    one.size = types[0].size;
    two.size = types[1].size;
    for (unsigned i = 0; i < row->take_ones; i++)
        ferry_ledger_take(ledger, &one);
    for (unsigned i = 0; i < row->take_twos; i++)
        ferry_ledger_take(ledger, &two);
    g_assert_cmpuint(ferry_ledger_left(ledger, &one), ==, row->left_ones);
    g_assert_cmpuint(ferry_ledger_left(ledger, &two), ==, row->left_twos);
    g_assert_cmpuint(ferry_ledger_left(ledger, &other), ==, 5);
}

static void
test_vfs(void)
{
    g_autoptr(FerryLedger) ledger = ferry_ledger_new();
    FerrySlotKind eth3 = { .member = (char *)"0000:03:00.0", .available = 2 };
    FerrySlotKind eth4 = { .member = (char *)"0000:03:00.1", .available = 1 };

    ferry_ledger_take(ledger, &eth3);
    g_assert_cmpuint(ferry_ledger_left(ledger, &eth3), ==, 1);
    g_assert_cmpuint(ferry_ledger_left(ledger, &eth4), ==, 1);
    ferry_ledger_take(ledger, &eth3);
    ferry_ledger_take(ledger, &eth4);
    g_assert_cmpuint(ferry_ledger_left(ledger, &eth3), ==, 0);
    g_assert_cmpuint(ferry_ledger_left(ledger, &eth4), ==, 0);
}

/* A device that was made beforehand is one, whatever else its parent has. */
static void
test_given(void)
{
    g_autoptr(FerryLedger) ledger = ferry_ledger_new();
    FerrySlotKind first = { .member = (char *)"mtty", .device = (char *)"u1", .available = 1 };
    FerrySlotKind second = { .member = (char *)"mtty", .device = (char *)"u2", .available = 1 };

    ferry_ledger_take(ledger, &first);
    g_assert_cmpuint(ferry_ledger_left(ledger, &first), ==, 0);
    g_assert_cmpuint(ferry_ledger_left(ledger, &second), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/ledger/types/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_types);
    }
    g_test_add_func("/ledger/vfs", test_vfs);
    g_test_add_func("/ledger/given", test_given);
    return g_test_run();
}
