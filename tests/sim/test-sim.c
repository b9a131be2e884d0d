/*
 * Never two, never none: the real drivers of both sides in a simulated world (drive.h), in every
 * single crash, in random schedules, and with mutants that the same checks must catch.
 *
 * A failing schedule prints its plan and seed (or fault); with them in the environment its trace
 * is printed:
 *
 *     FERRY_SIM_REPLAY="PLAN PROFILE SEED" test-sim       a random schedule
 *     FERRY_SIM_REPLAY="PLAN PROFILE SEED MUTANT" …    one with a mutant
 *     FERRY_SIM_REPLAY="PLAN POINT FAULT CANCEL POINT FAULT" …  a planned one
 *
 * FERRY_SIM_SHORT leaves pairs and mutants out, FERRY_SIM_ALL_PAIRS takes pairs of all faults,
 * FERRY_SIM_SCHEDULES sets the number of random schedules, FERRY_SIM_SECONDS bounds their time.
 */
#include <stdio.h>

#include "event.h"
#include "parallel.h"
#include "run.h"
#include "watch.h"

/* clang-format off */
static const SimPlan plans[] = {
    { .name = "plain" },
    { .name = "two-devices", .n_devices = 2 },
    { .name = "user-paused", .n_devices = 1, .user_paused = true },
    { .name = "no-hook", .no_hook = true },
    { .name = "no-autostart", .n_devices = 1, .no_autostart = true, .lease_ms = 1500 },
    { .name = "every-way", .n_devices = 1, .n_hybrids = 1 },
};

static const SimProfile profiles[] = {
    /* name      gap  crash death hand late cancel deaths when          resolve picks */
    { "calm",    10,  2,    0,    0,   5,   2,     0,     SIM_FROM_SOME_POINT, 0,   400 },
    { "crashes", 20,  15,   0,    5,   10,  2,     0,     SIM_FROM_SOME_POINT, 0,   300 },
    { "deaths",  20,  8,    6,    10,  10,  1,     2,     SIM_FROM_SOME_POINT, 0,   300 },
    { "storm",   50,  40,   5,    10,  20,  5,     2,     SIM_FROM_SOME_POINT, 20,  200 },
    { "early",   20,  20,   2,    10,  40,  10,    1,     SIM_BEFORE_TRANSFER, 0,   300 },
    { "hold",    30,  20,   10,   20,  20,  2,     2,     SIM_IN_HOLD,         50,  300 },
    { "handoff", 50,  30,   20,   20,  20,  0,     2,     SIM_FROM_HANDOFF,    50,  300 },
    { "resolve", 40,  20,   30,   60,  20,  0,     2,     SIM_IN_HOLD,         300, 300 },
    { "unheard", 40,  10,   40,   60,  5,   0,     1,     SIM_CUT_WHEN_COMPLETE, 300, 300 },
    { "last-moment", 50, 2,   0,    0,   5,   15,    0,     SIM_IN_HOLD,         0,   300 },
    { "unanswered", 40, 10, 40,   60,  5,   0,     1,     SIM_CUT_AT_HANDOFF,  300, 300 },
};
/* What stands in the way until S has ended, and how it is told then; the guest is one in the end as
 * ever. */
static const struct {
    const char *name;
    SimHindrance hindered;
    const char *reasons;
} endings[] = {
    { "no-way-there", { .event = "S is not heard", .withheld = "link heals" }, "target-unreachable" },
    { "no-claims", { .call = "claim" }, "reserve-failed refused" },
    { "no-devices", { .call = "make devices" }, "prepare-timeout" },
    { "broken-device", { .broken = "device-gone" }, "device-gone prepare-failed target-aborted" },
    { "slow-memory", { .withheld = "memory is over" }, "transfer-timeout" },
    { "slow-finish", { .withheld = "libvirt T ends finish" }, "not-loaded" },
    { "no-disk", { .event = "host T goes off", .at = "resume", .withheld = "hosts boot", .call = "start from disk" }, "resolved not-started" },
};
/* clang-format on */

/* Rows of the table that is printed at the end. */
static GString *table;

static void note(const char *what, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
note(const char *what, const char *format, ...)
{
    va_list values;

    g_string_append_printf(table, "#   %-32s ", what);
    va_start(values, format);
    g_string_append_vprintf(table, format, values);
    va_end(values);
    g_string_append_c(table, '\n');
}

static const char *
fault_name(unsigned fault)
{
    static const char *const op_faults[] = { "the call fails, not done", "the call fails, done" };

    return fault < sim_n_events ? sim_event(fault)->name : op_faults[fault - sim_n_events];
}

/* Faults to plan: every crash and death, and both failures of the call itself. */
static bool
is_fault(unsigned fault)
{
    return fault >= sim_n_events || sim_event(fault)->kind == EVENT_CRASH ||
           sim_event(fault)->kind == EVENT_DEATH;
}

static unsigned
n_faults(void)
{
    return sim_n_events + 2;
}

static void
print_trace(SimResult *result)
{
    g_auto(GStrv) lines = g_strsplit(result->trace, "\n", -1);

    for (char **line = lines; *line != NULL; line++)
        printf("# %s\n", *line);
    g_clear_pointer(&result->trace, g_free);
}

static bool
check_planned(const SimPlan *plan, const SimFault *fault, SimResult *ret)
{
    const SimPlanned *first = &fault->planned[0];
    const SimPlanned *second = &fault->planned[1];

    *ret = sim_run_planned(plan, fault, SIM_QUIET);
    if (ret->violation == NULL)
        return true;
    printf("# %s: FERRY_SIM_REPLAY=\"%s %u %u %u %u %u\": %s%s%s\n", ret->violation, plan->name,
           first->point, first->fault, fault->cancel_round, second->point, second->fault,
           first->point == 0 ? "no fault" : fault_name(first->fault),
           second->point == 0 ? "" : ", then ",
           second->point == 0 ? "" : fault_name(second->fault));
    return false;
}

static void
test_plain(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++) {
        SimFault none = { 0 };
        SimResult result = { 0 };

        g_assert_true(check_planned(&plans[i], &none, &result));
        g_assert_cmpuint(result.points, >, 50);
    }
}

static void
test_endings(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        const SimFault fault = { .hindered = &endings[i].hindered };
        SimResult result = sim_run_planned(&plans[0], &fault, SIM_TRACED);

        if (result.violation != NULL || !g_str_equal(result.reasons, endings[i].reasons)) {
            printf("# %s: %s\n", endings[i].name, result.reasons);
            print_trace(&result);
        }
        g_assert_cmpstr(result.violation, ==, NULL);
        g_assert_cmpstr(result.reasons, ==, endings[i].reasons);
        g_clear_pointer(&result.trace, g_free);
    }
}

/* Without and with a cancel at each round of the plain schedule. */
static void
test_every_cancel(void)
{
    unsigned failed = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++) {
        for (unsigned round = 1; round < 60; round++) {
            SimFault cancel = { .cancel_round = round };
            SimResult result = { 0 };

            failed += !check_planned(&plans[i], &cancel, &result);
        }
    }
    g_assert_cmpuint(failed, ==, 0);
}

/* Each fault in each gap: before and after every call of both drivers, every record, every message.
 */
static void
test_every_single_fault(void)
{
    unsigned points = 0;
    unsigned faults = 0;
    unsigned failed = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++) {
        SimFault fault = { 0 };
        SimResult plain = sim_run_planned(&plans[i], &fault, SIM_QUIET);

        points += plain.points;
        for (unsigned point = 1; point <= plain.points; point++) {
            for (unsigned kind = 0; kind < n_faults(); kind++) {
                SimResult result = { 0 };

                fault.planned[0] = (SimPlanned){ point, kind };
                if (!is_fault(kind))
                    continue;
                failed += !check_planned(&plans[i], &fault, &result);
                faults += result.fault_happened;
            }
        }
    }
    note("points of the plain schedules", "%u", points);
    note("single faults", "%u", faults);
    g_assert_cmpuint(failed, ==, 0);
}

static bool
is_ferryd_death(unsigned fault)
{
    return is_fault(fault) && g_str_has_prefix(fault_name(fault), "ferryd");
}

/* A second fault in every gap after the first one, while there are any. */
static void
pairs_after(unsigned point, unsigned kind, bool (*is_wanted)(unsigned fault), SimTally *tally)
{
    for (unsigned second = 0; second < n_faults(); second++) {
        SimResult result = { .points = point + 1 };

        for (unsigned later = point + 1; is_wanted(second) && later <= result.points; later++) {
            SimFault fault = { .planned = { { point, kind }, { later, second } } };

            tally->failed += !check_planned(&plans[0], &fault, &result);
            tally->ran++;
        }
    }
}

static void
run_pairs(unsigned worker, unsigned n_workers, void *data, SimTally *tally)
{
    bool (*is_wanted)(unsigned fault) =
        g_getenv("FERRY_SIM_ALL_PAIRS") != NULL ? is_fault : is_ferryd_death;
    SimFault none = { 0 };
    unsigned points = sim_run_planned(&plans[0], &none, SIM_QUIET).points;

    (void)data;
    for (unsigned point = 1 + worker; point <= points && tally->failed < 20; point += n_workers) {
        for (unsigned kind = 0; kind < n_faults(); kind++) {
            if (is_wanted(kind))
                pairs_after(point, kind, is_wanted, tally);
        }
    }
}

/* All pairs on the shortest plan: of ferryd's deaths; in the long suite of all faults. */
static void
test_every_pair(void)
{
    SimTally tally = sim_in_parallel(run_pairs, NULL);

    note("pairs of faults", "%" G_GUINT64_FORMAT, tally.ran);
    g_assert_cmpuint(tally.failed, ==, 0);
}

static bool
check_random(const SimPlan *plan, const SimProfile *profile, uint64_t seed, SimResult *ret)
{
    *ret = sim_run_random(plan, profile, MUTANT_NONE, seed, SIM_QUIET);
    if (ret->violation == NULL)
        return true;
    printf("# %s: FERRY_SIM_REPLAY=\"%s %s %" G_GUINT64_FORMAT "\"\n", ret->violation, plan->name,
           profile->name, seed);
    return false;
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = g_getenv(name);

    return text == NULL ? otherwise : g_ascii_strtoull(text, NULL, 10);
}

/* Which random schedules: numbers from @seed on, until so many or so long. */
typedef struct {
    uint64_t schedules, seed;
    int64_t until_us;
} Random;

static void
run_random(unsigned worker, unsigned n_workers, void *data, SimTally *tally)
{
    const Random *random = data;

    for (uint64_t i = worker; i < random->schedules && tally->failed < 20; i += n_workers) {
        const SimPlan *plan = &plans[i % G_N_ELEMENTS(plans)];
        const SimProfile *profile = &profiles[i / G_N_ELEMENTS(plans) % G_N_ELEMENTS(profiles)];

        SimResult result = { 0 };

        if (g_get_monotonic_time() >= random->until_us)
            break;
        tally->failed += !check_random(plan, profile, random->seed + i, &result);
        tally->ran++;
    }
    tally->rows_used = sim_watch_rows();
    tally->reasons_given = sim_watch_reasons();
}

static void
test_random(void)
{
    int64_t seconds = (int64_t)setting("FERRY_SIM_SECONDS", 36000);
    Random random = { .schedules = setting("FERRY_SIM_SCHEDULES", 100000),
                      .seed = setting("FERRY_SIM_SEED", 1),
                      .until_us = g_get_monotonic_time() + seconds * G_USEC_PER_SEC };
    int64_t began_us = g_get_monotonic_time();
    SimTally tally = sim_in_parallel(run_random, &random);
    g_autofree char *missing = sim_watch_missing(tally.rows_used);
    g_autofree char *silent = sim_watch_missing_reasons(tally.reasons_given);

    printf("# random: %" G_GUINT64_FORMAT " schedules from seed %" G_GUINT64_FORMAT
           " in %.0f s, %u violations; rows of %u never asked for:%s\n",
           tally.ran, random.seed, (double)(g_get_monotonic_time() - began_us) / G_USEC_PER_SEC,
           tally.failed, sim_watch_n_rows(), missing[0] == '\0' ? " none" : missing);
    note("random schedules", "%" G_GUINT64_FORMAT, tally.ran);
    g_assert_cmpuint(tally.failed, ==, 0);
    if (tally.ran < 100000)
        return;
    /* T3 answers who asks about a job that T never heard of.  No driver asks the table for it: one
     * is made by the first RESERVE or ABORT only, and has heard that word before its first step
     * (run-target.c); who asks for anything else is answered "none" without one (peer.c, and
     * take_word() here). */
    g_assert_cmpstr(missing, ==, " T3");
    g_assert_cmpstr(silent, ==, "");
}

static const SimProfile *
profile_of(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        if (g_str_equal(profiles[i].name, name))
            return &profiles[i];
    }
    g_assert_not_reached();
}

/* A6: a thousand that come around HANDOFF, at any moment that chance finds.  L1: what is told of
 * the end is so. */
static void
test_late_cancels(void)
{
    unsigned asked = 0, moved = 0, failed = 0;

    for (uint64_t seed = 1; asked < 1000 && failed == 0; seed++) {
        SimResult result = { 0 };

        failed += !check_random(&plans[seed % G_N_ELEMENTS(plans)], profile_of("last-moment"), seed,
                                &result);
        asked += result.asked_to_cancel;
        moved += result.asked_to_cancel && result.moved;
    }
    g_assert_cmpuint(failed, ==, 0);
    note("cancels at the last moment", "%u: %u in time, %u too late", asked, asked - moved, moved);
    g_assert_cmpuint(MIN(moved, asked - moved), >, 100);
}

/* Schedules with this mutant until the invariant that it must break is broken. */
static uint64_t
hunt(SimMutant mutant, uint64_t limit)
{
    const SimMutantInfo *info = sim_mutant_info(mutant);

    for (uint64_t seed = 1; seed <= limit; seed++) {
        const SimPlan *plan = &plans[seed % G_N_ELEMENTS(plans)];
        const SimProfile *profile = profile_of(info->profile);
        SimResult result = sim_run_random(plan, profile, mutant, seed, SIM_QUIET);

        if (result.violation == NULL || !g_str_has_prefix(result.violation, info->breaks))
            continue;
        fflush(stdout);
        printf("# mutant %s: schedule %" G_GUINT64_FORMAT
               ": %s (FERRY_SIM_REPLAY=\"%s %s %" G_GUINT64_FORMAT " %s\")\n",
               info->name, seed, result.violation, plan->name, profile->name, seed, info->name);
        return seed;
    }
    printf("# mutant %s: ALIVE after %" G_GUINT64_FORMAT " schedules\n", info->name, limit);
    return 0;
}

static void
hunt_some(unsigned worker, unsigned n_workers, void *data, SimTally *tally)
{
    const uint64_t *limit = data;

    for (unsigned i = MUTANT_NONE + 1 + worker; i < N_MUTANTS; i += n_workers)
        tally->ran += hunt((SimMutant)i, *limit) != 0;
}

static void
test_mutants(void)
{
    uint64_t limit = setting("FERRY_SIM_MUTANT_SCHEDULES", 100000);
    SimTally tally = sim_in_parallel(hunt_some, &limit);

    note("mutants caught", "%" G_GUINT64_FORMAT " of %u", tally.ran, N_MUTANTS - 1);
    g_assert_cmpuint(tally.ran, ==, N_MUTANTS - 1);
}

static unsigned
number(const char *text)
{
    return (unsigned)g_ascii_strtoull(text, NULL, 10);
}

static int
replay(const char *what)
{
    g_auto(GStrv) words = g_strsplit(what, " ", -1);
    unsigned n = g_strv_length(words);
    SimResult result = { 0 };
    SimMutant mutant = MUTANT_NONE;

    for (unsigned i = 0; i < N_MUTANTS && n == 4; i++) {
        if (g_str_equal(sim_mutant_info((SimMutant)i)->name, words[3])) {
            mutant = (SimMutant)i;
            n = 3;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(plans) && n == 6; i++) {
        SimFault fault = { .planned = { { number(words[1]), number(words[2]) },
                                        { number(words[4]), number(words[5]) } },
                           .cancel_round = number(words[3]) };

        if (g_str_equal(plans[i].name, words[0]))
            result = sim_run_planned(&plans[i], &fault, SIM_TRACED);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(plans) * G_N_ELEMENTS(profiles) && n == 3; i++) {
        const SimPlan *plan = &plans[i / G_N_ELEMENTS(profiles)];
        const SimProfile *profile = &profiles[i % G_N_ELEMENTS(profiles)];

        if (g_str_equal(plan->name, words[0]) && g_str_equal(profile->name, words[1]))
            result = sim_run_random(plan, profile, mutant, g_ascii_strtoull(words[2], NULL, 10),
                                    SIM_TRACED);
    }
    if (result.trace == NULL) {
        fprintf(stderr, "test-sim: FERRY_SIM_REPLAY names no plan, or no profile\n");
        return 2;
    }
    print_trace(&result);
    return result.violation == NULL ? 0 : 1;
}

int
main(int argc, char **argv)
{
    int failed = 0;

    if (g_getenv("FERRY_SIM_REPLAY") != NULL)
        return replay(g_getenv("FERRY_SIM_REPLAY"));
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/plain", test_plain);
    g_test_add_func("/sim/every-cancel", test_every_cancel);
    g_test_add_func("/sim/endings", test_endings);
    g_test_add_func("/sim/late-cancels", test_late_cancels);
    g_test_add_func("/sim/every-single-fault", test_every_single_fault);
    if (g_getenv("FERRY_SIM_SHORT") == NULL) {
        g_test_add_func("/sim/every-pair", test_every_pair);
        g_test_add_func("/sim/mutants", test_mutants);
    }
    g_test_add_func("/sim/random", test_random);
    table = g_string_new(NULL);
    failed = g_test_run();
    printf("# survived, each with one guest in the end:\n%s", table->str);
    g_string_free(table, TRUE);
    return failed;
}
