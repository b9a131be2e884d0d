#include "migrate/link.h"

#include <pthread.h>

#include "base/error.h"
#include "client/client.h"
#include "migrate/libvirt-call.h"
#include "migrate/peer-words.h"

#define POLL_MS           4000 /* of one long poll; the server's idle limit is far above */
#define ANSWER_TIMEOUT_MS 5000 /* after it */

struct _FerryLinkState {
    FerryLinkConfig config;
    FerryClient *direct;  /* the driver's */
    FerryClient *polling; /* the asking thread's */
    FerryLibvirtCall *call;
    bool quiet; /* checkpoints are off because of this job */
    bool asking;
    pthread_t poll_thread;

    pthread_mutex_t lock;       /* of all below */
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

static void *
poll_main(void *data)
{
    FerryLink *self = data;
    struct _FerryLinkState *state = self->state;
    json_int_t change = 0;

    while (!ferry_libvirt_call_is_over(state->call)) {
        json_t *question = json_pack("{s:s, s:I, s:i}", "record", "TRANSFER", "after", change,
                                     "timeout_ms", POLL_MS);
        FerryAnswer answer = { 0 };

        if (ask_on(self, state->polling, "wait", question, POLL_MS + ANSWER_TIMEOUT_MS, &answer,
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

static bool
call(void *data, const FerryMigration *migration, GError **error)
{
    FerryLink *self = data;
    struct _FerryLinkState *state = self->state;

    if (!ferry_libvirt_call_begin(state->call, state->direct, migration, error))
        return false;
    if (pthread_create(&state->poll_thread, NULL, poll_main, self) != 0)
        g_error("cannot start a thread"); /* half begun: only the end of the process is clean */
    state->asking = true;
    return true;
}

static FerryRelayState
relay_state(void *data)
{
    return ferry_libvirt_call_relay(((FerryLink *)data)->state->call);
}

static char *
call_error(void *data)
{
    return ferry_libvirt_call_error(((FerryLink *)data)->state->call);
}

static bool
seal(void *data)
{
    return ferry_libvirt_call_seal(((FerryLink *)data)->state->call);
}

static void
release(void *data)
{
    ferry_libvirt_call_release(((FerryLink *)data)->state->call);
}

static void
cut(void *data)
{
    ferry_libvirt_call_cut(((FerryLink *)data)->state->call);
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
    state->call = ferry_libvirt_call_new(hand, config->bell, config->run_dir, config->peer_address);
    (void)pthread_mutex_init(&state->lock, NULL);
    if (!ferry_client_new_peer(config->identity, config->peer_name, config->peer_address,
                               &state->direct, error) ||
        !ferry_client_new_peer(config->identity, config->peer_name, config->peer_address,
                               &state->polling, error))
        return false;
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
    if (state->asking) /* it ends with the call, before the driver: so this is short */
        (void)pthread_join(state->poll_thread, NULL);
    ferry_libvirt_call_free(state->call);
    ferry_client_free(state->direct);
    ferry_client_free(state->polling);
    ferry_answer_clear(&state->heard);
    (void)pthread_mutex_destroy(&state->lock);
    g_free(state);
    g_free(self);
}
