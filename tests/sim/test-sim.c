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
 * FERRY_SIM_SECONDS bounds the random schedules, FERRY_SIM_SCHEDULES sets their number instead.
 */
#include <stdio.h>

#include "event.h"
#include "run.h"
#include "watch.h"

/* clang-format off */
static const SimPlan plans[] = {
    { .name = "plain" },
    { .name = "two-devices", .n_devices = 2 },
    { .name = "user-paused", .n_devices = 1, .user_paused = true },
    { .name = "no-hook", .no_hook = true },
    { .name = "no-autostart", .n_devices = 1, .no_autostart = true, .lease_ms = 1500 },
};

static const SimProfile profiles[] = {
    /* name      gap  crash death hand late cancel deaths when          picks */
    { "calm",    10,  2,    0,    0,   5,   2,     0,     SIM_FROM_SOME_POINT, 400 },
    { "crashes", 20,  15,   0,    5,   10,  2,     0,     SIM_FROM_SOME_POINT, 300 },
    { "deaths",  20,  8,    6,    10,  10,  1,     2,     SIM_FROM_SOME_POINT, 300 },
    { "storm",   50,  40,   5,    10,  20,  5,     2,     SIM_FROM_SOME_POINT, 200 },
    { "early",   20,  20,   2,    10,  40,  10,    1,     SIM_BEFORE_TRANSFER, 300 },
    { "hold",    30,  20,   10,   20,  20,  2,     2,     SIM_IN_HOLD,         300 },
    { "handoff", 50,  30,   20,   20,  20,  0,     2,     SIM_FROM_HANDOFF,    300 },
};
/* clang-format on */

static const char *
fault_name(unsigned fault)
{
    static const char *const op_faults[] = { "the call fails, not done", "the call fails, done" };

    return fault < sim_n_events ? sim_events[fault].name : op_faults[fault - sim_n_events];
}

/* Faults to plan: every crash and death, and both failures of the call itself. */
static bool
is_fault(unsigned fault)
{
    return fault >= sim_n_events || sim_events[fault].kind == EVENT_CRASH ||
           sim_events[fault].kind == EVENT_DEATH;
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
    printf("# single faults: %u points, %u faults that happened, %u violations\n", points, faults,
           failed);
    g_assert_cmpuint(failed, ==, 0);
}

static bool
is_ferryd_death(unsigned fault)
{
    return is_fault(fault) && g_str_has_prefix(fault_name(fault), "ferryd");
}

/* A second fault in every gap after the first one, while there are any. */
static void
run_pairs(unsigned point,
          unsigned kind,
          bool (*is_wanted)(unsigned fault),
          unsigned *ret_pairs,
          unsigned *ret_failed)
{
    for (unsigned second = 0; second < n_faults(); second++) {
        SimResult result = { .points = point + 1 };

        for (unsigned later = point + 1; is_wanted(second) && later <= result.points; later++) {
            SimFault fault = { .planned = { { point, kind }, { later, second } } };

            *ret_failed += !check_planned(&plans[0], &fault, &result);
            (*ret_pairs)++;
        }
    }
}

/* All pairs on the shortest plan: of ferryd's deaths; in the long suite of all faults. */
static void
test_every_pair(void)
{
    bool (*is_wanted)(unsigned fault) =
        g_getenv("FERRY_SIM_ALL_PAIRS") != NULL ? is_fault : is_ferryd_death;
    SimFault none = { 0 };
    unsigned points = sim_run_planned(&plans[0], &none, SIM_QUIET).points;
    unsigned pairs = 0;
    unsigned failed = 0;

    for (unsigned point = 1; point <= points && failed < 20; point++) {
        for (unsigned kind = 0; kind < n_faults(); kind++) {
            if (is_wanted(kind))
                run_pairs(point, kind, is_wanted, &pairs, &failed);
        }
    }
    printf("# pairs of faults: %u, %u violations\n", pairs, failed);
    g_assert_cmpuint(failed, ==, 0);
}

static bool
check_random(const SimPlan *plan, const SimProfile *profile, uint64_t seed)
{
    SimResult result = sim_run_random(plan, profile, MUTANT_NONE, seed, SIM_QUIET);

    if (result.violation == NULL)
        return true;
    printf("# %s: FERRY_SIM_REPLAY=\"%s %s %" G_GUINT64_FORMAT "\"\n", result.violation, plan->name,
           profile->name, seed);
    return false;
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char *text = g_getenv(name);

    return text == NULL ? otherwise : g_ascii_strtoull(text, NULL, 10);
}

static void
test_random(void)
{
    uint64_t schedules = setting("FERRY_SIM_SCHEDULES", UINT64_MAX);
    int64_t seconds = (int64_t)setting("FERRY_SIM_SECONDS", schedules == UINT64_MAX ? 60 : 36000);
    uint64_t seed = setting("FERRY_SIM_SEED", 1);
    int64_t until_us = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    uint64_t ran = 0;
    unsigned failed = 0;
    SimRows rows;

    for (; ran < schedules && failed < 20 && g_get_monotonic_time() < until_us; ran++) {
        const SimPlan *plan = &plans[ran % G_N_ELEMENTS(plans)];
        const SimProfile *profile = &profiles[ran / G_N_ELEMENTS(plans) % G_N_ELEMENTS(profiles)];

        failed += !check_random(plan, profile, seed + ran);
    }
    rows = sim_watch_rows();
    printf("# random: %" G_GUINT64_FORMAT " schedules from seed %" G_GUINT64_FORMAT
           ", %u violations; %u of %u rows used, unused:%s\n",
           ran, seed, failed, rows.rows_used, rows.n_rows, rows.unused);
    g_assert_cmpuint(failed, ==, 0);
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
test_mutants(void)
{
    uint64_t limit = setting("FERRY_SIM_MUTANT_SCHEDULES", 10000);
    unsigned caught = 0;

    for (unsigned i = MUTANT_NONE + 1; i < N_MUTANTS; i++)
        caught += hunt((SimMutant)i, limit) != 0;
    printf("# mutants: %u of %u caught\n", caught, N_MUTANTS - 1);
    g_assert_cmpuint(caught, ==, N_MUTANTS - 1);
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
    if (g_getenv("FERRY_SIM_REPLAY") != NULL)
        return replay(g_getenv("FERRY_SIM_REPLAY"));
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/plain", test_plain);
    g_test_add_func("/sim/every-cancel", test_every_cancel);
    g_test_add_func("/sim/every-single-fault", test_every_single_fault);
    if (g_getenv("FERRY_SIM_SHORT") == NULL) {
        g_test_add_func("/sim/every-pair", test_every_pair);
        g_test_add_func("/sim/mutants", test_mutants);
    }
    g_test_add_func("/sim/random", test_random);
    return g_test_run();
}
