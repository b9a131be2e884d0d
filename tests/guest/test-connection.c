#include "guest/connection.h"

#include <pthread.h>

#include <libvirt/libvirt.h>

#include "base/clock.h"
#include "base/error.h"
#include "guest/act.h"
#include "guest/look.h"

/* libvirt's test driver, in this process; what only a real libvirtd shows (its death and return) is
 * in tests/pair. */

static char *
find_uuid(FerryGuests *guests)
{
    g_autoptr(FerryGuest) guest = NULL;

    g_assert_true(ferry_guests_find(guests, "test", &guest, NULL));
    return g_strdup(guest->uuid);
}

/* The first call waits for the first opening. */
static void
test_first_call(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    virConnect *connect = NULL;

    g_assert_true(ferry_guests_connect(guests, &connect, NULL));
    g_assert_cmpint(virConnectClose(connect), >=, 0);
    g_assert_true(ferry_guests_is_connected(guests));
    g_assert_cmpstr(ferry_guests_uri(guests), ==, "test:///default");
}

/* Nobody listens: an error that says so, at once, however often it is asked. */
static void
test_away(void)
{
    static const char uri[] = "qemu+unix:///system?socket=/nonexistent/libvirt-sock";
    const FerryClock *clock = ferry_clock_system();
    g_autoptr(FerryGuests) guests = ferry_guests_new(uri);
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(GError) error = NULL;
    int64_t before = 0;

    g_assert_false(ferry_guests_is_connected(guests));
    before = clock->now_ms(clock);
    g_assert_false(ferry_guests_list(guests, &list, &error));
    g_assert_cmpint(clock->now_ms(clock) - before, <, 1000);
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpstr(error->message, ==,
                    "libvirt at qemu+unix:///system?socket=/nonexistent/libvirt-sock does not "
                    "answer: Failed to connect socket to "
                    "'/nonexistent/libvirt-sock': No such file or directory; is libvirtd running?");
    g_assert_null(list);
    g_assert_cmpuint(ferry_guests_seen(guests), ==, 0);
}

static void
test_free_at_once(void)
{
    ferry_guests_free(NULL);
    ferry_guests_free(ferry_guests_new("test:///default"));
    ferry_guests_free(ferry_guests_new("nonsense"));
}

static void
test_events(void)
{
    const FerryClock *clock = ferry_clock_system();
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    g_autofree char *uuid = find_uuid(guests);
    const int64_t before_ms = clock->now_ms(clock);
    uint64_t seen = ferry_guests_seen(guests);

    g_assert_cmpuint(seen, ==, 1); /* connected */
    g_assert_cmpint(ferry_guests_suspended_ms(guests, uuid), ==, 0);
    g_assert_false(ferry_guests_wait(guests, uuid, seen, 0));
    g_assert_true(ferry_guests_suspend(guests, uuid, NULL));
    g_assert_true(ferry_guests_wait(guests, uuid, seen, 10000));
    g_assert_cmpint(ferry_guests_suspended_ms(guests, uuid), >=, before_ms);
    seen = ferry_guests_seen(guests);
    g_assert_true(ferry_guests_resume(guests, uuid, NULL));
    g_assert_true(ferry_guests_wait(guests, NULL, seen, 10000));
    g_assert_false(ferry_guests_device_removed(guests, uuid, "net0", 1));
    g_assert_false(ferry_guests_device_kept(guests, uuid, "net0", 0));
    /* Asked from before the connection, nobody can say that nothing was. */
    g_assert_true(ferry_guests_device_removed(guests, uuid, "net0", 0));
}

static void *
look_often(void *data)
{
    FerryGuests *guests = data;
    g_autofree char *uuid = find_uuid(guests);

    for (int i = 0; i < 100; i++) {
        FerryDomainLook look = { 0 };

        g_assert_true(ferry_guests_look(guests, uuid, &look, NULL));
        g_assert_true(look.present);
    }
    return NULL;
}

static void
test_threads(void)
{
    g_autoptr(FerryGuests) guests = ferry_guests_new("test:///default");
    pthread_t threads[4];

    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, look_often, guests), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
}

/* Two in one process share libvirt's one event loop: the end of one must not stop the other's. */
static void
test_two(void)
{
    FerryGuests *first = ferry_guests_new("test:///default");
    g_autoptr(FerryGuests) second = ferry_guests_new("test:///default");
    g_autofree char *uuid = find_uuid(second);
    uint64_t seen = 0;

    g_assert_true(ferry_guests_is_connected(first));
    ferry_guests_free(first);
    seen = ferry_guests_seen(second);
    g_assert_true(ferry_guests_suspend(second, uuid, NULL));
    g_assert_true(ferry_guests_wait(second, uuid, seen, 10000));
    g_assert_true(ferry_guests_resume(second, uuid, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/connection/first-call", test_first_call);
    g_test_add_func("/connection/away", test_away);
    g_test_add_func("/connection/free-at-once", test_free_at_once);
    g_test_add_func("/connection/events", test_events);
    g_test_add_func("/connection/threads", test_threads);
    g_test_add_func("/connection/two", test_two);
    return g_test_run();
}
