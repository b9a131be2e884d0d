#include "migrate/link.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "client/client.h"
#include "migrate/peer-words.h"
#include "migrate/relay.h"

#define POLL_MS           4000 /* of one long poll; the server's idle limit is far above */
#define TUNNEL_TIMEOUT_MS 5000
#define CALL_END_MS       10000 /* what cut and release wait for libvirt's call to end */

struct _FerryLinkState {
    FerryLinkConfig config;
    FerryClient *direct;  /* the driver's */
    FerryClient *polling; /* the asking thread's */
    FerryRelay *relay;    /* NULL before the call */
    bool call_begun;
    bool released;
    bool quiet; /* checkpoints are off because of this job */
    pthread_t call_thread;
    pthread_t poll_thread;
    char *socket_path;
    char *migrate_uri;
    FerryMigration migration; /* of the call; its strings are copies */

    pthread_mutex_t lock; /* of all below */
    bool call_over;
    char *call_error;
    FerryRecordKind heard_mine; /* the record that the answer was asked with */
    FerryAnswer heard;
    int64_t heard_ms;
};

static void
lock(struct _FerryLinkState *state)
{
    (void)pthread_mutex_lock(&state->lock);
}

static void
unlock(struct _FerryLinkState *state)
{
    (void)pthread_mutex_unlock(&state->lock);
}

static int64_t
now_ms(const FerryLink *self)
{
    return self->hand.clock->now_ms(self->hand.clock);
}

/* ---- asking ---- */

static void
keep_answer(FerryLink *self, FerryRecordKind mine, const FerryAnswer *answer)
{
    struct _FerryLinkState *state = self->state;

    lock(state);
    ferry_answer_clear(&state->heard);
    state->heard = *answer;
    json_incref(state->heard.details);
    state->heard_mine = mine;
    state->heard_ms = now_ms(self);
    unlock(state);
    ferry_bell_ring(state->config.bell);
}

/* One question; @body is added to.  A refusal is an answer of a target that knows no such job. */
static bool
ask_on(FerryLink *self,
       FerryClient *client,
       const char *what,
       json_t *question,
       int64_t timeout_ms,
       FerryAnswer *ret,
       GError **error)
{
    g_autofree char *path = g_strdup_printf("/v1/peer/jobs/%s/%s", self->hand.row.id, what);
    g_auto(FerryReply) reply = { 0 };

    if (!ferry_client_call(client, "POST", path, question, timeout_ms, &reply, error))
        return false;
    ferry_answer_parse(reply.body, ret);
    if (reply.status == 409)
        *ret = (FerryAnswer){ FERRY_T_NONE, FERRY_TD_UNKNOWN, ret->details };
    return true;
}

static bool
ask(void *data, FerryAsk what, FerryRecordKind mine, json_t *body, FerryAnswer *ret, GError **error)
{
    static const int64_t timeouts_ms[] = {
        [FERRY_ASK_RESERVE] = 10000, [FERRY_ASK_PREPARE] = 10000, [FERRY_ASK_STATUS] = 0,
        [FERRY_ASK_GO] = 1500,       [FERRY_ASK_ABORT] = 2000,    [FERRY_ASK_DONE] = 2000,
    };
    FerryLink *self = data;
    json_t *question = json_pack("{s:s}", "record", ferry_record_kind_name(mine));
    int64_t timeout_ms = what == FERRY_ASK_STATUS ? self->state->config.timers->peer_keepalive_ms
                                                  : timeouts_ms[what];
    FerryAnswer answer = { 0 };
    bool ok = false;

    if (body != NULL)
        json_object_set(question, "plan", body);
    ok = ask_on(self, self->state->direct, ferry_ask_name(what), question, timeout_ms, &answer,
                error);
    json_decref(question);
    if (!ok)
        return false;
    keep_answer(self, mine, &answer);
    *ret = answer;
    return true;
}

static void
heard(void *data, FerryRecordKind mine, FerryAnswer *ret)
{
    FerryLink *self = data;
    struct _FerryLinkState *state = self->state;

    ferry_answer_clear(ret);
    lock(state);
    if (state->heard_mine == mine &&
        now_ms(self) - state->heard_ms < 5 * state->config.timers->peer_keepalive_ms) {
        *ret = state->heard;
        json_incref(ret->details);
    }
    unlock(state);
}

static bool
call_is_over(struct _FerryLinkState *state)
{
    bool over = false;

    lock(state);
    over = state->call_over;
    unlock(state);
    return over;
}

static void *
poll_main(void *data)
{
    FerryLink *self = data;
    struct _FerryLinkState *state = self->state;
    json_int_t change = 0;

    while (!call_is_over(state)) {
        json_t *question = json_pack("{s:s, s:I, s:i}", "record", "TRANSFER", "after", change,
                                     "timeout_ms", POLL_MS);
        FerryAnswer answer = { 0 };

        if (ask_on(self, state->polling, "wait", question, POLL_MS + TUNNEL_TIMEOUT_MS, &answer,
                   NULL)) {
            change = json_integer_value(json_object_get(answer.details, "change"));
            keep_answer(self, FERRY_RECORD_TRANSFER, &answer);
            ferry_answer_clear(&answer);
        } else {
            g_usleep((gulong)state->config.timers->peer_keepalive_ms * 1000);
        }
        json_decref(question);
    }
    return NULL;
}

/* ---- libvirt's call ---- */

static void *
call_main(void *data)
{
    FerryLink *self = data;
    struct _FerryLinkState *state = self->state;
    g_autoptr(GError) error = NULL;
    bool ok = ferry_guests_migrate(self->hand.guests, &state->migration, &error);

    lock(state);
    state->call_over = true;
    if (!ok)
        state->call_error = g_strdup(error->message);
    unlock(state);
    ferry_bell_ring(state->config.bell);
    return NULL;
}

/* Fills in what only the link knows, and copies the rest: the caller's strings do not last. */
static void
keep_migration(FerryLink *self, const FerryMigration *migration)
{
    struct _FerryLinkState *state = self->state;

    state->migration = *migration;
    state->migration.uuid = self->hand.row.guest_uuid;
    state->migration.relay_socket = state->socket_path;
    state->migration.migrate_uri = state->migrate_uri;
    state->migration.tls_destination = g_strdup(migration->tls_destination);
    state->migration.target_xml = g_strdup(migration->target_xml);
}

static bool
open_relay(FerryLink *self, GError **error)
{
    static const FerryRelayWatch watch = { .changed = ferry_bell_ring };
    struct _FerryLinkState *state = self->state;
    g_autofree char *path = g_strdup_printf("/v1/peer/jobs/%s/relay", self->hand.row.id);
    int tunnel = -1;

    if (!ferry_client_tunnel(state->direct, path, "ferry-relay", TUNNEL_TIMEOUT_MS, &tunnel, error))
        return false;
    state->relay = ferry_relay_new(FERRY_SIDE_SOURCE, &watch, state->config.bell);
    return ferry_relay_listen(state->relay, state->socket_path, tunnel, error);
}

static bool
call(void *data, const FerryMigration *migration, GError **error)
{
    FerryLink *self = data;
    struct _FerryLinkState *state = self->state;

    if (!open_relay(self, error))
        return false;
    keep_migration(self, migration);
    if (pthread_create(&state->call_thread, NULL, call_main, self) != 0)
        return ferry_error_set_errno(error, errno, "start", "the migration's thread");
    state->call_begun = true;
    if (pthread_create(&state->poll_thread, NULL, poll_main, self) != 0)
        g_error("cannot start a thread"); /* half begun: only the end of the process is clean */
    return true;
}

static FerryRelayState
relay_state(void *data)
{
    FerryLink *self = data;
    struct _FerryLinkState *state = self->state;
    FerryRelayState relay = FERRY_RELAY_NONE;

    if (state->relay == NULL || !state->call_begun || call_is_over(state))
        return FERRY_RELAY_NONE;
    relay = ferry_relay_state(state->relay);
    if (relay != FERRY_RELAY_NONE)
        return relay;
    /* Closed, but libvirt's call is still to return: to the table it is not over before that. */
    if (state->released)
        return FERRY_RELAY_REPLY;
    return ferry_relay_held_ms(state->relay) != 0 ? FERRY_RELAY_HELD : FERRY_RELAY_OPEN;
}

static char *
call_error(void *data)
{
    struct _FerryLinkState *state = ((FerryLink *)data)->state;
    char *error = NULL;

    lock(state);
    error = g_strdup(state->call_error);
    unlock(state);
    return error;
}

static bool
seal(void *data)
{
    struct _FerryLinkState *state = ((FerryLink *)data)->state;

    return state->relay == NULL || ferry_relay_seal(state->relay);
}

static void
wait_for_call(FerryLink *self)
{
    int64_t until_ms = now_ms(self) + CALL_END_MS;

    while (now_ms(self) < until_ms) {
        uint64_t rung = ferry_bell_rung(self->state->config.bell);

        if (relay_state(self) == FERRY_RELAY_NONE)
            return;
        (void)ferry_bell_wait(self->state->config.bell, rung, 100);
    }
}

static void
release(void *data)
{
    FerryLink *self = data;

    if (self->state->relay != NULL)
        ferry_relay_release(self->state->relay);
    self->state->released = true;
    wait_for_call(self);
}

static void
cut(void *data)
{
    FerryLink *self = data;

    if (self->state->relay == NULL)
        return;
    ferry_relay_cut(self->state->relay);
    /* With the link dead QEMU would wait for TCP; a cancel does in the hold nothing, and before it
     * what the cut does. */
    (void)ferry_guests_abort_job(self->hand.guests, self->hand.row.guest_uuid, NULL);
    wait_for_call(self);
}

static bool
stats(void *data, FerryTransferStats *ret)
{
    FerryLink *self = data;

    return ferry_guests_transfer_stats(self->hand.guests, self->hand.row.guest_uuid, ret, NULL);
}

static int64_t
suspended_ms(void *data)
{
    FerryLink *self = data;

    return ferry_guests_suspended_ms(self->hand.guests, self->hand.row.guest_uuid);
}

static bool
quiet_journal(void *data, GError **error)
{
    FerryLink *self = data;

    if (!ferry_store_checkpoint(self->hand.store, error))
        return false;
    if (!self->state->quiet)
        ferry_store_checkpoints_off(self->hand.store);
    self->state->quiet = true;
    return true;
}

static void
loud_journal(void *data)
{
    FerryLink *self = data;

    if (self->state->quiet)
        ferry_store_checkpoints_on(self->hand.store);
    self->state->quiet = false;
}

const FerryLinkOps ferry_link_ops = {
    .ask = ask,
    .heard = heard,
    .call = call,
    .relay = relay_state,
    .call_error = call_error,
    .seal = seal,
    .release = release,
    .cut = cut,
    .stats = stats,
    .suspended_ms = suspended_ms,
    .quiet_journal = quiet_journal,
    .loud_journal = loud_journal,
};

/* ---- life ---- */

/* Memory goes to the same address as our own words, to a port that libvirt chooses there. */
static char *
migrate_uri_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    g_autofree char *host = g_strndup(address, (gsize)(colon - address));

    return g_strdup_printf("tcp://%s", host);
}

bool
ferry_link_new(const FerryHand *hand,
               const FerryLinkConfig *config,
               FerryLink **ret,
               GError **error)
{
    g_autoptr(FerryLink) self = g_new0(FerryLink, 1);
    struct _FerryLinkState *state = g_new0(struct _FerryLinkState, 1);

    self->hand = *hand;
    self->state = state;
    state->config = *config;
    (void)pthread_mutex_init(&state->lock, NULL);
    if (!ferry_client_new_peer(config->identity, config->peer_name, config->peer_address,
                               &state->direct, error) ||
        !ferry_client_new_peer(config->identity, config->peer_name, config->peer_address,
                               &state->polling, error))
        return false;
    state->socket_path = g_strdup_printf("%s/relay-%s", config->run_dir, hand->row.id);
    state->migrate_uri = migrate_uri_of(config->peer_address);
    *ret = g_steal_pointer(&self);
    return true;
}

void
ferry_link_free(FerryLink *self)
{
    struct _FerryLinkState *state = NULL;

    if (self == NULL)
        return;
    state = self->state;
    if (state->call_begun) { /* the driver ends only after the call, so these are short */
        (void)pthread_join(state->call_thread, NULL);
        (void)pthread_join(state->poll_thread, NULL);
    }
    ferry_relay_free(state->relay);
    ferry_client_free(state->direct);
    ferry_client_free(state->polling);
    ferry_answer_clear(&state->heard);
    g_free((char *)state->migration.tls_destination);
    g_free((char *)state->migration.target_xml);
    g_free(state->call_error);
    g_free(state->socket_path);
    g_free(state->migrate_uri);
    (void)pthread_mutex_destroy(&state->lock);
    g_free(state);
    g_free(self);
}
