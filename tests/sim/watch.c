#include "watch.h"

#include "drive.h"
#include "migrate/decide.h"
#include "migrate/source-state.h"
#include "migrate/target-state.h"

#define N_SOURCE_ROWS 23
#define N_TARGET_ROWS 18

/* One bit a row, the source's first. */
static uint64_t used;

/* Why jobs end here, of ferry-reasons(7): one bit each. */
static const char *const reasons[] = {
    "cancelled",     "copy-gone",       "guest-ended",    "guest-lost",     "lease-over",
    "libvirt-away",  "no-definition",   "not-ready",      "overruled",      "refused",
    "relay-failed",  "resolved",        "restarted",      "source-aborted", "target-aborted",
    "target-silent", "transfer-failed", "unplug-refused",
};
static uint64_t given;

FerrySourceDecision __real_ferry_decide_source(FerrySourceRecord record,
                                               FerrySourceDomain domain,
                                               FerryRelayState relay,
                                               FerryTargetAnswer answer,
                                               FerryTargetDomain target_domain);
FerryTargetDecision
__real_ferry_decide_target(FerryTargetRecord record, FerryTargetDomain domain, FerrySaid said);
FerrySourceDecision __wrap_ferry_decide_source(FerrySourceRecord record,
                                               FerrySourceDomain domain,
                                               FerryRelayState relay,
                                               FerryTargetAnswer answer,
                                               FerryTargetDomain target_domain);
FerryTargetDecision
__wrap_ferry_decide_target(FerryTargetRecord record, FerryTargetDomain domain, FerrySaid said);

FerryStep __real_ferry_source_abort(FerrySource *self, const char *code, const char *message);
FerryStep __wrap_ferry_source_abort(FerrySource *self, const char *code, const char *message);
FerryStep __real_ferry_target_abort(FerryTarget *self, const char *code, const char *message);
FerryStep __wrap_ferry_target_abort(FerryTarget *self, const char *code, const char *message);
void __real_ferry_job_add_reason(FerryJob *job, const char *code, const char *message);
void __wrap_ferry_job_add_reason(FerryJob *job, const char *code, const char *message);

FerryKept
__real_ferry_resolve_source(const FerryPlan *plan, const FerryResolution *resolution, char **why);
FerryKept
__wrap_ferry_resolve_source(const FerryPlan *plan, const FerryResolution *resolution, char **why);

static void
impossible(FerrySide side)
{
    Sim *sim = sim_current();

    if (!sim->world.host[side].ferryd)
        return; /* it died inside this step: what it still thinks is never acted on */
    sim_note(sim, "an impossible row");
    if (sim->world.mutant != MUTANT_NONE)
        return; /* it alarms rightly; what counts is what the mutant broke */
    if (sim->violation == NULL)
        sim->violation = "X an impossible row was reached";
    sim_note(sim, "VIOLATION: %s", sim->violation);
}

/* Half of the time a mutant is right, for what it breaks may need what came before to be right; but
 * one that leads nowhere is always wrong. */
static bool
mutates_now(void)
{
    Sim *sim = sim_current();
    SimMutant mutant = sim->world.mutant;

    return mutant != MUTANT_NONE &&
           (g_str_has_prefix(sim_mutant_info(mutant)->breaks, "L1") || sim_random(sim, 2) == 0);
}

static void
use(FerrySide side, const char *row)
{
    if (row[0] != '\0')
        used |= UINT64_C(1) << ((side == SOURCE ? 0 : N_SOURCE_ROWS) +
                                g_ascii_strtoull(row + 1, NULL, 10) - 1);
}

/* A mutant's: S does not wait for T's word where its own guest is gone. */
static void
start_alone(void)
{
    SimWorld *world = &sim_current()->world;

    if (world->mutant == MUTANT_COLD_START_ALONE && world->host[SOURCE].libvirtd &&
        world->host[SOURCE].ferryd && world->host[SOURCE].guest == GUEST_NONE)
        sim_world_set_guest(world, SOURCE, GUEST_COLD);
}

FerryKept
__wrap_ferry_resolve_source(const FerryPlan *plan, const FerryResolution *resolution, char **why)
{
    FerryKept kept = __real_ferry_resolve_source(plan, resolution, why);

    return sim_current()->world.mutant == MUTANT_RESOLVE_MEMORY ? FERRY_KEPT_MEMORY : kept;
}

FerrySourceDecision
__wrap_ferry_decide_source(FerrySourceRecord record,
                           FerrySourceDomain domain,
                           FerryRelayState relay,
                           FerryTargetAnswer answer,
                           FerryTargetDomain target_domain)
{
    FerrySourceDecision decision =
        __real_ferry_decide_source(record, domain, relay, answer, target_domain);

    sim_note(sim_current(), "  S: %s %s relay %s, T %s %s: %s %s", ferry_source_record_name(record),
             ferry_source_domain_name(domain), ferry_relay_state_name(relay),
             ferry_target_answer_name(answer), ferry_target_domain_name(target_domain),
             decision.row, ferry_source_act_name(decision.act));
    use(SOURCE, decision.row);
    if (decision.act == FERRY_DO_IMPOSSIBLE)
        impossible(SOURCE);
    if (decision.act == FERRY_DO_HANDOFF && sim_current()->world.mutant == MUTANT_GO_BEFORE_JOURNAL)
        sim_late_word(sim_current(), FERRY_SAID_HANDOFF);
    if (decision.act == FERRY_DO_REPLUG && domain == FERRY_S_GONE)
        start_alone();
    if (mutates_now())
        decision.act =
            sim_mutate_source(sim_current()->world.mutant, record, relay, answer, decision.act);
    return decision;
}

FerryTargetDecision
__wrap_ferry_decide_target(FerryTargetRecord record, FerryTargetDomain domain, FerrySaid said)
{
    FerryTargetDecision decision = __real_ferry_decide_target(record, domain, said);

    sim_note(sim_current(), "  T: %s %s, S says %s: %s %s", ferry_target_record_name(record),
             ferry_target_domain_name(domain), ferry_said_name(said), decision.row,
             ferry_target_act_name(decision.act));
    use(TARGET, decision.row);
    if (decision.act == FERRY_TARGET_IMPOSSIBLE)
        impossible(TARGET);
    if (mutates_now())
        decision.act = sim_mutate_target(sim_current()->world.mutant, record, domain, decision.act);
    return decision;
}

static void
give(const char *code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (g_strcmp0(code, reasons[i]) == 0)
            given |= UINT64_C(1) << i;
}

FerryStep
__wrap_ferry_source_abort(FerrySource *self, const char *code, const char *message)
{
    give(code);
    return __real_ferry_source_abort(self, code, message);
}

FerryStep
__wrap_ferry_target_abort(FerryTarget *self, const char *code, const char *message)
{
    give(code);
    return __real_ferry_target_abort(self, code, message);
}

void
__wrap_ferry_job_add_reason(FerryJob *job, const char *code, const char *message)
{
    give(code);
    __real_ferry_job_add_reason(job, code, message);
}

uint64_t
sim_watch_reasons(void)
{
    return given;
}

char *
sim_watch_missing_reasons(uint64_t bits)
{
    GString *missing = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++)
        if ((bits & UINT64_C(1) << i) == 0)
            g_string_append_printf(missing, " %s", reasons[i]);
    return g_string_free(missing, FALSE);
}

uint64_t
sim_watch_rows(void)
{
    return used;
}

unsigned
sim_watch_n_rows(void)
{
    return N_SOURCE_ROWS + N_TARGET_ROWS;
}

char *
sim_watch_missing(uint64_t rows)
{
    GString *missing = g_string_new(NULL);

    for (unsigned i = 0; i < N_SOURCE_ROWS + N_TARGET_ROWS; i++) {
        if (rows & UINT64_C(1) << i)
            continue;
        g_string_append_printf(missing, " %c%u", i < N_SOURCE_ROWS ? 'S' : 'T',
                               i < N_SOURCE_ROWS ? i + 1 : i - N_SOURCE_ROWS + 1);
    }
    return g_string_free(missing, FALSE);
}
