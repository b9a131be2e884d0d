#include "migrate/guest-turns.h"

#include <pthread.h>

#define A "6f1d2c1e-7d3b-4a57-8a44-0000000000aa"
#define B "6f1d2c1e-7d3b-4a57-8a44-0000000000bb"

static void
test_one_at_a_time(void)
{
    g_autoptr(FerryGuestTurns) turns = ferry_guest_turns_new();

    g_assert_true(ferry_guest_turns_enter(turns, A, 0));
    g_assert_false(ferry_guest_turns_enter(turns, A, 1));
    g_assert_true(ferry_guest_turns_enter(turns, B, 0));
    ferry_guest_turns_leave(turns, B);
    ferry_guest_turns_leave(turns, A);
    g_assert_true(ferry_guest_turns_enter(turns, A, 0));
    ferry_guest_turns_leave(turns, A);
}

static void
test_since(void)
{
    g_autoptr(FerryGuestTurns) turns = ferry_guest_turns_new();
    uint64_t number = ferry_guest_turns_number(turns, A);

    g_assert_true(ferry_guest_turns_enter_since(turns, A, number));
    g_assert_false(ferry_guest_turns_enter_since(turns, A, ferry_guest_turns_number(turns, A)));
    ferry_guest_turns_leave(turns, A);
    g_assert_false(ferry_guest_turns_enter_since(turns, A, number)); /* one began and ended */
    number = ferry_guest_turns_number(turns, A);
    g_assert_true(ferry_guest_turns_begin_start(turns, A));
    g_assert_false(ferry_guest_turns_enter_since(turns, A, number));
    ferry_guest_turns_end_start(turns, A);
    number = ferry_guest_turns_number(turns, A);
    g_assert_true(ferry_guest_turns_enter(turns, B, 0)); /* another guest's does not count */
    ferry_guest_turns_leave(turns, B);
    g_assert_true(ferry_guest_turns_enter_since(turns, A, number));
    ferry_guest_turns_leave(turns, A);
}

static void
test_start(void)
{
    g_autoptr(FerryGuestTurns) turns = ferry_guest_turns_new();

    g_assert_false(ferry_guest_turns_is_starting(turns, A));
    g_assert_true(ferry_guest_turns_begin_start(turns, A));
    g_assert_true(ferry_guest_turns_is_starting(turns, A));
    g_assert_false(ferry_guest_turns_begin_start(turns, A));
    g_assert_true(ferry_guest_turns_begin_start(turns, B));
    g_assert_true(ferry_guest_turns_enter(turns, A, 0)); /* its own turns, and the hook's */
    ferry_guest_turns_leave(turns, A);
    ferry_guest_turns_end_start(turns, A);
    g_assert_false(ferry_guest_turns_is_starting(turns, A));
}

static void
assert_waits(FerryGuestTurns *turns, const char *expected)
{
    g_autofree char *waiting_for = ferry_guest_turns_waiting_for(turns, A);

    g_assert_cmpstr(waiting_for, ==, expected);
}

static void
test_say(void)
{
    g_autoptr(FerryGuestTurns) turns = ferry_guest_turns_new();

    assert_waits(turns, NULL);
    g_assert_true(ferry_guest_turns_say(turns, A, "the driver"));
    g_assert_false(ferry_guest_turns_say(turns, A, "the driver"));
    assert_waits(turns, "the driver");
    g_assert_true(ferry_guest_turns_say(turns, A, NULL));
    assert_waits(turns, NULL);
}

typedef struct {
    FerryGuestTurns *turns;
    unsigned count; /* only its turn protects it */
} Shared;

static void *
count_up(void *data)
{
    Shared *shared = data;

    for (unsigned i = 0; i < 500; i++) {
        g_assert_true(ferry_guest_turns_enter(shared->turns, A, 60000));
        shared->count++;
        ferry_guest_turns_leave(shared->turns, A);
    }
    return NULL;
}

static void
test_threads(void)
{
    Shared shared = { ferry_guest_turns_new(), 0 };
    pthread_t threads[4];

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, count_up, &shared), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
    g_assert_cmpuint(shared.count, ==, 500 * G_N_ELEMENTS(threads));
    ferry_guest_turns_free(shared.turns);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guest-turns/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/guest-turns/since", test_since);
    g_test_add_func("/guest-turns/start", test_start);
    g_test_add_func("/guest-turns/say", test_say);
    g_test_add_func("/guest-turns/threads", test_threads);
    return g_test_run();
}
