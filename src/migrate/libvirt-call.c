#include "migrate/libvirt-call.h"

#include <pthread.h>
#include <string.h>

#include "base/file.h"
#include "migrate/relay.h"

#define TUNNEL_TIMEOUT_MS 5000
#define END_MS            10000 /* what cut and release wait for libvirt's call to end */

struct _FerryLibvirtCall {
    FerryHand hand;
    FerryBell *bell;
    char *socket_path;
    char *migrate_uri;
    FerryRelay *relay; /* NULL before the call */
    bool begun;
    bool released;
    pthread_t thread;
    FerryMigration migration; /* its strings are copies */

    pthread_mutex_t lock; /* of all below */
    bool over;
    char *error;
};

static void
lock(FerryLibvirtCall *self)
{
    (void)pthread_mutex_lock(&self->lock);
}

static void
unlock(FerryLibvirtCall *self)
{
    (void)pthread_mutex_unlock(&self->lock);
}

/* Memory goes to the same address as our own words, to a port that libvirt chooses there. */
static char *
migrate_uri_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    g_autofree char *host = g_strndup(address, (gsize)(colon - address));

    return g_strdup_printf("tcp://%s", host);
}

FerryLibvirtCall *
ferry_libvirt_call_new(const FerryHand *hand,
                       FerryBell *bell,
                       const char *run_dir,
                       const char *address)
{
    FerryLibvirtCall *self = g_new0(FerryLibvirtCall, 1);

    self->hand = *hand;
    self->bell = bell;
    self->socket_path = g_strdup_printf("%s/relay-%s", run_dir, hand->row.id);
    self->migrate_uri = migrate_uri_of(address);
    (void)pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
ferry_libvirt_call_free(FerryLibvirtCall *self)
{
    if (self == NULL)
        return;
    if (self->begun) /* the driver ends only after it, so this is short */
        (void)pthread_join(self->thread, NULL);
    ferry_relay_free(self->relay);
    g_free((char *)self->migration.tls_destination);
    g_free((char *)self->migration.target_xml);
    g_free(self->error);
    g_free(self->socket_path);
    g_free(self->migrate_uri);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

bool
ferry_libvirt_call_is_over(FerryLibvirtCall *self)
{
    bool over = false;

    lock(self);
    over = self->over;
    unlock(self);
    return over;
}

static void *
call_main(void *data)
{
    FerryLibvirtCall *self = data;
    g_autoptr(GError) error = NULL;
    bool ok = ferry_guests_migrate(self->hand.guests, &self->migration, &error);

    lock(self);
    self->over = true;
    if (!ok)
        self->error = g_strdup(error->message);
    unlock(self);
    ferry_bell_ring(self->bell);
    return NULL;
}

/* Fills in what only the call knows, and copies the rest: the caller's strings do not last. */
static void
keep_migration(FerryLibvirtCall *self, const FerryMigration *migration)
{
    self->migration = *migration;
    self->migration.uuid = self->hand.row.guest_uuid;
    self->migration.relay_socket = self->socket_path;
    self->migration.migrate_uri = self->migrate_uri;
    self->migration.tls_destination = g_strdup(migration->tls_destination);
    self->migration.target_xml = g_strdup(migration->target_xml);
}

static bool
open_relay(FerryLibvirtCall *self, FerryClient *client, GError **error)
{
    static const FerryRelayWatch watch = { .changed = ferry_bell_ring };
    g_autofree char *path = g_strdup_printf("/v1/peer/jobs/%s/relay", self->hand.row.id);
    int tunnel = -1;

    if (!ferry_client_tunnel(client, path, "ferry-relay", TUNNEL_TIMEOUT_MS, &tunnel, error))
        return false;
    self->relay = ferry_relay_new(FERRY_SIDE_SOURCE, &watch, self->bell);
    return ferry_relay_listen(self->relay, self->socket_path, tunnel, error);
}

bool
ferry_libvirt_call_begin(FerryLibvirtCall *self,
                         FerryClient *client,
                         const FerryMigration *migration,
                         GError **error)
{
    int code = 0;

    if (!open_relay(self, client, error))
        return false;
    keep_migration(self, migration);
    code = pthread_create(&self->thread, NULL, call_main, self);
    if (code != 0)
        return ferry_error_set_errno(error, code, "start", "the migration's thread");
    self->begun = true;
    return true;
}

FerryRelayState
ferry_libvirt_call_relay(FerryLibvirtCall *self)
{
    FerryRelayState relay = FERRY_RELAY_NONE;

    if (self->relay == NULL || !self->begun || ferry_libvirt_call_is_over(self))
        return FERRY_RELAY_NONE;
    relay = ferry_relay_state(self->relay);
    if (relay != FERRY_RELAY_NONE)
        return relay;
    /* Closed, but libvirt's call is still to return: to the table it is not over before that. */
    if (self->released)
        return FERRY_RELAY_REPLY;
    return ferry_relay_held_ms(self->relay) != 0 ? FERRY_RELAY_HELD : FERRY_RELAY_OPEN;
}

char *
ferry_libvirt_call_error(FerryLibvirtCall *self)
{
    char *error = NULL;

    lock(self);
    error = g_strdup(self->error);
    unlock(self);
    return error;
}

bool
ferry_libvirt_call_seal(FerryLibvirtCall *self)
{
    return self->relay == NULL || ferry_relay_seal(self->relay);
}

static void
wait_for_end(FerryLibvirtCall *self)
{
    const FerryClock *clock = self->hand.clock;
    int64_t until_ms = clock->now_ms(clock) + END_MS;

    while (clock->now_ms(clock) < until_ms) {
        uint64_t rung = ferry_bell_rung(self->bell);

        if (ferry_libvirt_call_relay(self) == FERRY_RELAY_NONE)
            return;
        (void)ferry_bell_wait(self->bell, rung, 100);
    }
}

void
ferry_libvirt_call_release(FerryLibvirtCall *self)
{
    if (self->relay != NULL)
        ferry_relay_release(self->relay);
    self->released = true;
    wait_for_end(self);
}

void
ferry_libvirt_call_cut(FerryLibvirtCall *self)
{
    if (self->relay == NULL)
        return;
    ferry_relay_cut(self->relay);
    /* With the link dead QEMU would wait for TCP; a cancel does in the hold nothing, and before it
     * what the cut does. */
    (void)ferry_guests_abort_job(self->hand.guests, self->hand.row.guest_uuid, NULL);
    wait_for_end(self);
}
