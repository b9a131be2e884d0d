/*
 * Two threads keep the connection:
 *
 *   loop     libvirt's event loop: keepalive, the end of the connection, and events, which become
 *            values in FerryEvents at once
 *   keeper   opens, waits until the connection is broken, closes, opens again
 *
 * A caller takes a reference to the connection under the lock and asks without it.  So a hanging
 * libvirtd holds nobody up but those who asked it, and these until keepalive ends the connection.
 */
#include "guest/connection.h"

#include <pthread.h>
#include <stdatomic.h>

#include <libvirt/virterror.h>

#include "base/clock.h"
#include "base/error.h"
#include "guest/events.h"
#include "guest/handle.h"
#include "guest/session.h"
#include "xml/document.h"

#define PAUSE_MIN_MS 200
#define PAUSE_MAX_MS 2000
/* libvirtd under socket activation is up 2 s after the first knock (measured: 0.3–2 s). */
#define FIRST_OPENING_MS 5000
#define END_MS           2000

/* One of a host with 30 emulators and all their machine types is 200 KB long. */
#define CAPABILITIES_MAX_BYTES ((size_t)4 << 20)

struct _FerryGuests {
    char *uri;
    FerryEvents *events;
    pthread_t loop;
    pthread_t keeper;
    int wake_timer; /* once active, every round of the loop ends at once */
    atomic_bool loop_ends;

    pthread_mutex_t lock; /* for everything below */
    pthread_cond_t changed;
    virConnect *connect; /* NULL while libvirt is away */
    bool is_broken;      /* @connect ended, the keeper has not seen it yet */
    bool was_tried;      /* the first opening is over, well or not */
    bool ends;
    bool keeper_ended;
    char *why_away;
    char *host_uuid; /* what @connect said, once it was asked */
};

static void
keep_quiet(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

/* libvirt's event loop and its error printer are the process's, not a connection's. */
static void
prepare_libvirt(void)
{
    (void)virInitialize();
    virSetErrorFunc(NULL, keep_quiet);
    (void)virEventRegisterDefaultImpl();
}

static void
mark_broken(FerryGuests *self)
{
    (void)pthread_mutex_lock(&self->lock);
    self->is_broken = true;
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
}

static void
on_closed(virConnectPtr connect, int reason, void *data)
{
    (void)connect;
    (void)reason;
    mark_broken(data);
}

/* With the lock held, which is given up while libvirt is asked. */
static FerrySession *
keep_open(FerryGuests *self)
{
    FerrySession *session = NULL;
    char *why = NULL;

    self->is_broken = false;
    (void)pthread_mutex_unlock(&self->lock);
    session = ferry_session_open(self->uri, self->events, on_closed, self, &why);
    (void)pthread_mutex_lock(&self->lock);
    self->connect = session != NULL ? ferry_session_connect(session) : NULL;
    self->was_tried = true;
    g_free(self->why_away);
    self->why_away = why;
    (void)pthread_cond_broadcast(&self->changed);
    return session;
}

static void
keep_closed(FerryGuests *self, FerrySession *session)
{
    self->connect = NULL;
    g_clear_pointer(&self->host_uuid, g_free);
    (void)pthread_mutex_unlock(&self->lock);
    ferry_session_close(session);
    (void)pthread_mutex_lock(&self->lock);
}

static void
pause_keeper(FerryGuests *self, int64_t pause_ms)
{
    const struct timespec deadline = ferry_clock_deadline(pause_ms);
    bool is_over = false;

    while (!self->ends && !is_over)
        is_over = pthread_cond_timedwait(&self->changed, &self->lock, &deadline) != 0;
}

static void *
run_keeper(void *data)
{
    FerryGuests *self = data;
    int64_t pause_ms = PAUSE_MIN_MS;

    (void)pthread_mutex_lock(&self->lock);
    while (!self->ends) {
        FerrySession *session = keep_open(self);

        if (session == NULL) {
            pause_keeper(self, pause_ms);
            pause_ms = MIN(2 * pause_ms, PAUSE_MAX_MS);
            continue;
        }
        pause_ms = PAUSE_MIN_MS;
        while (!self->ends && !self->is_broken)
            (void)pthread_cond_wait(&self->changed, &self->lock);
        keep_closed(self, session);
    }
    self->keeper_ended = true;
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void *
run_loop(void *data)
{
    FerryGuests *self = data;

    while (!atomic_load(&self->loop_ends))
        (void)virEventRunDefaultImpl();
    return NULL;
}

static void
on_wake(int timer, void *data)
{
    (void)timer;
    (void)data;
}

FerryGuests *
ferry_guests_new(const char *uri)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    FerryGuests *self = g_new0(FerryGuests, 1);
    pthread_condattr_t attributes;

    (void)pthread_once(&once, prepare_libvirt);
    self->uri = g_strdup(uri);
    self->events = ferry_events_new();
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    self->wake_timer = virEventAddTimeout(-1, on_wake, NULL, NULL);
    g_assert(pthread_create(&self->loop, NULL, run_loop, self) == 0);
    g_assert(pthread_create(&self->keeper, NULL, run_keeper, self) == 0);
    return self;
}

static bool
end_keeper(FerryGuests *self)
{
    const struct timespec deadline = ferry_clock_deadline(END_MS);
    bool is_late = false;
    bool has_ended = false;

    (void)pthread_mutex_lock(&self->lock);
    self->ends = true;
    (void)pthread_cond_broadcast(&self->changed);
    while (!self->keeper_ended && !is_late)
        is_late = pthread_cond_timedwait(&self->changed, &self->lock, &deadline) != 0;
    has_ended = self->keeper_ended;
    (void)pthread_mutex_unlock(&self->lock);
    return has_ended && pthread_join(self->keeper, NULL) == 0;
}

static void
end_loop(FerryGuests *self)
{
    atomic_store(&self->loop_ends, true);
    virEventUpdateTimeout(self->wake_timer, 0);
    (void)pthread_join(self->loop, NULL);
    (void)virEventRemoveTimeout(self->wake_timer);
}

void
ferry_guests_free(FerryGuests *self)
{
    if (self == NULL || !end_keeper(self))
        return;
    end_loop(self);
    ferry_events_free(self->events);
    (void)pthread_cond_destroy(&self->changed);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self->why_away);
    g_free(self->host_uuid);
    g_free(self->uri);
    g_free(self);
}

const char *
ferry_guests_uri(const FerryGuests *self)
{
    return self->uri;
}

/* With the lock held. */
static virConnect *
take_reference(FerryGuests *self, char **ret_why)
{
    const struct timespec deadline = ferry_clock_deadline(FIRST_OPENING_MS);
    bool is_over = false;

    while (!self->was_tried && !is_over)
        is_over = pthread_cond_timedwait(&self->changed, &self->lock, &deadline) != 0;
    if (self->connect == NULL || self->is_broken) {
        *ret_why = g_strdup(self->why_away != NULL ? self->why_away : "it is being opened");
        return NULL;
    }
    (void)virConnectRef(self->connect);
    return self->connect;
}

bool
ferry_guests_connect(FerryGuests *self, virConnect **ret, GError **error)
{
    g_autofree char *why = NULL;
    virConnect *connect = NULL;

    (void)pthread_mutex_lock(&self->lock);
    connect = take_reference(self, &why);
    (void)pthread_mutex_unlock(&self->lock);
    if (connect != NULL && virConnectIsAlive(connect) == 1) {
        *ret = connect;
        return true;
    }
    if (connect != NULL) {
        mark_broken(self);
        (void)virConnectClose(connect);
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO,
                "libvirt at %s does not answer: %s; is libvirtd running?", self->uri,
                why != NULL ? why : "the connection ended");
    return false;
}

/* Returns: (transfer full): NULL without an error where libvirt has none (its test driver) */
static char *
ask_host_uuid(virConnect *connect, const char *uri, GError **error)
{
    char *text = virConnectGetCapabilities(connect);
    g_autoptr(xmlDoc) document = NULL;
    const xmlNode *host = NULL;
    char *uuid = NULL;

    if (text == NULL) {
        (void)ferry_handle_failed(error, "ask for capabilities of", uri);
    } else if (ferry_document_parse(text, CAPABILITIES_MAX_BYTES, "capabilities", "capabilities",
                                    &document, error)) {
        host = ferry_document_child(xmlDocGetRootElement(document), "host");
        uuid = ferry_document_text(ferry_document_child(host, "uuid"));
    }
    free(text);
    return uuid;
}

char *
ferry_guests_host_uuid(FerryGuests *self, GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    char *uuid = NULL;

    (void)pthread_mutex_lock(&self->lock);
    uuid = g_strdup(self->host_uuid);
    (void)pthread_mutex_unlock(&self->lock);
    if (uuid != NULL || !ferry_guests_connect(self, &connect, error))
        return uuid;
    uuid = ask_host_uuid(connect, self->uri, error);
    (void)pthread_mutex_lock(&self->lock);
    if (self->connect == connect && self->host_uuid == NULL)
        self->host_uuid = g_strdup(uuid);
    (void)pthread_mutex_unlock(&self->lock);
    return uuid;
}

bool
ferry_guests_is_connected(FerryGuests *self)
{
    virConnect *connect = NULL;

    if (!ferry_guests_connect(self, &connect, NULL))
        return false;
    (void)virConnectClose(connect);
    return true;
}

uint64_t
ferry_guests_seen(FerryGuests *self)
{
    return ferry_events_seen(self->events);
}

bool
ferry_guests_wait(FerryGuests *self, const char *uuid, uint64_t after, int64_t timeout_ms)
{
    return ferry_events_wait(self->events, uuid, after, timeout_ms);
}

bool
ferry_guests_device_removed(FerryGuests *self, const char *uuid, const char *alias, uint64_t after)
{
    return ferry_events_has(self->events, FERRY_EVENT_DEVICE_REMOVED, uuid, alias, after) ||
           ferry_events_has_gap(self->events, after);
}

bool
ferry_guests_device_kept(FerryGuests *self, const char *uuid, const char *alias, uint64_t after)
{
    return ferry_events_has(self->events, FERRY_EVENT_DEVICE_KEPT, uuid, alias, after);
}

int64_t
ferry_guests_suspended_ms(FerryGuests *self, const char *uuid)
{
    return ferry_events_last_ms(self->events, FERRY_EVENT_SUSPENDED, uuid, NULL);
}

int64_t
ferry_guests_failover_ms(FerryGuests *self, const char *uuid, const char *alias)
{
    return ferry_events_last_ms(self->events, FERRY_EVENT_FAILOVER, uuid, alias);
}
