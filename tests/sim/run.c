#include "run.h"

#include "event.h"

/* Words and restarts may come when all is over, too. */
#define AFTERLIFE_PICKS 20

/* Far more than the longest way to the end; who needs more will never come there (L1). */
#define MAX_ROUNDS 4000

/* One possible event of a kind: the first one, or any. */
static bool
happen_first(Sim *sim, SimEventKind kind)
{
    const char *withheld = sim_is_hindered(sim) ? sim->hindered->withheld : NULL;

    for (unsigned i = 0; i < sim_n_events; i++) {
        if (sim_event(i)->kind == kind && g_strcmp0(sim_event(i)->name, withheld) != 0 &&
            sim_event(i)->may(&sim->world)) {
            sim_happen(sim, i);
            return true;
        }
    }
    return false;
}

/* One that may happen, each as likely as another. */
static bool
happen_any(Sim *sim, SimEventKind kind)
{
    unsigned chosen = 0;
    unsigned possible = 0;

    for (unsigned i = 0; i < sim_n_events; i++) {
        if (sim_event(i)->kind == kind && i != sim->lazy_event && sim_event(i)->may(&sim->world) &&
            sim_random(sim, ++possible) == 0)
            chosen = i;
    }
    if (possible > 0)
        sim_happen(sim, chosen);
    return possible > 0;
}

static bool
step_if_due(Sim *sim, FerrySide side)
{
    if (!sim_may_step(sim, side) || sim->wake_ms[side] > sim->now_ms)
        return false;
    sim_step(sim, side);
    return true;
}

static bool
is_over(const Sim *sim)
{
    bool target_over = sim->target == NULL || sim->over[TARGET];

    return sim->over[SOURCE] && target_over && sim->world.call == CALL_NONE;
}

static void
advance(Sim *sim)
{
    int64_t next_ms = INT64_MAX;

    for (unsigned i = 0; i < N_SIDES; i++) {
        if (sim_may_step(sim, (FerrySide)i))
            next_ms = MIN(next_ms, sim->wake_ms[i]);
    }
    if (next_ms != INT64_MAX)
        sim->now_ms = MAX(sim->now_ms, next_ms);
}

/* Everything in its turn and no new faults: it must end, and end well (L1). */
static void
finish(Sim *sim, unsigned cancel_round)
{
    sim->gap = NULL;
    for (unsigned round = 1; round <= MAX_ROUNDS && sim->violation == NULL; round++) {
        bool busy = false;

        if (round == cancel_round)
            sim_cancel(sim);
        if (sim_is_hindered(sim))
            sim_resolve(sim, SOURCE);
        while (happen_first(sim, EVENT_RESTART))
            busy = true;
        busy |= step_if_due(sim, SOURCE);
        busy |= step_if_due(sim, TARGET);
        busy |= happen_first(sim, EVENT_PROGRESS);
        if (sim_may_poll_answer(sim)) {
            sim_poll_answer(sim);
            busy = true;
        }
        if (is_over(sim) && !busy)
            break;
        if (!busy)
            advance(sim);
    }
    if (sim->violation == NULL && !sim_is_clean_end(&sim->world, &sim->outcome)) {
        sim->violation = "L1 no clean end though all has healed";
        sim_note(sim, "VIOLATION: %s", sim->violation);
    }
}

static void
write_reasons(const Sim *sim, char *ret, size_t size)
{
    json_t *json = sim->job[SOURCE] == NULL ? NULL : ferry_job_json(sim->job[SOURCE]);
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(json, "reasons"), i, reason)
    {
        (void)g_strlcat(ret, i == 0 ? "" : " ", size);
        (void)g_strlcat(ret, json_string_value(json_object_get(reason, "code")), size);
    }
    json_decref(json);
}

static SimResult
result_of(Sim *sim)
{
    SimResult result = { .violation = sim->violation,
                         .points = sim->points,
                         .fault_happened = sim->fault_happened,
                         .asked_to_cancel = sim->asked_to_cancel,
                         .moved = sim->outcome.committed[SOURCE] };

    if (sim->hindered != NULL)
        write_reasons(sim, result.reasons, sizeof(result.reasons));
    if (sim->trace != NULL)
        result.trace = g_string_free(g_steal_pointer(&sim->trace), FALSE);
    sim_clear(sim);
    return result;
}

SimResult
sim_run_planned(const SimPlan *plan, const SimFault *fault, SimVerbosity verbosity)
{
    Sim sim;

    sim_init(&sim, plan, 1);
    if (verbosity == SIM_TRACED)
        sim.trace = g_string_new(NULL);
    sim.planned[0] = fault->planned[0];
    sim.planned[1] = fault->planned[1];
    sim.hindered = fault->hindered;
    finish(&sim, fault->cancel_round);
    return result_of(&sim);
}

/* ---- random schedules ---- */

static bool
chance(Sim *sim, unsigned permille)
{
    return sim_random(sim, 1000) < permille;
}

static void
say_late(Sim *sim)
{
    unsigned first = sim_random(sim, FERRY_N_SAID);

    for (unsigned i = 0; i < FERRY_N_SAID; i++) {
        unsigned word = (first + i) % FERRY_N_SAID;

        if (sim->said & 1u << word) {
            sim_late_word(sim, (FerrySaid)word);
            return;
        }
    }
}

static bool
is_calm(const Sim *sim)
{
    FerryRecordKind record = sim->world.record[SOURCE];

    switch (sim->profile->when) {
    case SIM_FROM_SOME_POINT:
        return sim->points < sim->calm_points;
    case SIM_BEFORE_TRANSFER:
        return record >= FERRY_RECORD_TRANSFER && record < FERRY_RECORD_ABORTED;
    case SIM_IN_HOLD:
        return record < FERRY_RECORD_TRANSFER || sim->world.call < CALL_OPEN;
    case SIM_CUT_WHEN_COMPLETE:
        return !sim->world.completed;
    case SIM_FROM_HANDOFF:
    case SIM_CUT_AT_HANDOFF:
        return record < FERRY_RECORD_HANDOFF;
    }
    return true;
}

static void
cut_once(Sim *sim)
{
    SimWhen when = sim->profile->when;

    if (sim->was_cut || (when != SIM_CUT_WHEN_COMPLETE && when != SIM_CUT_AT_HANDOFF))
        return;
    sim->was_cut = true;
    sim->lazy_event = sim_event_named("link heals");
    sim_happen(sim, sim_event_named("T is not heard"));
    if (when == SIM_CUT_WHEN_COMPLETE)
        sim_happen(sim, sim_event_named("S is not heard"));
}

static void
decide_for_one(Sim *sim)
{
    sim_resolve(sim, sim_random(sim, 2) == 0 ? SOURCE : TARGET);
    if (sim->was_cut && (sim->world.resolved[SOURCE] || sim->world.resolved[TARGET]))
        sim->lazy_event = sim_n_events; /* none */
}

static void
disturb(Sim *sim)
{
    const SimProfile *profile = sim->profile;

    if (is_calm(sim))
        return;
    cut_once(sim);
    if (chance(sim, profile->crash_permille))
        (void)happen_any(sim, EVENT_CRASH);
    if (sim->world.deaths < profile->max_deaths && chance(sim, profile->death_permille))
        (void)happen_any(sim, EVENT_DEATH);
    if (chance(sim, profile->hand_permille))
        (void)happen_any(sim, EVENT_HAND);
    if (chance(sim, profile->late_permille))
        say_late(sim);
    if (chance(sim, profile->cancel_permille))
        sim_cancel(sim);
    if (chance(sim, profile->resolve_permille))
        decide_for_one(sim);
}

static void
step_soon(Sim *sim, FerrySide side)
{
    if (!sim_may_step(sim, side))
        return;
    /* A bell may ring at any time, so a step may come before its time. */
    if (sim->wake_ms[side] <= sim->now_ms || sim_random(sim, 6) == 0)
        sim_step(sim, side);
}

static void
pick(Sim *sim)
{
    switch (sim_random(sim, 8)) {
    case 0:
    case 1:
        step_soon(sim, SOURCE);
        break;
    case 2:
    case 3:
        step_soon(sim, TARGET);
        break;
    case 4:
    case 5:
        (void)happen_any(sim, EVENT_PROGRESS);
        break;
    case 6:
        if (sim_random(sim, 3) == 0)
            (void)happen_any(sim, EVENT_RESTART);
        if (sim_may_poll_answer(sim))
            sim_poll_answer(sim);
        break;
    default:
        advance(sim);
    }
    disturb(sim);
}

/* Anything may happen between two calls of a step, the other side's steps too. */
static void
random_gap(Sim *sim, FerrySide side)
{
    FerrySide other = side == SOURCE ? TARGET : SOURCE;

    if (sim_random(sim, 100) >= sim->profile->gap_percent)
        return;
    sim->now_ms += sim_random(sim, 20);
    if (sim_random(sim, 3) == 0)
        (void)happen_any(sim, EVENT_PROGRESS);
    if (sim_random(sim, 3) == 0)
        step_soon(sim, other);
    if (!is_calm(sim) && sim_random(sim, 30) == 0)
        sim->op_fault = sim_random(sim, 2) == 0 ? OP_FAILS_BEFORE : OP_FAILS_AFTER;
    disturb(sim);
}

SimResult
sim_run_random(const SimPlan *plan,
               const SimProfile *profile,
               SimMutant mutant,
               uint64_t seed,
               SimVerbosity verbosity)
{
    unsigned after = AFTERLIFE_PICKS;
    Sim sim;

    sim_init(&sim, plan, seed);
    if (verbosity == SIM_TRACED)
        sim.trace = g_string_new(NULL);
    sim.profile = profile;
    sim.world.mutant = mutant;
    sim.gap = random_gap;
    sim.calm_points = sim_random(&sim, 200); /* else most would be aborted early */
    sim.lazy_event = sim_random(&sim, 3 * sim_n_events);
    for (unsigned i = 0; i < profile->picks && after > 0 && sim.violation == NULL; i++) {
        pick(&sim);
        if (is_over(&sim))
            after--;
    }
    sim_note(&sim, "-- all heals --");
    finish(&sim, 0);
    return result_of(&sim);
}
