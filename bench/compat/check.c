/*
 * How long a check takes.  One line per figure: what, value, unit, and the goal where there is one.
 * Processor time of the thread; percentiles are over single calls, the clock's own time included
 * (a few hundred ns of each).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "compat/check.h"

#define N_CALLS 100000
#define N_HOSTS 1000

static const char typical[] =
    "{\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"nvidia-1063\",\"driver\":\"nvidia\","
    "\"driver_version\":\"550.144.02\",\"kernel\":\"5.14.0-503.el9\",\"firmware\":\"96.00.89\","
    "\"version\":\"17.%d\",\"parent_id\":\"0000:3b:00.0\",\"attributes\":{\"aggregator\":1,"
    "\"board\":\"H100 PCIe 80 GB\",\"ecc\":true,\"framebuffer_mib\":20480,"
    "\"pv_mode\":[\"none\",\"ppgtt\"],\"uuid\":\"c2177883-f1bb-47f0-914d-32a22e3a8804\"}}";

/* One call of what is measured; returns something that depends on it. */
typedef unsigned (*Call)(void *data);

static uint64_t
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* others may run beside us */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int
compare_ns(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void
measure(const char *name, Call call, void *data, size_t n, double goal_us)
{
    g_autofree uint64_t *times = g_new(uint64_t, n);
    double p99 = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t start = now_ns();
        (void)call(data); /* through a pointer: it cannot be left out */
        times[i] = now_ns() - start;
    }
    qsort(times, n, sizeof(uint64_t), compare_ns);
    p99 = (double)times[n * 99 / 100] / 1000;
    printf("compat %s p50: %.2f us\n", name, (double)times[n / 2] / 1000);
    printf("compat %s p99: %.2f us (goal %.0f, %.2f of it)\n", name, p99, goal_us, p99 / goal_us);
}

typedef struct {
    char *source_text;
    char *target_text;
    FerryFacts *source;
    FerryFacts *target;
} Pair;

static Pair
pair_of(char *source_text, char *target_text)
{
    Pair pair = { source_text, target_text, NULL, NULL };

    pair.source = ferry_facts_parse(source_text, strlen(source_text));
    pair.target = ferry_facts_parse(target_text, strlen(target_text));
    if (pair.source->fault != NULL || pair.target->fault != NULL)
        g_error("a description of the bench is malformed: %s",
                (pair.source->fault != NULL ? pair.source : pair.target)->fault->reason);
    return pair;
}

static void
pair_clear(Pair *pair)
{
    g_free(pair->source_text);
    g_free(pair->target_text);
    ferry_facts_free(pair->source);
    ferry_facts_free(pair->target);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pair, pair_clear)

static unsigned
check_parsed(void *data)
{
    const Pair *pair = data;
    g_autoptr(FerryVerdict) verdict = ferry_check(pair->source, pair->target, NULL);

    return verdict->level;
}

static unsigned
parse_and_check(void *data)
{
    const Pair *pair = data;
    g_autoptr(FerryFacts) source = ferry_facts_parse(pair->source_text, strlen(pair->source_text));
    g_autoptr(FerryFacts) target = ferry_facts_parse(pair->target_text, strlen(pair->target_text));
    g_autoptr(FerryVerdict) verdict = ferry_check(source, target, NULL);

    return verdict->level;
}

static unsigned
parse_target(void *data)
{
    const Pair *pair = data;
    g_autoptr(FerryFacts) target = ferry_facts_parse(pair->target_text, strlen(pair->target_text));

    return target->fault != NULL;
}

static void
bench_typical(void)
{
    g_auto(Pair) yes = pair_of(g_strdup_printf(typical, 4), g_strdup_printf(typical, 6));
    g_auto(Pair) no = pair_of(g_strdup_printf(typical, 6), g_strdup_printf(typical, 4));

    measure("typical check, yes, parsed before", check_parsed, &yes, N_CALLS, 20);
    measure("typical check, no, parsed before", check_parsed, &no, N_CALLS, 20);
    measure("typical check, yes, with parsing both", parse_and_check, &yes, N_CALLS / 4, 20);
}

/* One source against many hosts of one shape, as a fleet asks it. */
static void
bench_throughput(void)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_facts_free);
    g_autofree char *text = g_strdup_printf(typical, 4);
    g_autoptr(FerryFacts) source = ferry_facts_parse(text, strlen(text));
    size_t n = 0;
    uint64_t start = 0;
    double rate = 0;

    for (int i = 0; i < N_HOSTS; i++) {
        g_autofree char *host = g_strdup_printf(typical, 4 + i % 3);
        g_ptr_array_add(hosts, ferry_facts_parse(host, strlen(host)));
    }
    start = now_ns();
    while (now_ns() - start < 1000000000u) {
        for (guint i = 0; i < hosts->len; i++) {
            FerryVerdict *verdict = ferry_check(source, hosts->pdata[i], NULL);
            n += verdict->level == FERRY_VERDICT_YES;
            ferry_verdict_free(verdict);
        }
    }
    rate = (double)n * 1e9 / (double)(now_ns() - start);
    printf("compat checks per second on one core, equal-shaped: %.0f (goal 1000000, %.2f of it)\n",
           rate, rate / 1e6);
}

/*
 * The worst list: four entries of 4096 assignments and 64 keys, each depending on the variable,
 * none fitting.  @directives of the keys say what to set.
 */
static char *
worst_target(int directives)
{
    g_autoptr(GString) text = g_string_new(
        "{\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"t\",\"version\":\"0.2\","
        "\"state\":\"type\",\"settable\":{\"k00\":{\"values\":[\"1..9\"]}},\"compatible\":[");

    for (int entry = 0; entry < 4; entry++) {
        g_string_append_printf(text, "%s\"k00={v:int:1..4096}", entry > 0 ? "," : "");
        for (int key = 1; key < FERRY_ENTRY_TERMS_MAX; key++)
            g_string_append_printf(text, "\\n%sk%02d=%s{v}", key <= directives ? "set:" : "", key,
                                   key % 2 != 0 ? "" : "text-");
        g_string_append_c(text, '"');
    }
    g_string_append(text, "]}");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *
worst_source(void)
{
    g_autoptr(GString) text =
        g_string_new("{\"format\":1,\"device_api\":\"vfio-pci\","
                     "\"mdev_type\":\"t\",\"version\":\"0.2\",\"attributes\":{");

    for (int key = 0; key < FERRY_ATTRIBUTES_MAX; key++)
        g_string_append_printf(
            text, key % 2 != 0 || key == 0 ? "%s\"k%02d\":%d" : "%s\"k%02d\":\"text-%d\"",
            key > 0 ? "," : "", key, 4096 - key);
    g_string_append(text, "}}");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
bench_worst(void)
{
    g_auto(Pair) matches = pair_of(worst_source(), worst_target(0));
    g_auto(Pair) directives = pair_of(worst_source(), worst_target(63));

    measure("worst list, 4 x 4096 x 64, parsed before", check_parsed, &matches, 500, 1000);
    measure("worst list of set: lines, parsed before", check_parsed, &directives, 100, 1000);
    measure("worst list, parsing it", parse_target, &matches, 50, 1000000);
}

int
main(void)
{
    struct rusage usage;

    bench_typical();
    bench_throughput();
    getrusage(RUSAGE_SELF, &usage);
    printf("compat peak memory with %d parsed hosts: %ld KiB\n", N_HOSTS, usage.ru_maxrss);
    bench_worst();
    getrusage(RUSAGE_SELF, &usage);
    printf("compat peak memory with the worst list: %ld KiB\n", usage.ru_maxrss);
    return 0;
}
