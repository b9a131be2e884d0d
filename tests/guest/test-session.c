#include "guest/session.h"

#include <libvirt/libvirt.h>

static void
on_closed(virConnectPtr connect, int reason, void *data)
{
    (void)connect;
    (void)reason;
    (void)data;
    g_assert_not_reached(); /* only a daemon's end is told, not ours */
}

static void
test_open(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();
    FerrySession *session = NULL;
    char *why = NULL;

    session = ferry_session_open("test:///default", events, on_closed, NULL, &why);
    g_assert_nonnull(session);
    g_assert_null(why);
    g_assert_cmpint(virConnectIsAlive(ferry_session_connect(session)), ==, 1);
    g_assert_cmpuint(ferry_events_seen(events), ==, 1);
    g_assert_true(ferry_events_has_gap(events, 0)); /* it begins with "connected" */
    ferry_session_close(session);
}

static void
test_cannot_open(void)
{
    g_autoptr(FerryEvents) events = ferry_events_new();
    g_autofree char *why = NULL;

    g_assert_null(ferry_session_open("test:///nonexistent/file", events, on_closed, NULL, &why));
    g_assert_nonnull(strstr(why, "/nonexistent/file"));
    g_assert_cmpuint(ferry_events_seen(events), ==, 0);
}

/* As libvirt hands QEMU's events on, and what it never should. */
static const struct {
    const char *details, *alias;
} failovers[] = {
    { "{\"device-id\":\"ua-net0\"}", "ua-net0" },
    { "{}", NULL },
    { "{\"device-id\": 7}", NULL },
    { "[", NULL },
    { "", NULL },
    { NULL, NULL },
};

static void
test_failover(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(failovers); i++) {
        g_autofree char *alias = ferry_session_failover_alias(failovers[i].details);

        g_assert_cmpstr(alias, ==, failovers[i].alias);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(virEventRegisterDefaultImpl(), ==, 0);
    g_test_add_func("/session/open", test_open);
    g_test_add_func("/session/cannot-open", test_cannot_open);
    g_test_add_func("/session/failover", test_failover);
    return g_test_run();
}
