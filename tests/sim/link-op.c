/* The way from S to T: questions and their answers, and libvirt's call. */
#include "op.h"

#include "event.h"
#include "migrate/peer-words.h"

#define SILENT_KEEPALIVES 5

/* Returns: whether T has a driver for the job now. */
bool
sim_take_word(Sim *sim, FerryAsk ask, FerrySaid word)
{
    if (sim->target == NULL) {
        FerryTargetWorld world = sim_target_world(sim);
        FerryPlan *plan = NULL;

        if (ask != FERRY_ASK_RESERVE && ask != FERRY_ASK_ABORT)
            return false;
        if (ask == FERRY_ASK_RESERVE)
            g_assert_true(ferry_plan_parse(sim->plan_json, &plan, NULL));
        sim->job[TARGET] = sim_new_job(sim, TARGET);
        sim->target = ferry_target_new(&world, sim->job[TARGET], plan);
        sim->over[TARGET] = false;
    }
    if (!sim->over[TARGET])
        ferry_target_hear(sim->target, word);
    sim->wake_ms[TARGET] = sim->now_ms;
    return true;
}

/* T works on the question; S may have waited long enough at any moment. */
static void
let_target_work(Sim *sim)
{
    unsigned patience = sim->gap == NULL ? 20 : sim_random(sim, 8);

    while (patience-- > 0 && sim_may_step(sim, TARGET) && sim->wake_ms[TARGET] <= sim->now_ms)
        sim_step(sim, TARGET);
}

static void
copy_answer(const FerryAnswer *from, FerryAnswer *ret)
{
    *ret = (FerryAnswer){ from->record, from->domain, json_incref(from->details) };
}

static bool
ask(void *data, FerryAsk what, FerryRecordKind mine, json_t *body, FerryAnswer *ret, GError **error)
{
    SimEnd *end = data;
    Sim *sim = end->sim;
    FerrySaid word = ferry_said_of_record(mine);
    g_autofree char *name =
        g_strdup_printf("ask %s (%s)", ferry_ask_name(what), ferry_record_kind_name(mine));
    bool answered_late = false;
    bool unknown = false;
    FerryAnswer answer;

    (void)body;
    sim->op_fault = OP_GOOD;
    if (!sim->world.host[SOURCE].ferryd)
        return sim_unreached(sim, "dead", error);
    sim->said |= 1u << word;
    if (!sim_op_begin(end, name, NEEDS_NOTHING, error))
        return false;
    answered_late = sim->op_fault == OP_FAILS_AFTER;
    if (!sim->world.link[SOURCE] || !sim->world.host[TARGET].ferryd)
        return sim_unreached(sim, "T is not reached", error);
    unknown = sim->target == NULL;
    if (!sim_take_word(sim, what, word)) {
        *ret = (FerryAnswer){ FERRY_T_NONE, FERRY_TD_NONE, NULL };
        return sim_op_end(end, name, error);
    }
    let_target_work(sim);
    if (!sim->world.host[TARGET].ferryd || !sim->world.link[TARGET] || answered_late ||
        sim->published.record == FERRY_T_UNKNOWN)
        return sim_unreached(sim, "no answer of T", error);
    copy_answer(&sim->published, &answer);
    if (!sim_op_end(end, name, error)) {
        ferry_answer_clear(&answer);
        return false;
    }
    *ret = answer;
    sim->abort_answered |= unknown && what == FERRY_ASK_ABORT && sim->over[TARGET];
    sim_note(sim, "  T answers %s, %s", ferry_target_answer_name(ret->record),
             ferry_target_domain_name(ret->domain));
    return true;
}

static void
heard(void *data, FerryRecordKind mine, FerryAnswer *ret)
{
    SimEnd *end = data;
    Sim *sim = end->sim;

    g_assert(mine == FERRY_RECORD_TRANSFER);
    ferry_answer_clear(ret);
    if (sim->now_ms - sim->polled_ms <= SILENT_KEEPALIVES * sim->timers.peer_keepalive_ms)
        copy_answer(&sim->polled, ret);
}

static bool
call(void *data, const FerryMigration *migration, GError **error)
{
    SimEnd *end = data;

    (void)migration;
    if (!sim_op_begin(end, "libvirt's call", NEEDS_NOTHING, error))
        return false;
    end->sim->world.call = CALL_CONNECTING;
    end->sim->world.sealed = end->sim->world.finish_asked = false;
    ferry_answer_clear(&end->sim->polled);
    /* Half begun is not known to the link (see its header): it does not report failure then. */
    end->sim->op_fault = OP_GOOD;
    (void)sim_op_end(end, "libvirt's call", NULL);
    return true;
}

static FerryRelayState
relay(void *data)
{
    static const FerryRelayState states[] = {
        [CALL_NONE] = FERRY_RELAY_NONE,           [CALL_CONNECTING] = FERRY_RELAY_OPEN,
        [CALL_OPEN] = FERRY_RELAY_OPEN,           [CALL_HELD] = FERRY_RELAY_HELD,
        [CALL_HELD_CANCELLED] = FERRY_RELAY_HELD, [CALL_REPLY] = FERRY_RELAY_REPLY,
    };
    SimEnd *end = data;

    return states[end->sim->world.call];
}

static char *
call_error(void *data)
{
    (void)data;
    return NULL;
}

static bool
seal(void *data)
{
    SimEnd *end = data;
    SimWorld *world = &end->sim->world;

    world->sealed = !world->finish_asked;
    return world->sealed;
}

/* The driver waits for the end of the call; it may come, or take longer than it waits. */
static void
wait_for_call(SimEnd *end, const char *what)
{
    Sim *sim = end->sim;

    if (sim->world.ending != ENDING_NONE && (sim->gap == NULL || sim_random(sim, 4) > 0))
        sim_happen(sim, sim_event_named("client confirms"));
    (void)sim_op_end(end, what, NULL);
}

static void
release(void *data)
{
    SimEnd *end = data;

    if (!sim_op_begin(end, "release", NEEDS_NOTHING, NULL))
        return;
    if (end->sim->world.call == CALL_REPLY)
        sim_world_end_call(&end->sim->world, ENDING_OK);
    wait_for_call(end, "release");
}

static void
cut(void *data)
{
    SimEnd *end = data;

    if (!sim_op_begin(end, "cut", NEEDS_NOTHING, NULL))
        return;
    sim_world_end_call(&end->sim->world, ENDING_CANCELLED);
    wait_for_call(end, "cut");
}

static bool
stats(void *data, FerryTransferStats *ret)
{
    (void)data;
    (void)ret;
    return false;
}

static int64_t
suspended_ms(void *data)
{
    (void)data;
    return 0;
}

static bool
quiet_journal(void *data, GError **error)
{
    SimEnd *end = data;

    return sim_op_begin(end, "checkpoint", NEEDS_NOTHING, error) &&
           sim_op_end(end, "checkpoint", error);
}

static void
loud_journal(void *data)
{
    (void)data;
}

const FerryLinkOps sim_link_ops = {
    .ask = ask,
    .heard = heard,
    .call = call,
    .relay = relay,
    .call_error = call_error,
    .seal = seal,
    .release = release,
    .cut = cut,
    .stats = stats,
    .suspended_ms = suspended_ms,
    .quiet_journal = quiet_journal,
    .loud_journal = loud_journal,
};

bool
sim_may_poll_answer(const Sim *sim)
{
    return sim->world.call > CALL_CONNECTING && sim->world.link[SOURCE] &&
           sim->world.link[TARGET] && sim->world.host[TARGET].ferryd &&
           sim->published.record != FERRY_T_UNKNOWN &&
           (sim->published.record != sim->polled.record ||
            sim->published.domain != sim->polled.domain);
}

void
sim_poll_answer(Sim *sim)
{
    ferry_answer_clear(&sim->polled);
    copy_answer(&sim->published, &sim->polled);
    sim->polled_ms = sim->now_ms;
    sim->wake_ms[SOURCE] = sim->now_ms;
    sim_note(sim, "* S's poll hears %s, %s", ferry_target_answer_name(sim->polled.record),
             ferry_target_domain_name(sim->polled.domain));
}
