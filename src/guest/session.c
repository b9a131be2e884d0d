#include "guest/session.h"

#include <jansson.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "base/clock.h"

/* A daemon that says nothing for 30 s is taken for away; libvirt's own default is 5 s, 5 times. */
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT      6

static void
add_event(FerryEvents *events, FerryEventKind kind, virDomain *domain, const char *alias)
{
    const FerryClock *clock = ferry_clock_system();
    char uuid[VIR_UUID_STRING_BUFLEN] = "";

    (void)virDomainGetUUIDString(domain, uuid);
    ferry_events_add(events, kind, uuid, alias, clock->now_ms(clock));
}

static int
on_lifecycle(virConnectPtr connect, virDomainPtr domain, int event, int detail, void *data)
{
    (void)connect;
    (void)detail;
    add_event(data,
              event == VIR_DOMAIN_EVENT_SUSPENDED ? FERRY_EVENT_SUSPENDED : FERRY_EVENT_LIFECYCLE,
              domain, NULL);
    return 0;
}

static void
on_device_added(virConnectPtr connect, virDomainPtr domain, const char *alias, void *data)
{
    (void)connect;
    add_event(data, FERRY_EVENT_DEVICE_ADDED, domain, alias);
}

static void
on_device_removed(virConnectPtr connect, virDomainPtr domain, const char *alias, void *data)
{
    (void)connect;
    add_event(data, FERRY_EVENT_DEVICE_REMOVED, domain, alias);
}

static void
on_device_kept(virConnectPtr connect, virDomainPtr domain, const char *alias, void *data)
{
    (void)connect;
    add_event(data, FERRY_EVENT_DEVICE_KEPT, domain, alias);
}

char *
ferry_session_failover_alias(const char *details)
{
    json_t *json = details == NULL ? NULL : json_loads(details, 0, NULL);
    char *alias = g_strdup(json_string_value(json_object_get(json, "device-id")));

    json_decref(json);
    return alias;
}

/* Looking at QEMU's events does not taint a guest, as speaking to its monitor would. */
static void
on_failover(virConnectPtr connect,
            virDomainPtr domain,
            const char *event,
            long long seconds,
            unsigned int micros,
            const char *details,
            void *data)
{
    g_autofree char *alias = ferry_session_failover_alias(details);

    (void)connect;
    (void)event;
    (void)seconds;
    (void)micros;
    if (alias != NULL)
        add_event(data, FERRY_EVENT_FAILOVER, domain, alias);
}

static const struct {
    int id;
    virConnectDomainEventGenericCallback callback;
} subscriptions[] = {
    { VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle) },
    { VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device_added) },
    { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device_removed) },
    { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_CALLBACK(on_device_kept) },
};

struct _FerrySession {
    virConnect *connect;
    virConnectCloseFunc on_closed;
    int callbacks[G_N_ELEMENTS(subscriptions)];
    int failover; /* -1: not a QEMU's libvirt: then no guest is known to do failover */
};

void
ferry_session_close(FerrySession *self)
{
    (void)virConnectUnregisterCloseCallback(self->connect, self->on_closed);
    for (size_t i = 0; i < G_N_ELEMENTS(subscriptions); i++)
        if (self->callbacks[i] >= 0)
            (void)virConnectDomainEventDeregisterAny(self->connect, self->callbacks[i]);
    if (self->failover >= 0)
        (void)virConnectDomainQemuMonitorEventDeregister(self->connect, self->failover);
    (void)virConnectClose(self->connect);
    g_free(self);
}

static bool
subscribe(FerrySession *self, FerryEvents *events)
{
    bool ok = true;

    for (size_t i = 0; i < G_N_ELEMENTS(subscriptions); i++) {
        self->callbacks[i] = virConnectDomainEventRegisterAny(
            self->connect, NULL, subscriptions[i].id, subscriptions[i].callback, events, NULL);
        ok = ok && self->callbacks[i] >= 0;
    }
    self->failover = virConnectDomainQemuMonitorEventRegister(
        self->connect, NULL, "FAILOVER_NEGOTIATED", on_failover, events, NULL, 0);
    return ok;
}

FerrySession *
ferry_session_open(const char *uri,
                   FerryEvents *events,
                   virConnectCloseFunc on_closed,
                   void *data,
                   char **ret_why)
{
    const FerryClock *clock = ferry_clock_system();
    FerrySession *self = NULL;
    virConnect *connect = virConnectOpen(uri);

    if (connect == NULL) {
        *ret_why = g_strdup(virGetLastErrorMessage());
        return NULL;
    }
    /* Both are for a daemon at the other end; libvirt's test driver has none and refuses them. */
    (void)virConnectSetKeepAlive(connect, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT);
    (void)virConnectRegisterCloseCallback(connect, on_closed, data, NULL);
    self = g_new0(FerrySession, 1);
    self->connect = connect;
    self->on_closed = on_closed;
    if (!subscribe(self, events)) {
        *ret_why = g_strdup(virGetLastErrorMessage());
        ferry_session_close(self);
        return NULL;
    }
    ferry_events_add(events, FERRY_EVENT_CONNECTED, NULL, NULL, clock->now_ms(clock));
    return self;
}

virConnect *
ferry_session_connect(const FerrySession *self)
{
    return self->connect;
}
