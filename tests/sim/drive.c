#include "drive.h"

#include <string.h>

#include "base/error.h"
#include "event.h"
#include "migrate/assign.h"
#include "migrate/peer-words.h"

#define GUEST_UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define JOB_ID     "11111111-2222-4333-8444-555555555555"

#define JOURNAL_PAUSE_MS  1000
#define SILENT_KEEPALIVES 5

/* The drivers hand nothing to the decision tables, which the test wraps. */
static Sim *current;

Sim *
sim_current(void)
{
    return current;
}

void
sim_note(Sim *sim, const char *format, ...)
{
    va_list values;

    if (sim->trace == NULL)
        return;
    g_string_append_printf(sim->trace, "%8" G_GINT64_FORMAT " ms %*s", sim->now_ms,
                           (int)(2 * sim->depth), "");
    va_start(values, format);
    g_string_append_vprintf(sim->trace, format, values);
    va_end(values);
    g_string_append_c(sim->trace, '\n');
}

/* splitmix64: small, and the same everywhere. */
unsigned
sim_random(Sim *sim, unsigned n)
{
    uint64_t z = sim->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned)((z ^ (z >> 31)) % n);
}

static char
letter(FerrySide side)
{
    return side == SOURCE ? 'S' : 'T';
}

static void
check(Sim *sim)
{
    if (sim->violation != NULL)
        return;
    sim->violation = sim_broken_invariant(&sim->world, &sim->outcome);
    if (sim->violation != NULL)
        sim_note(sim, "VIOLATION: %s", sim->violation);
}

/* ---- clock ---- */

static const Sim *
sim_of_clock(const FerryClock *clock)
{
    return (const Sim *)(const void *)clock;
}

static int64_t
clock_now_ms(const FerryClock *clock)
{
    return sim_of_clock(clock)->now_ms;
}

static int64_t
clock_wall_us(const FerryClock *clock)
{
    return sim_of_clock(clock)->now_ms * 1000;
}

static char *
clock_uuid(const FerryClock *clock)
{
    (void)clock;
    return g_strdup(JOB_ID);
}

/* ---- gaps and the frame of every op ---- */

static void
make_fault(Sim *sim, unsigned fault)
{
    if (fault >= sim_n_events) {
        sim->op_fault = (SimOpFault)(fault - sim_n_events + 1);
        sim->fault_happened = true;
        sim_note(sim, "* this call fails, %s",
                 sim->op_fault == OP_FAILS_BEFORE ? "not done" : "done");
    } else if (sim_events[fault].may(&sim->world)) {
        sim->fault_happened = true;
        sim_happen(sim, fault);
    }
}

static void
gap(Sim *sim, FerrySide side)
{
    sim->points++;
    for (unsigned i = 0; i < G_N_ELEMENTS(sim->planned); i++) {
        if (sim->points == sim->planned[i].point)
            make_fault(sim, sim->planned[i].fault);
    }
    if (sim->gap != NULL)
        sim->gap(sim, side);
}

static bool
fail(Sim *sim, const char *what, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "%s failed in the simulation", what);
    sim_note(sim, "  %s fails", what);
    return false;
}

typedef enum { NEEDS_NOTHING, NEEDS_LIBVIRT } Need;

/* Before the effect.  Returns: whether there is to be one. */
static bool
begin(SimEnd *end, const char *what, Need need, GError **error)
{
    Sim *sim = end->sim;
    SimHost *host = &sim->world.host[end->side];

    if (!host->ferryd) { /* dead already: nothing happens any more */
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "dead");
        return false;
    }
    sim->op_fault = OP_GOOD;
    gap(sim, end->side);
    if (!host->ferryd || sim->op_fault == OP_FAILS_BEFORE ||
        (need == NEEDS_LIBVIRT && !host->libvirtd)) {
        sim->op_fault = OP_GOOD;
        return fail(sim, what, error);
    }
    sim_note(sim, "  %c: %s", letter(end->side), what);
    return true;
}

/* After the effect.  Returns: what the op reports. */
static bool
end_op(SimEnd *end, const char *what, GError **error)
{
    Sim *sim = end->sim;
    bool good = sim->op_fault != OP_FAILS_AFTER;

    sim->op_fault = OP_GOOD;
    check(sim);
    gap(sim, end->side);
    if (sim->op_fault != OP_GOOD) /* planned for an "after": the effect is there, the answer not */
        good = false;
    sim->op_fault = OP_GOOD;
    if (!sim->world.host[end->side].ferryd)
        good = false;
    return good || fail(sim, what, error);
}

/* ---- journal ---- */

static void
record_of_end(Sim *sim, FerrySide side, FerryRecordKind kind, const json_t *body)
{
    const char *outcome = json_string_value(json_object_get(body, "outcome"));

    if (kind == FERRY_RECORD_RESOLVED) { /* the tables go on with the record before it */
        sim->world.resolved[side] = true;
        return;
    }
    sim->world.record[side] = kind;
    if (side == TARGET && kind == FERRY_RECORD_RUNNING && sim->world.user_paused)
        sim->world.ran = true;
    if (kind != FERRY_RECORD_DONE)
        return;
    sim->outcome.committed[side] =
        g_strcmp0(outcome, "migrated") == 0 || g_strcmp0(outcome, "lost") == 0;
    sim->outcome.degraded[side] =
        json_array_size(json_object_get(json_object_get(body, "report"), "degraded")) > 0;
}

static bool
append(void *data, FerryRecordKind kind, json_t *body, GError **error)
{
    SimEnd *end = data;
    Sim *sim = end->sim;
    g_autofree char *what = g_strconcat("record ", ferry_record_kind_name(kind), NULL);
    FerryRecord *record = NULL;

    if (!begin(end, what, NEEDS_NOTHING, error))
        return false;
    record = g_new0(FerryRecord, 1);
    record->kind = kind;
    record->seq = sim->journal[end->side]->len + 1;
    record->data = json_dumps(body, JSON_COMPACT);
    g_ptr_array_add(sim->journal[end->side], record);
    record_of_end(sim, end->side, kind, body);
    if (kind == FERRY_RECORD_RESERVED && sim->abort_answered && sim->violation == NULL)
        sim->violation = "T2 reserved after an abort was answered";
    return end_op(end, what, error);
}

static const FerryJournalOps journal_ops = { .append = append };

/* ---- the guest on a host ---- */

static bool
look(void *data, FerryDomainLook *ret, GError **error)
{
    SimEnd *end = data;
    const SimWorld *world = &end->sim->world;
    const SimHost *host = &world->host[end->side];
    /* Section 5: libvirt's state and reason, and whether it has job info. */
    static const struct {
        int state, reason;
        bool has_job_info;
    } looks[] = {
        [GUEST_NONE] = { 5, 0, true },       [GUEST_INCOMING] = { 3, 2, false },
        [GUEST_FINISHING] = { 3, 1, false }, [GUEST_COMPLETE] = { 3, 1, true },
        [GUEST_PAUSED] = { 3, 2, true },     [GUEST_RUN] = { 1, 5, true },
        [GUEST_COLD] = { 1, 1, true },
    };

    if (!begin(end, "look", NEEDS_LIBVIRT, error))
        return false;
    *ret = (FerryDomainLook){ .present = host->guest != GUEST_NONE || host->defined,
                              .state = looks[host->guest].state,
                              .reason = looks[host->guest].reason,
                              .has_job_info = looks[host->guest].has_job_info,
                              .persistent = host->defined };
    if (host->guest == GUEST_PAUSED && world->user_paused)
        ret->reason = 1;
    if (host->guest == GUEST_FINISHING && world->mutant == MUTANT_LOADED_BY_EVENT)
        ret->has_job_info = true;
    return end_op(end, "look", error);
}

/* What stays plugged, in a domain that lacks its end. */
static GString *
begin_domain(const SimPlan *plan)
{
    GString *text = g_string_new("<domain type='kvm'><name>web</name><uuid>" GUEST_UUID
                                 "</uuid><memory>1024</memory><devices><disk type='file'>"
                                 "<source file='/srv/web'/><target dev='vda'/></disk>");

    for (unsigned i = 0; i < plan->n_hybrids; i++)
        g_string_append_printf(text,
                               "<interface type='direct'><source dev='eth0'/><alias "
                               "name='ua-net%u'/></interface>",
                               plan->n_devices + i);
    if (plan->n_hybrids > 0)
        g_string_append(text, "<hostdev mode='subsystem' type='mdev'><source><address uuid='" JOB_ID
                              "'/></source><alias name='ua-gpu0'/></hostdev>");
    return text;
}

static bool
xml(void *data, FerryGuestsXml which, char **ret, GError **error)
{
    SimEnd *end = data;
    const SimWorld *world = &end->sim->world;
    const SimHost *host = &world->host[end->side];
    bool lies = world->mutant == MUTANT_FORGET_REPLUG && end->side == SOURCE &&
                world->record[SOURCE] == FERRY_RECORD_ABORTED;
    g_autoptr(GString) text = NULL;

    (void)which; /* the drivers take devices from the live one only */
    if (!begin(end, "xml", NEEDS_LIBVIRT, error))
        return false;
    if (host->guest == GUEST_NONE)
        return fail(end->sim, "xml of no guest", error);
    text = begin_domain(end->sim->plan);
    for (unsigned i = 0; i < 8; i++) {
        if ((lies ? world->all_devices : host->devices) & 1u << i)
            g_string_append_printf(text,
                                   "<hostdev mode='subsystem' type='pci'><alias "
                                   "name='ua-dev%u'/></hostdev>",
                                   i);
    }
    g_string_append(text, "</devices></domain>");
    if (!end_op(end, "xml", error))
        return false;
    *ret = g_string_free(g_steal_pointer(&text), FALSE);
    return true;
}

/* While libvirt's call runs, its job lock turns changes away. */
static bool
is_locked(const SimWorld *world, FerrySide side)
{
    if (side == SOURCE)
        return world->job == JOB_PERFORM || world->job == JOB_PERFORMED;
    return world->host[TARGET].guest == GUEST_INCOMING ||
           world->host[TARGET].guest == GUEST_FINISHING;
}

static bool
resume(void *data, GError **error)
{
    SimEnd *end = data;
    SimWorld *world = &end->sim->world;
    SimGuest guest = GUEST_NONE;

    if (!begin(end, "resume", NEEDS_LIBVIRT, error))
        return false;
    guest = world->host[end->side].guest;
    if (guest == GUEST_NONE || is_locked(world, end->side))
        return fail(end->sim, "resume", error);
    if (guest == GUEST_PAUSED || guest == GUEST_COMPLETE)
        sim_world_set_guest(world, end->side, GUEST_RUN);
    return end_op(end, "resume", error);
}

static bool
destroy(void *data, GError **error)
{
    SimEnd *end = data;
    SimWorld *world = &end->sim->world;

    if (!begin(end, "destroy", NEEDS_LIBVIRT, error))
        return false;
    sim_world_set_guest(world, end->side, GUEST_NONE);
    if (end->side == SOURCE)
        world->job = JOB_NONE;
    return end_op(end, "destroy", error);
}

static bool
define(void *data, const char *text, GError **error)
{
    SimEnd *end = data;

    (void)text;
    if (!begin(end, "define", NEEDS_LIBVIRT, error))
        return false;
    end->sim->world.host[end->side].defined = true;
    return end_op(end, "define", error);
}

/* Two mutants: the marker goes while the definition is still there. */
static bool
unmarks_first(const SimEnd *end)
{
    SimMutant mutant = end->sim->world.mutant;

    return mutant == (end->side == SOURCE ? MUTANT_UNMARK_BEFORE_UNDEFINE : MUTANT_UNMARK_FIRST_T);
}

/* As libvirt does, with the hook in front of it. */
static bool
start(void *data, GError **error)
{
    SimEnd *end = data;
    SimWorld *world = &end->sim->world;
    SimHost *host = &world->host[end->side];

    if (!begin(end, "start from disk", NEEDS_LIBVIRT, error))
        return false;
    if (!host->defined || (world->hook && host->marked))
        return fail(end->sim, "start from disk", error);
    if (host->guest == GUEST_NONE)
        sim_world_set_guest(world, end->side, GUEST_COLD);
    return end_op(end, "start from disk", error);
}

static bool
undefine(void *data, GError **error)
{
    SimEnd *end = data;

    if (!begin(end, "undefine", NEEDS_LIBVIRT, error))
        return false;
    if (unmarks_first(end)) {
        end->sim->world.host[end->side].marked = false;
        gap(end->sim, end->side);
        if (!end->sim->world.host[end->side].ferryd)
            return fail(end->sim, "undefine", error);
    }
    end->sim->world.host[end->side].defined = false;
    end->sim->world.host[end->side].autostart = false;
    return end_op(end, "undefine", error);
}

static bool
set_autostart(void *data, FerryAutostart autostart, GError **error)
{
    SimEnd *end = data;
    const char *what = autostart == FERRY_AUTOSTART_ON ? "autostart on" : "autostart off";

    if (!begin(end, what, NEEDS_LIBVIRT, error))
        return false;
    if (is_locked(&end->sim->world, end->side))
        return fail(end->sim, what, error);
    if (autostart == FERRY_AUTOSTART_ON || end->sim->world.mutant != MUTANT_AUTOSTART_LEFT)
        end->sim->world.host[end->side].autostart = autostart == FERRY_AUTOSTART_ON;
    return end_op(end, what, error);
}

static unsigned
bit_of(const char *alias)
{
    return 1u << (alias[strlen("ua-dev")] - '0');
}

static bool
detach_ask(void *data, const char *alias, FerryDetach *ret, char **ret_reason, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    *ret_reason = NULL;
    if (!begin(end, "ask for a device", NEEDS_LIBVIRT, error))
        return false;
    host->asked |= host->devices & bit_of(alias);
    *ret = FERRY_DETACH_ASKED;
    return end_op(end, "ask for a device", error);
}

static bool
device_kept(void *data, const char *alias)
{
    const SimEnd *end = data;

    return (end->sim->world.host[end->side].kept & bit_of(alias)) != 0;
}

static bool
attach(void *data, const char *alias, const char *text, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    (void)text;
    if (!begin(end, "attach", NEEDS_LIBVIRT, error))
        return false;
    if (host->guest == GUEST_NONE || is_locked(&end->sim->world, end->side))
        return fail(end->sim, "attach", error);
    host->devices |= bit_of(alias);
    return end_op(end, "attach", error);
}

static bool
mark(void *data, GError **error)
{
    SimEnd *end = data;

    if (!begin(end, "marker on", NEEDS_NOTHING, error))
        return false;
    end->sim->world.host[end->side].marked =
        end->side == TARGET || end->sim->world.mutant != MUTANT_NO_MARKER;
    return end_op(end, "marker on", error);
}

static bool
unmark(void *data, GError **error)
{
    SimEnd *end = data;

    if (!begin(end, "marker off", NEEDS_NOTHING, error))
        return false;
    end->sim->world.host[end->side].marked = false;
    return end_op(end, "marker off", error);
}

static const FerryGuestOps guest_ops = {
    .look = look,
    .xml = xml,
    .resume = resume,
    .destroy = destroy,
    .define = define,
    .undefine = undefine,
    .start = start,
    .set_autostart = set_autostart,
    .detach_ask = detach_ask,
    .device_kept = device_kept,
    .attach = attach,
    .mark = mark,
    .unmark = unmark,
};

/* ---- the host's devices ---- */

static bool
reserve(void *data, const FerryPlan *plan, json_t **ret_reasons, GError **error)
{
    SimEnd *end = data;

    (void)plan;
    (void)ret_reasons;
    if (!begin(end, "claim", NEEDS_NOTHING, error))
        return false;
    end->sim->world.host[end->side].claims = CLAIMS_JOB;
    return end_op(end, "claim", error);
}

static bool
prepare(void *data,
        const FerryPlan *plan,
        json_t **ret_assign,
        json_t **ret_reasons,
        GError **error)
{
    SimEnd *end = data;

    (void)ret_reasons;
    if (!begin(end, "make devices", NEEDS_NOTHING, error) || !end_op(end, "make devices", error))
        return false;
    *ret_assign = json_array();
    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);
        bool hybrid = need->way == FERRY_WAY_HYBRID;

        ferry_assign_add(*ret_assign, need->alias, hybrid ? "source-dev" : "mdev-uuid",
                         hybrid ? "eth7" : GUEST_UUID);
    }
    return true;
}

static bool
unplug(void *data, const char *vf_alias, FerryUnplug *ret, char **ret_why, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    *ret_why = g_strdup("the guest");
    if (!begin(end, "unplug a VF", NEEDS_LIBVIRT, error))
        return false;
    host->asked |= host->devices & bit_of(vf_alias);
    *ret = (host->devices & bit_of(vf_alias)) == 0 ? FERRY_UNPLUG_DONE : FERRY_UNPLUG_WAIT;
    return end_op(end, "unplug a VF", error);
}

static bool
plug(void *data, json_t **ret_lacks, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    (void)ret_lacks; /* all are there then */
    if (!begin(end, "plug VFs", NEEDS_LIBVIRT, error))
        return false;
    if (host->guest == GUEST_NONE || is_locked(&end->sim->world, end->side))
        return fail(end->sim, "plug VFs", error);
    host->devices |= end->sim->world.all_devices & ~((1u << end->sim->plan->n_devices) - 1);
    return end_op(end, "plug VFs", error);
}

static bool
keep(void *data, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    if (!begin(end, "keep", NEEDS_NOTHING, error))
        return false;
    if (host->claims == CLAIMS_JOB)
        host->claims = CLAIMS_GUEST;
    return end_op(end, "keep", error);
}

static bool
release_job(void *data, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    if (!begin(end, "release the job's", NEEDS_NOTHING, error))
        return false;
    if (host->claims == CLAIMS_JOB)
        host->claims = CLAIMS_NONE;
    return end_op(end, "release the job's", error);
}

static bool
release_guest(void *data, GError **error)
{
    SimEnd *end = data;

    if (!begin(end, "release the guest's", NEEDS_NOTHING, error))
        return false;
    end->sim->world.host[end->side].claims = CLAIMS_NONE;
    return end_op(end, "release the guest's", error);
}

static const FerryDeviceOps device_ops = {
    .reserve = reserve,
    .prepare = prepare,
    .unplug = unplug,
    .plug = plug,
    .keep = keep,
    .release_job = release_job,
    .release_guest = release_guest,
};

/* ---- what only T has ---- */

static void
publish(Sim *sim)
{
    ferry_answer_clear(&sim->published);
    ferry_target_answer(sim->target, &sim->published);
    sim->world.prepared = sim->published.record == FERRY_T_PREPARED;
    if (sim->world.mutant == MUTANT_VAGUE_TOMBSTONE &&
        sim->world.record[TARGET] == FERRY_RECORD_DONE)
        sim->published.record = FERRY_T_UNKNOWN; /* says that it is over, but not how */
}

static bool
unreached(Sim *sim, const char *why, GError **error)
{
    sim->now_ms += 300;
    sim_note(sim, "  %s", why);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s", why);
    return false;
}

static void
close_relay(void *data)
{
    SimEnd *end = data;

    if (!begin(end, "close the relay", NEEDS_NOTHING, NULL))
        return;
    if (end->sim->world.far_relay)
        sim_world_close_far_relay(&end->sim->world);
    (void)end_op(end, "close the relay", NULL);
}

static FerryRelayState
far_relay(void *data)
{
    const SimEnd *end = data;
    const SimWorld *world = &end->sim->world;

    if (!world->far_relay)
        return FERRY_RELAY_NONE;
    return world->host[TARGET].guest == GUEST_INCOMING && world->finish == FINISH_NONE
               ? FERRY_RELAY_OPEN
               : FERRY_RELAY_HELD;
}

static bool
ask_source(void *data, FerrySaid *ret)
{
    SimEnd *end = data;
    Sim *sim = end->sim;
    FerryRecordKind record = FERRY_RECORD_NONE;

    if (!begin(end, "ask S", NEEDS_NOTHING, NULL))
        return false;
    record = sim->world.record[SOURCE];
    if (!sim->world.link[SOURCE] || !sim->world.link[TARGET] || !sim->world.host[SOURCE].ferryd ||
        record == FERRY_RECORD_NONE)
        return unreached(sim, "S is not reached", NULL);
    *ret = ferry_said_of_record(record);
    if (sim->world.resolved[SOURCE])
        *ret = FERRY_SAID_RESOLVED;
    else if (record == FERRY_RECORD_DONE)
        *ret = sim->outcome.committed[SOURCE] ? FERRY_SAID_COMMITTED : FERRY_SAID_ABORTED;
    return end_op(end, "ask S", NULL);
}

static void
publish_op(void *data)
{
    SimEnd *end = data;

    if (end->sim->world.host[TARGET].ferryd)
        publish(end->sim);
}

static const FerryFarOps far_ops = {
    .close_relay = close_relay,
    .relay = far_relay,
    .ask_source = ask_source,
    .publish = publish_op,
};

static FerryTargetWorld
target_world(Sim *sim)
{
    return (FerryTargetWorld){ .clock = &sim->clock,
                               .timers = &sim->timers,
                               .journal = &journal_ops,
                               .guest = &guest_ops,
                               .devices = &device_ops,
                               .far = &far_ops,
                               .data = &sim->ends[TARGET] };
}

/* ---- the way from S to T ---- */

static void
job_changed(void *data)
{
    (void)data; /* nobody watches */
}

static FerryJob *
new_job(Sim *sim, FerrySide side)
{
    const FerryJobIdentity identity = { .id = JOB_ID,
                                        .side = side,
                                        .guest_name = "web",
                                        .guest_uuid = GUEST_UUID,
                                        .source = "alpha",
                                        .target = "beta" };

    return ferry_job_new(&identity, &sim->clock, job_changed, NULL);
}

/* Returns: whether T has a driver for the job now. */
static bool
take_word(Sim *sim, FerryAsk ask, FerrySaid word)
{
    if (sim->target == NULL) {
        FerryTargetWorld world = target_world(sim);
        FerryPlan *plan = NULL;

        if (ask != FERRY_ASK_RESERVE && ask != FERRY_ASK_ABORT)
            return false;
        if (ask == FERRY_ASK_RESERVE)
            g_assert_true(ferry_plan_parse(sim->plan_json, &plan, NULL));
        sim->job[TARGET] = new_job(sim, TARGET);
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
        return unreached(sim, "dead", error);
    sim->said |= 1u << word;
    if (!begin(end, name, NEEDS_NOTHING, error))
        return false;
    answered_late = sim->op_fault == OP_FAILS_AFTER;
    if (!sim->world.link[SOURCE] || !sim->world.host[TARGET].ferryd)
        return unreached(sim, "T is not reached", error);
    unknown = sim->target == NULL;
    if (!take_word(sim, what, word)) {
        *ret = (FerryAnswer){ FERRY_T_NONE, FERRY_TD_NONE, NULL };
        return end_op(end, name, error);
    }
    let_target_work(sim);
    if (!sim->world.host[TARGET].ferryd || !sim->world.link[TARGET] || answered_late ||
        sim->published.record == FERRY_T_UNKNOWN)
        return unreached(sim, "no answer of T", error);
    copy_answer(&sim->published, &answer);
    if (!end_op(end, name, error)) {
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
    if (!begin(end, "libvirt's call", NEEDS_NOTHING, error))
        return false;
    end->sim->world.call = CALL_CONNECTING;
    end->sim->world.sealed = end->sim->world.finish_asked = false;
    ferry_answer_clear(&end->sim->polled);
    /* Half begun is not known to the link (see its header): it does not report failure then. */
    end->sim->op_fault = OP_GOOD;
    (void)end_op(end, "libvirt's call", NULL);
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
        for (unsigned i = 0; i < sim_n_events; i++)
            if (g_str_equal(sim_events[i].name, "client confirms"))
                sim_happen(sim, i);
    (void)end_op(end, what, NULL);
}

static void
release(void *data)
{
    SimEnd *end = data;

    if (!begin(end, "release", NEEDS_NOTHING, NULL))
        return;
    if (end->sim->world.call == CALL_REPLY)
        sim_world_end_call(&end->sim->world, ENDING_OK);
    wait_for_call(end, "release");
}

static void
cut(void *data)
{
    SimEnd *end = data;

    if (!begin(end, "cut", NEEDS_NOTHING, NULL))
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

    return begin(end, "checkpoint", NEEDS_NOTHING, error) && end_op(end, "checkpoint", error);
}

static void
loud_journal(void *data)
{
    (void)data;
}

static const FerryLinkOps link_ops = {
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

/* ---- steps and lives ---- */

static FerrySourceWorld
source_world(Sim *sim)
{
    return (FerrySourceWorld){ .clock = &sim->clock,
                               .timers = &sim->timers,
                               .journal = &journal_ops,
                               .guest = &guest_ops,
                               .devices = &device_ops,
                               .link = &link_ops,
                               .data = &sim->ends[SOURCE] };
}

static void
drop_driver(Sim *sim, FerrySide side)
{
    if (side == SOURCE) {
        g_clear_pointer(&sim->source, ferry_source_free);
        ferry_answer_clear(&sim->polled);
        sim->cancelled = false;
    } else {
        g_clear_pointer(&sim->target, ferry_target_free);
        ferry_answer_clear(&sim->published);
        sim->world.prepared = false;
        sim->over[TARGET] = false; /* its journal is read again, tombstones too */
    }
    g_clear_pointer(&sim->job[side], ferry_job_unref);
}

/* A ferryd that starts takes up what its journal says is not over. */
static void
recover(Sim *sim, FerrySide side)
{
    FerrySourceWorld source = source_world(sim);
    FerryTargetWorld target = target_world(sim);
    GPtrArray *records = sim->journal[side];

    sim->wake_ms[side] = sim->now_ms;
    sim->over[side] = side == SOURCE && (records->len == 0 || /* never began */
                                         sim->world.record[side] == FERRY_RECORD_DONE);
    if (records->len == 0 || sim->over[side])
        return;
    sim->job[side] = new_job(sim, side);
    if (side == SOURCE)
        sim->source = ferry_source_recover(&source, sim->job[side], records, NULL);
    else
        sim->target = ferry_target_recover(&target, sim->job[side], records, NULL);
    g_assert_true(side == SOURCE ? sim->source != NULL : sim->target != NULL);
}

static bool
has_driver(const Sim *sim, FerrySide side)
{
    return side == SOURCE ? sim->source != NULL : sim->target != NULL;
}

/* What the events mean for the drivers. */
static void
settle(Sim *sim)
{
    for (unsigned i = 0; i < N_SIDES; i++) {
        const SimHost *host = &sim->world.host[i];

        if (host->stepping)
            continue;
        if (!host->ferryd && has_driver(sim, (FerrySide)i))
            drop_driver(sim, (FerrySide)i);
        else if (host->ferryd && !has_driver(sim, (FerrySide)i) && !sim->over[i])
            recover(sim, (FerrySide)i);
    }
}

void
sim_happen(Sim *sim, unsigned event)
{
    sim_note(sim, "* %s", sim_events[event].name);
    sim_events[event].happen(&sim->world);
    settle(sim);
    check(sim);
}

bool
sim_may_step(const Sim *sim, FerrySide side)
{
    const SimHost *host = &sim->world.host[side];

    return host->ferryd && !host->stepping && !sim->over[side] && has_driver(sim, side);
}

static void
after_step(Sim *sim, FerrySide side, FerryStep step)
{
    int64_t wait_ms = 0;

    if (step == FERRY_STEP_WAIT)
        wait_ms =
            side == SOURCE ? ferry_source_wait_ms(sim->source) : ferry_target_wait_ms(sim->target);
    if (step == FERRY_STEP_FAILED) {
        wait_ms = JOURNAL_PAUSE_MS;
        if (side == SOURCE)
            ferry_source_reload(sim->source, sim->journal[side]);
        else
            ferry_target_reload(sim->target, sim->journal[side]);
    }
    if (side == TARGET && step != FERRY_STEP_AGAIN)
        publish(sim);
    sim->over[side] = step == FERRY_STEP_END;
    sim->wake_ms[side] = sim->now_ms + wait_ms;
}

static FerryStep
plain_step(Sim *sim, FerrySide side)
{
    return side == SOURCE ? ferry_source_step(sim->source) : ferry_target_step(sim->target);
}

/* The operator has the other host's journal, or not. */
static FerryStep
resolving_step(Sim *sim, FerrySide side)
{
    const GPtrArray *records = sim->journal[side == SOURCE ? TARGET : SOURCE];
    const FerryResolution resolution = { .fenced = side == SOURCE ? "beta" : "alpha",
                                         .reason = "simulated",
                                         .by = "operator",
                                         .peer_records = sim_random(sim, 2) == 0 ? records : NULL,
                                         .loss = FERRY_LOSS_ACCEPTED };
    json_t *reasons = json_array();
    FerryStep step = side == SOURCE ? ferry_source_resolve(sim->source, &resolution, reasons, NULL)
                                    : ferry_target_resolve(sim->target, &resolution, reasons, NULL);

    g_assert_cmpuint(json_array_size(reasons), ==, 0);
    json_decref(reasons);
    return step;
}

static void
make_step(Sim *sim, FerrySide side, FerryStep (*run)(Sim *sim, FerrySide side))
{
    static const char *const words[] = { "again", "wait", "end", "failed" };
    SimHost *host = &sim->world.host[side];
    FerryStep step = FERRY_STEP_AGAIN;

    sim->depth++;
    host->stepping = true;
    step = run(sim, side);
    host->stepping = false;
    if (host->ferryd)
        after_step(sim, side, step);
    sim_note(sim, "%c: %s", letter(side), host->ferryd ? words[step] : "dead");
    sim->depth--;
    sim->world.releasing = sim->world.record[SOURCE] == FERRY_RECORD_DETACH;
    settle(sim);
    check(sim);
}

void
sim_step(Sim *sim, FerrySide side)
{
    sim_note(sim, "%c steps", letter(side));
    make_step(sim, side, plain_step);
}

void
sim_resolve(Sim *sim, FerrySide side)
{
    if (sim->world.resolved[SOURCE] || sim->world.resolved[TARGET] ||
        sim->world.host[side == SOURCE ? TARGET : SOURCE].on || !sim_may_step(sim, side))
        return;
    sim_note(sim, "* an operator resolves the job for %c", letter(side));
    make_step(sim, side, resolving_step);
}

void
sim_late_word(Sim *sim, FerrySaid word)
{
    static const FerryAsk asks[FERRY_N_SAID] = {
        [FERRY_SAID_UNKNOWN] = FERRY_ASK_STATUS, [FERRY_SAID_EARLY] = FERRY_ASK_RESERVE,
        [FERRY_SAID_HANDOFF] = FERRY_ASK_GO,     [FERRY_SAID_COMMITTED] = FERRY_ASK_DONE,
        [FERRY_SAID_ABORTED] = FERRY_ASK_ABORT,  [FERRY_SAID_RESOLVED] = FERRY_ASK_ABORT,
    };

    if (!sim->world.host[TARGET].ferryd || sim->world.host[TARGET].stepping)
        return;
    if (sim->over[TARGET] && sim->journal[TARGET]->len == 0)
        drop_driver(sim, TARGET); /* as if restarted since: nothing was begun, nothing is kept */
    sim_note(sim, "* T hears, late: %s", ferry_said_name(word));
    (void)take_word(sim, asks[word], word);
}

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

void
sim_cancel(Sim *sim)
{
    FerryRecordKind record = sim->world.record[SOURCE];

    if (sim->source == NULL)
        return; /* nobody there to ask */
    sim->asked_to_cancel = true;
    if (sim->cancelled || record == FERRY_RECORD_HANDOFF || record == FERRY_RECORD_COMMITTED ||
        record == FERRY_RECORD_DONE)
        return;
    sim_note(sim, "* a user cancels");
    sim->cancelled = true;
    ferry_job_cancel(sim->job[SOURCE]);
    sim->wake_ms[SOURCE] = sim->now_ms;
}

/* ---- beginning and end ---- */

static char *
text_of(const SimPlan *plan)
{
    GString *text = begin_domain(plan);

    g_string_append(text, "</devices></domain>");
    return g_string_free(text, FALSE);
}

static void
add_needs(const SimPlan *plan, GPtrArray *needs)
{
    for (unsigned i = plan->n_devices; i < plan->n_devices + plan->n_hybrids; i++) {
        g_autofree char *alias = g_strdup_printf("ua-net%u", i);
        FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_HYBRID, alias);

        need->pool = g_strdup("net-x");
        need->vf_alias = g_strdup_printf("ua-dev%u", i);
        g_ptr_array_add(needs, need);
    }
    if (plan->n_hybrids > 0) {
        FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_STATE, "ua-gpu0");

        need->facts = json_object();
        g_ptr_array_add(needs, need);
    }
}

static FerryPlan *
make_plan(const SimPlan *plan)
{
    FerryPlan *self = ferry_plan_new();

    self->job = g_strdup(JOB_ID);
    self->guest_name = g_strdup("web");
    self->guest_uuid = g_strdup(GUEST_UUID);
    self->source = g_strdup("alpha");
    self->target = g_strdup("beta");
    self->live_xml = text_of(plan);
    self->inactive_xml = text_of(plan);
    self->user_paused = plan->user_paused;
    self->autostart = !plan->no_autostart;
    self->memory_bytes = 1 << 30;
    self->max_downtime_ms = 300;
    for (unsigned i = 0; i < plan->n_devices; i++) {
        FerryPlanDevice *device = g_new0(FerryPlanDevice, 1);

        device->alias = g_strdup_printf("ua-dev%u", i);
        device->xml = g_strdup("<hostdev/>");
        g_ptr_array_add(self->ephemerals, device);
    }
    add_needs(plan, self->needs);
    return self;
}

void
sim_init(Sim *sim, const SimPlan *plan, uint64_t seed)
{
    static const FerryClock clock = { clock_now_ms, clock_wall_us, clock_uuid };
    unsigned all = (1u << (plan->n_devices + plan->n_hybrids)) - 1;
    FerryPlan *full = make_plan(plan);
    FerrySourceWorld world;

    *sim = (Sim){ .clock = clock, .plan = plan, .random = seed, .now_ms = 1000 };
    current = sim;
    sim->timers = ferry_timers_default;
    if (plan->lease_ms != 0)
        sim->timers.lease_ms = plan->lease_ms;
    for (unsigned i = 0; i < N_SIDES; i++) {
        sim->ends[i] = (SimEnd){ sim, (FerrySide)i };
        sim->world.host[i] = (SimHost){ .on = true, .ferryd = true, .libvirtd = true };
        sim->world.link[i] = true;
        sim->journal[i] = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_record_free);
    }
    sim->world.host[SOURCE].guest = plan->user_paused ? GUEST_PAUSED : GUEST_RUN;
    sim->world.host[SOURCE].defined = true;
    sim->world.host[SOURCE].claims = CLAIMS_GUEST;
    sim->world.host[SOURCE].autostart = sim->world.autostart = !plan->no_autostart;
    sim->world.host[SOURCE].devices = sim->world.all_devices = all;
    sim->world.user_paused = plan->user_paused;
    sim->world.hook = !plan->no_hook;
    sim->plan_json = ferry_plan_format(full);
    sim->job[SOURCE] = new_job(sim, SOURCE);
    world = source_world(sim);
    sim->source = ferry_source_new(&world, sim->job[SOURCE], full);
}

void
sim_clear(Sim *sim)
{
    for (unsigned i = 0; i < N_SIDES; i++) {
        drop_driver(sim, (FerrySide)i);
        g_ptr_array_unref(sim->journal[i]);
    }
    json_decref(sim->plan_json);
    if (sim->trace != NULL)
        g_string_free(g_steal_pointer(&sim->trace), TRUE);
}
