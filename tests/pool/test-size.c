#include "pool/size.h"

#define MAX_TYPES 4

/* What is left of each type, and what one of each takes in thousandths of a unit. */
typedef struct {
    const char *name;
    uint32_t available[MAX_TYPES];
    unsigned sizes[MAX_TYPES];
    unsigned units;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "whole",            { 24, 12, 8 },   { 1000, 2000, 3000 },       24 },
    { "rounded-down",     { 23, 11, 7 },   { 1000, 2000, 3000 },       23 },
    { "in-any-order",     { 2, 5 },        { 2000, 1000 },             5 },
    { "nothing-left",     { 1, 0 },        { 1000, 0 },                1 },
    { "nothing-at-all",   { 0, 0 },        { 0, 0 },                   0 },
    { "alike",            { 4, 4 },        { 1000, 1000 },             4 },
    { "one-and-a-half",   { 6, 4 },        { 1000, 1500 },             6 },
    { "at-most",          { 3, 1 },        { 1000, 3000 },             3 },
    { "gpu",              { 24, 8, 4, 1 }, { 1000, 3000, 6000, 24000 }, 24 },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    FerrySlotType types[MAX_TYPES] = { { 0 } };
    g_autoptr(GPtrArray) array = g_ptr_array_new();
    double units = 0;

    for (size_t i = 0; i < MAX_TYPES; i++) {
        types[i].available = row->available[i];
        g_ptr_array_add(array, &types[i]);
    }
    units = ferry_sizes_measure(array);
    g_assert_cmpfloat(units, ==, row->units);
    for (size_t i = 0; i < MAX_TYPES; i++) {
        g_assert_cmpfloat_with_epsilon(types[i].size, row->sizes[i] / 1000.0, 1e-9);
        /* what the kernel says is left is what fits */
        g_assert_cmpuint(ferry_sizes_fit(units, types[i].size), ==, row->available[i]);
    }
}

/* Of types that are whole units no device is promised that there is no room for. */
static void
test_never_too_much(void)
{
    for (uint32_t units = 1; units <= 60; units++)
        for (uint32_t size = 1; size <= units; size++) {
            FerrySlotType one = { .available = units };
            FerrySlotType large = { .available = units / size };
            g_autoptr(GPtrArray) array = g_ptr_array_new();

            g_ptr_array_add(array, &one);
            g_ptr_array_add(array, &large);
            g_assert_cmpfloat(ferry_sizes_measure(array), ==, units);
            g_assert_cmpfloat(large.size, >=, size);
            for (uint32_t n = 0; n * size <= units; n++)
                g_assert_cmpuint(ferry_sizes_fit(units - n * large.size, one.size), <=,
                                 units - n * size);
        }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/size/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/size/never-too-much", test_never_too_much);
    return g_test_run();
}
