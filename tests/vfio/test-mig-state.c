#include "vfio/mig-state.h"

#include <jansson.h>

#include "sim/arcs.h"
#include "vfio/uapi.h"

static const uint64_t all_flags[] = { 1, 3, 5, 7 };

static void
check_pair(FerryMigState from, FerryMigState to, uint64_t flags)
{
    FerryMigPath path = ferry_mig_path(from, to, flags);
    unsigned expected = sim_arcs_distance(from, to, flags);
    FerryMigState now = from;

    if (expected == SIM_NO_WAY) {
        g_assert_cmpint(path.move, ==, FERRY_MIG_MOVE_REFUSED);
        return;
    }
    g_assert_cmpint(path.move, ==, from == to ? FERRY_MIG_MOVE_NONE : FERRY_MIG_MOVE_OK);
    g_assert_cmpuint(path.n_steps, ==, expected);
    for (unsigned i = 0; i < path.n_steps; i++) {
        g_assert_true(sim_arcs_has(now, path.steps[i], flags));
        now = path.steps[i];
    }
    g_assert_cmpint(now, ==, to);
}

static void
test_paths_match_the_search(void)
{
    for (size_t f = 0; f < G_N_ELEMENTS(all_flags); f++)
        for (unsigned from = 1; from < FERRY_MIG_N_STATES; from++)
            for (unsigned to = 1; to < FERRY_MIG_N_STATES; to++)
                if (ferry_mig_state_in_flags((FerryMigState)from, all_flags[f]) &&
                    ferry_mig_state_in_flags((FerryMigState)to, all_flags[f]))
                    check_pair((FerryMigState)from, (FerryMigState)to, all_flags[f]);
}

static FerryMigState
state_of(const json_t *name)
{
    for (unsigned i = 0; i < FERRY_MIG_N_STATES; i++)
        if (g_str_equal(json_string_value(name), ferry_mig_state_name(i)))
            return (FerryMigState)i;
    g_assert_not_reached();
}

static json_t *
load_uapi(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "data", "uapi.json", NULL);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);

    g_assert_nonnull(root);
    return root;
}

/* Every path that the kernel's rules give, driver's arcs and composed ones: 6+6, 8+12, 9+10, 15+25.
 */
static size_t
check_lists(const json_t *variant, const char *key, uint64_t flags)
{
    const json_t *rows = json_object_get(variant, key);
    size_t i = 0;
    const json_t *row = NULL;

    json_array_foreach(rows, i, row)
    {
        size_t n = json_array_size(row);
        FerryMigPath path = ferry_mig_path(state_of(json_array_get(row, 0)),
                                           state_of(json_array_get(row, n - 1)), flags);
        g_assert_cmpint(path.move, ==, FERRY_MIG_MOVE_OK);
        g_assert_cmpuint(path.n_steps, ==, n - 1);
        for (unsigned step = 0; step < path.n_steps; step++)
            g_assert_cmpint(path.steps[step], ==, state_of(json_array_get(row, step + 1)));
    }
    return json_array_size(rows);
}

static void
test_paths_match_the_kernels(void)
{
    json_t *root = load_uapi();
    size_t i = 0;
    const json_t *variant = NULL;

    json_array_foreach(json_object_get(root, "variants"), i, variant)
    {
        uint64_t flags = (uint64_t)json_integer_value(json_object_get(variant, "migration_flags"));
        size_t n_states = json_array_size(json_object_get(variant, "states"));
        const json_t *blocked = json_object_get(variant, "blocked_arcs");
        size_t b = 0;
        const json_t *pair = NULL;
        size_t n = check_lists(variant, "driver_arcs", flags) +
                   check_lists(variant, "combined_paths", flags) + json_array_size(blocked);

        g_assert_cmpuint(n, ==, n_states * (n_states - 1)); /* each ordered pair is in one list */
        json_array_foreach(blocked, b, pair)
        {
            FerryMigPath path = ferry_mig_path(state_of(json_array_get(pair, 0)),
                                               state_of(json_array_get(pair, 1)), flags);
            g_assert_cmpint(path.move, ==, FERRY_MIG_MOVE_REFUSED);
        }
    }
    g_assert_cmpuint(i, ==, 4);
    json_decref(root);
}

static void
test_descriptors_match_the_kernels(void)
{
    json_t *root = load_uapi();
    const json_t *rows = json_object_get(root, "arcs_returning_fd");
    unsigned n = 0;

    for (unsigned from = 1; from < FERRY_MIG_N_STATES; from++)
        for (unsigned to = 1; to < FERRY_MIG_N_STATES; to++) {
            FerryMigData data = ferry_mig_data((FerryMigState)from, (FerryMigState)to);
            FerryMigPath path =
                ferry_mig_path((FerryMigState)from, (FerryMigState)to, FERRY_MIG_ALL);
            const char *expected = NULL;
            size_t i = 0;
            const json_t *row = NULL;

            if (path.move == FERRY_MIG_MOVE_REFUSED)
                continue;
            json_array_foreach(rows, i, row) if (state_of(json_object_get(row, "from")) == from &&
                                                 state_of(json_object_get(row, "to")) == to)
                expected = json_string_value(json_object_get(row, "fd"));
            g_assert_cmpstr(expected, ==,
                            data == FERRY_MIG_DATA_NONE   ? NULL
                            : data == FERRY_MIG_DATA_READ ? "read"
                                                          : "write");
            n += expected != NULL;
        }
    g_assert_cmpuint(n, ==, json_array_size(rows));
    json_decref(root);
}

static void
test_refusals(void)
{
    g_assert_cmpint(
        ferry_mig_path(FERRY_MIG_STATE_STOP_COPY, FERRY_MIG_STATE_PRE_COPY, FERRY_MIG_ALL).move, ==,
        FERRY_MIG_MOVE_REFUSED);
    for (unsigned state = 0; state < FERRY_MIG_N_STATES; state++) {
        g_assert_cmpint(
            ferry_mig_path(FERRY_MIG_STATE_ERROR, (FerryMigState)state, FERRY_MIG_ALL).move, ==,
            FERRY_MIG_MOVE_REFUSED);
        g_assert_cmpint(
            ferry_mig_path((FerryMigState)state, FERRY_MIG_STATE_ERROR, FERRY_MIG_ALL).move, ==,
            FERRY_MIG_MOVE_REFUSED);
        /* a plain device without the migration feature has no states at all */
        g_assert_cmpint(ferry_mig_path((FerryMigState)state, FERRY_MIG_STATE_STOP, 0).move, ==,
                        FERRY_MIG_MOVE_REFUSED);
    }
}

static void
test_names_of_hostile_numbers(void)
{
    g_assert_cmpstr(ferry_mig_state_name(6), ==, "PRE_COPY");
    g_assert_cmpstr(ferry_mig_state_name(8), ==, "?");
    g_assert_cmpstr(ferry_mig_state_name(G_MAXUINT), ==, "?");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mig-state/paths-match-the-search", test_paths_match_the_search);
    g_test_add_func("/mig-state/paths-match-the-kernels", test_paths_match_the_kernels);
    g_test_add_func("/mig-state/descriptors-match-the-kernels", test_descriptors_match_the_kernels);
    g_test_add_func("/mig-state/refusals", test_refusals);
    g_test_add_func("/mig-state/names-of-hostile-numbers", test_names_of_hostile_numbers);
    return g_test_run();
}
