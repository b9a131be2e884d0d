#include "watch.h"

#include "drive.h"
#include "migrate/decide.h"

#define N_SOURCE_ROWS 23
#define N_TARGET_ROWS 18

static bool source_used[N_SOURCE_ROWS + 1];
static bool target_used[N_TARGET_ROWS + 1];

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
use(bool *used, const char *row)
{
    if (row[0] != '\0')
        used[g_ascii_strtoull(row + 1, NULL, 10)] = true;
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
    use(source_used, decision.row);
    if (decision.act == FERRY_DO_IMPOSSIBLE)
        impossible(SOURCE);
    if (decision.act == FERRY_DO_HANDOFF && sim_current()->world.mutant == MUTANT_GO_BEFORE_JOURNAL)
        sim_late_word(sim_current(), FERRY_SAID_HANDOFF);
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
    use(target_used, decision.row);
    if (decision.act == FERRY_TARGET_IMPOSSIBLE)
        impossible(TARGET);
    if (mutates_now())
        decision.act = sim_mutate_target(sim_current()->world.mutant, record, domain, decision.act);
    return decision;
}

SimRows
sim_watch_rows(void)
{
    static char names[256];
    SimRows rows = { .n_rows = N_SOURCE_ROWS + N_TARGET_ROWS, .unused = names };
    g_autoptr(GString) unused = g_string_new(NULL);

    for (unsigned i = 1; i <= N_SOURCE_ROWS; i++) {
        rows.rows_used += source_used[i];
        if (!source_used[i])
            g_string_append_printf(unused, " S%u", i);
    }
    for (unsigned i = 1; i <= N_TARGET_ROWS; i++) {
        rows.rows_used += target_used[i];
        if (!target_used[i])
            g_string_append_printf(unused, " T%u", i);
    }
    (void)g_strlcpy(names, unused->str, sizeof(names));
    return rows;
}
