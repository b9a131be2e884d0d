#include "event.h"
#include "migrate/peer-words.h"
#include "op.h"

#define JOURNAL_PAUSE_MS 1000

/* The drivers hand nothing to the decision tables, which the test wraps. */
static Sim *current;

Sim *
sim_current(void)
{
    return current;
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
    return g_strdup(SIM_JOB_ID);
}

/* ---- steps and lives ---- */

static void
job_changed(void *data)
{
    (void)data; /* nobody watches */
}

FerryJob *
sim_new_job(Sim *sim, FerrySide side)
{
    const FerryJobIdentity identity = { .id = SIM_JOB_ID,
                                        .side = side,
                                        .guest_name = "web",
                                        .guest_uuid = SIM_GUEST_UUID,
                                        .source = "alpha",
                                        .target = "beta" };

    return ferry_job_new(&identity, &sim->clock, job_changed, NULL);
}

FerryTargetWorld
sim_target_world(Sim *sim)
{
    return (FerryTargetWorld){ .clock = &sim->clock,
                               .timers = &sim->timers,
                               .journal = &sim_journal_ops,
                               .guest = &sim_guest_ops,
                               .devices = &sim_device_ops,
                               .far = &sim_far_ops,
                               .data = &sim->ends[TARGET] };
}

static FerrySourceWorld
source_world(Sim *sim)
{
    return (FerrySourceWorld){ .clock = &sim->clock,
                               .timers = &sim->timers,
                               .journal = &sim_journal_ops,
                               .guest = &sim_guest_ops,
                               .devices = &sim_device_ops,
                               .link = &sim_link_ops,
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
    FerryTargetWorld target = sim_target_world(sim);
    GPtrArray *records = sim->journal[side];

    sim->wake_ms[side] = sim->now_ms;
    sim->over[side] = side == SOURCE && (records->len == 0 || /* never began */
                                         sim->world.record[side] == FERRY_RECORD_DONE);
    if (records->len == 0 || sim->over[side])
        return;
    sim->job[side] = sim_new_job(sim, side);
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
    sim_note(sim, "* %s", sim_event(event)->name);
    sim_event(event)->happen(&sim->world);
    settle(sim);
    sim_check(sim);
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
        sim_publish(sim);
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
    sim_note(sim, "%c: %s", sim_letter(side), host->ferryd ? words[step] : "dead");
    sim->depth--;
    sim->world.releasing = sim->world.record[SOURCE] == FERRY_RECORD_DETACH;
    settle(sim);
    sim_check(sim);
}

void
sim_step(Sim *sim, FerrySide side)
{
    sim_note(sim, "%c steps", sim_letter(side));
    make_step(sim, side, plain_step);
}

void
sim_resolve(Sim *sim, FerrySide side)
{
    if (sim->world.resolved[SOURCE] || sim->world.resolved[TARGET] ||
        sim->world.host[side == SOURCE ? TARGET : SOURCE].on || !sim_may_step(sim, side))
        return;
    sim_note(sim, "* an operator resolves the job for %c", sim_letter(side));
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
    (void)sim_take_word(sim, asks[word], word);
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
    GString *text = sim_begin_domain(plan);

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

    self->job = g_strdup(SIM_JOB_ID);
    self->guest_name = g_strdup("web");
    self->guest_uuid = g_strdup(SIM_GUEST_UUID);
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
    sim->job[SOURCE] = sim_new_job(sim, SOURCE);
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
