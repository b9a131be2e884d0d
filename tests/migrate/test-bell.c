#include "migrate/bell.h"

#include <pthread.h>

static void
test_counts(void)
{
    g_autoptr(FerryBell) bell = ferry_bell_new();

    g_assert_cmpuint(ferry_bell_rung(bell), ==, 0);
    ferry_bell_ring(bell);
    ferry_bell_ring(bell);
    g_assert_cmpuint(ferry_bell_rung(bell), ==, 2);
}

/* A ring between the look and the wait is not missed. */
static void
test_what_rang_before_ends_the_wait(void)
{
    g_autoptr(FerryBell) bell = ferry_bell_new();
    uint64_t rung = ferry_bell_rung(bell);

    ferry_bell_ring(bell);
    g_assert_true(ferry_bell_wait(bell, rung, 60000));
}

static void
test_silence_ends_in_time(void)
{
    g_autoptr(FerryBell) bell = ferry_bell_new();

    g_assert_false(ferry_bell_wait(bell, 0, 0));
    g_assert_false(ferry_bell_wait(bell, 0, 1));
    g_assert_false(ferry_bell_wait(bell, 0, -5)); /* a deadline that has passed */
}

static void *
ring_main(void *bell)
{
    ferry_bell_ring(bell);
    return NULL;
}

static void
test_wakes_another_thread(void)
{
    g_autoptr(FerryBell) bell = ferry_bell_new();
    pthread_t thread;

    g_assert_cmpint(pthread_create(&thread, NULL, ring_main, bell), ==, 0);
    g_assert_true(ferry_bell_wait(bell, 0, 60000));
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bell/counts", test_counts);
    g_test_add_func("/bell/what-rang-before-ends-the-wait", test_what_rang_before_ends_the_wait);
    g_test_add_func("/bell/silence-ends-in-time", test_silence_ends_in_time);
    g_test_add_func("/bell/wakes-another-thread", test_wakes_another_thread);
    return g_test_run();
}
