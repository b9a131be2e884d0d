#include "guest/events.h"

#include <pthread.h>
#include <time.h>

#define A "6f1d2c1e-7d3b-4a57-8a44-00000000000a"
#define B "6f1d2c1e-7d3b-4a57-8a44-00000000000b"

static void
test_empty(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();

    g_assert_cmpuint(ferry_events_seen(events), ==, 0);
    g_assert_false(ferry_events_wait(events, A, 0, 0));
    g_assert_false(ferry_events_wait(events, NULL, 0, 0));
    g_assert_false(ferry_events_has_gap(events, 0));
    g_assert_false(ferry_events_has(events, FERRY_EVENT_LIFECYCLE, A, NULL, 0));
    g_assert_cmpint(ferry_events_last_ms(events, FERRY_EVENT_SUSPENDED, A, NULL), ==, 0);
}

/* Each asks from its own last event: what was seen before does not count, others' guests do not. */
static void
test_numbers(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();

    ferry_events_add(events, FERRY_EVENT_LIFECYCLE, A, NULL, 10);
    ferry_events_add(events, FERRY_EVENT_DEVICE_REMOVED, B, "ua-nic7", 11);
    g_assert_cmpuint(ferry_events_seen(events), ==, 2);
    g_assert_true(ferry_events_wait(events, A, 0, 0));
    g_assert_false(ferry_events_wait(events, A, 1, 0));
    g_assert_true(ferry_events_wait(events, B, 1, 0));
    g_assert_true(ferry_events_wait(events, NULL, 1, 0));
    g_assert_false(ferry_events_wait(events, NULL, 2, 0));
}

static void
test_devices(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();

    ferry_events_add(events, FERRY_EVENT_DEVICE_REMOVED, A, "ua-nic7", 10);
    ferry_events_add(events, FERRY_EVENT_DEVICE_KEPT, A, "ua-nic8", 11);
    g_assert_true(ferry_events_has(events, FERRY_EVENT_DEVICE_REMOVED, A, "ua-nic7", 0));
    g_assert_false(ferry_events_has(events, FERRY_EVENT_DEVICE_REMOVED, A, "ua-nic7", 1));
    g_assert_false(ferry_events_has(events, FERRY_EVENT_DEVICE_REMOVED, A, "ua-nic8", 0));
    g_assert_false(ferry_events_has(events, FERRY_EVENT_DEVICE_REMOVED, B, "ua-nic7", 0));
    g_assert_true(ferry_events_has(events, FERRY_EVENT_DEVICE_KEPT, A, "ua-nic8", 0));
    g_assert_false(ferry_events_has_gap(events, 0));
}

/* "Connected" is news for every guest: what happened before it was not told. */
static void
test_connected(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();

    ferry_events_add(events, FERRY_EVENT_LIFECYCLE, A, NULL, 10);
    ferry_events_add(events, FERRY_EVENT_CONNECTED, NULL, NULL, 11);
    g_assert_true(ferry_events_wait(events, B, 0, 0));
    g_assert_true(ferry_events_has_gap(events, 0));
    g_assert_true(ferry_events_has_gap(events, 1));
    g_assert_false(ferry_events_has_gap(events, 2));
}

static void
test_last_ms(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();

    ferry_events_add(events, FERRY_EVENT_SUSPENDED, A, NULL, 10);
    ferry_events_add(events, FERRY_EVENT_SUSPENDED, A, NULL, 20);
    ferry_events_add(events, FERRY_EVENT_SUSPENDED, B, NULL, 30);
    ferry_events_add(events, FERRY_EVENT_LIFECYCLE, A, NULL, 40);
    g_assert_cmpint(ferry_events_last_ms(events, FERRY_EVENT_SUSPENDED, A, NULL), ==, 20);
    g_assert_cmpint(ferry_events_last_ms(events, FERRY_EVENT_SUSPENDED, B, NULL), ==, 30);
    ferry_events_add(events, FERRY_EVENT_FAILOVER, A, "ua-net0", 40);
    ferry_events_add(events, FERRY_EVENT_FAILOVER, A, "ua-net1", 50);
    g_assert_cmpint(ferry_events_last_ms(events, FERRY_EVENT_FAILOVER, A, "ua-net0"), ==, 40);
    g_assert_cmpint(ferry_events_last_ms(events, FERRY_EVENT_FAILOVER, A, NULL), ==, 50);
    g_assert_cmpint(ferry_events_last_ms(events, FERRY_EVENT_FAILOVER, A, "ua-net2"), ==, 0);
}

/* 4,096 are kept.  Who asks from before that hears "something may have been", never "nothing was".
 */
static void
test_forgotten(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();

    ferry_events_add(events, FERRY_EVENT_SUSPENDED, A, NULL, 7);
    for (int i = 0; i < 4095; i++)
        ferry_events_add(events, FERRY_EVENT_LIFECYCLE, B, NULL, 8);
    g_assert_cmpint(ferry_events_last_ms(events, FERRY_EVENT_SUSPENDED, A, NULL), ==, 7);
    g_assert_false(ferry_events_has_gap(events, 0));
    ferry_events_add(events, FERRY_EVENT_LIFECYCLE, B, NULL, 9);
    g_assert_cmpint(ferry_events_last_ms(events, FERRY_EVENT_SUSPENDED, A, NULL), ==, 0);
    g_assert_true(ferry_events_has_gap(events, 0));
    g_assert_true(ferry_events_wait(events, A, 0, 0));
    g_assert_false(ferry_events_has_gap(events, 1));
    g_assert_false(ferry_events_wait(events, A, 1, 0));
    g_assert_cmpuint(ferry_events_seen(events), ==, 4097);
}

#define N_THREADS 4
#define N_EACH    500

static void *
add_many(void *data)
{
    for (int i = 0; i < N_EACH; i++)
        ferry_events_add(data, FERRY_EVENT_LIFECYCLE, A, NULL, i);
    return NULL;
}

/* Waits for one after the other: each wait is ended by an event, none by its minute. */
static void *
wait_for_all(void *data)
{
    uint64_t seen = 0;

    while (seen < (uint64_t)N_THREADS * N_EACH && ferry_events_wait(data, A, seen, 60000))
        seen = ferry_events_seen(data);
    return GUINT_TO_POINTER((unsigned)seen);
}

static void
test_threads(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();
    pthread_t adders[N_THREADS];
    pthread_t waiters[N_THREADS];
    void *seen = NULL;

    for (size_t i = 0; i < N_THREADS; i++) {
        g_assert_cmpint(pthread_create(&waiters[i], NULL, wait_for_all, events), ==, 0);
        g_assert_cmpint(pthread_create(&adders[i], NULL, add_many, events), ==, 0);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        g_assert_cmpint(pthread_join(adders[i], NULL), ==, 0);
        g_assert_cmpint(pthread_join(waiters[i], &seen), ==, 0);
        g_assert_cmpuint(GPOINTER_TO_UINT(seen), ==, N_THREADS * N_EACH);
    }
}

static void
test_timeout(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();
    struct timespec before;
    struct timespec after;

    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    g_assert_false(ferry_events_wait(events, A, 0, 30));
    g_assert_false(ferry_events_wait(events, A, 0, -1)); /* as 0 */
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    g_assert_cmpint(
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000, >=, 29);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/events/empty", test_empty);
    g_test_add_func("/events/numbers", test_numbers);
    g_test_add_func("/events/devices", test_devices);
    g_test_add_func("/events/connected", test_connected);
    g_test_add_func("/events/last-ms", test_last_ms);
    g_test_add_func("/events/forgotten", test_forgotten);
    g_test_add_func("/events/threads", test_threads);
    g_test_add_func("/events/timeout", test_timeout);
    return g_test_run();
}
