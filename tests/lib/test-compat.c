/* libferry as its users see it: one header, no GLib.  Assertions are plain C for the same reason.
 */
#undef NDEBUG
#include <ferry/compat.h>

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define N_THREADS 4

static const char old_text[] =
    "{\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"t\",\"version\":\"0.1\","
    "\"attributes\":{\"pv_mode\":[\"none\",\"ppgtt\"]}}";
static const char new_text[] =
    "{\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"t\",\"version\":\"0.2\","
    "\"attributes\":{\"pv_mode\":[\"none\",\"context\",\"ppgtt\"]}}";
static const char deny_text[] =
    "{\"ferry_compat_rules\":1,\"rules\":[{\"id\":\"d\",\"effect\":\"deny\",\"reason\":\"why\"}]}";

static FerryCompatFacts *
facts_of(const char *text)
{
    return ferry_compat_facts_new(text, strlen(text));
}

static void
test_verdict(void)
{
    FerryCompatFacts *old_facts = facts_of(old_text);
    FerryCompatFacts *new_facts = facts_of(new_text);
    FerryCompatVerdict *up = ferry_compat_check(old_facts, new_facts, NULL, 0, FERRY_COMPAT_PLAIN);
    FerryCompatVerdict *down =
        ferry_compat_check(new_facts, old_facts, NULL, 0, FERRY_COMPAT_EXPLAIN);
    char *json = ferry_compat_verdict_json(up);

    assert(ferry_compat_verdict_level(up) == FERRY_COMPAT_YES);
    assert(strcmp(ferry_compat_verdict_basis(up), "default") == 0);
    assert(ferry_compat_verdict_n_findings(up) == 0);
    assert(strcmp(json, "{\"basis\":\"default\",\"differing\":[],\"findings\":[],\"set\":{},"
                        "\"verdict\":\"yes\",\"warnings\":[]}") == 0);
    assert(ferry_compat_verdict_level(down) == FERRY_COMPAT_NO);
    assert(ferry_compat_verdict_basis(down) == NULL);
    assert(ferry_compat_verdict_n_differing(down) == 2);
    assert(strcmp(ferry_compat_verdict_differing(down, 0), "pv_mode") == 0);
    assert(strcmp(ferry_compat_verdict_differing(down, 1), "version") == 0);
    assert(ferry_compat_verdict_differing(down, 2) == NULL);
    assert(ferry_compat_verdict_n_findings(down) == 5);
    assert(strcmp(ferry_compat_finding(down, 0, FERRY_COMPAT_FINDING_KEY), "version") == 0);
    assert(strcmp(ferry_compat_finding(down, 0, FERRY_COMPAT_FINDING_CODE), "minor-newer") == 0);
    assert(strcmp(ferry_compat_finding(down, 0, FERRY_COMPAT_FINDING_LEVEL), "no") == 0);
    assert(strcmp(ferry_compat_finding(down, 0, FERRY_COMPAT_FINDING_SOURCE), "0.2") == 0);
    assert(strcmp(ferry_compat_finding(down, 0, FERRY_COMPAT_FINDING_TARGET), "0.1") == 0);
    assert(ferry_compat_finding(down, 0, FERRY_COMPAT_FINDING_SET) == NULL);
    assert(strncmp(ferry_compat_finding(down, 0, FERRY_COMPAT_FINDING_REASON), "version: ", 9) ==
           0);
    assert(ferry_compat_finding(down, 5, FERRY_COMPAT_FINDING_KEY) == NULL);
    ferry_compat_string_free(json);
    ferry_compat_verdict_free(down);
    ferry_compat_verdict_free(up);
    ferry_compat_facts_free(new_facts);
    ferry_compat_facts_free(old_facts);
}

static void
test_malformed(void)
{
    FerryCompatFacts *bad = facts_of("{\"format\":1,\"colour\":\"red\"}");
    FerryCompatFacts *good = facts_of(old_text);
    FerryCompatVerdict *verdict = ferry_compat_check(bad, good, NULL, 0, 0);

    assert(ferry_compat_facts_fault(good) == NULL);
    assert(ferry_compat_facts_fault(bad) != NULL);
    assert(ferry_compat_verdict_level(verdict) == FERRY_COMPAT_MALFORMED);
    assert(strcmp(ferry_compat_verdict_differing(verdict, 0), "colour") == 0);
    ferry_compat_verdict_free(verdict);
    ferry_compat_facts_free(good);
    ferry_compat_facts_free(bad);
}

static void
test_rules(void)
{
    const FerryCompatRuleFile files[] = { { 0, "50-a.json", deny_text, strlen(deny_text) } };
    static const char *const nowhere[] = { "/nonexistent/rules", NULL };
    FerryCompatRules *rules = ferry_compat_rules_new(files, 1);
    FerryCompatFacts *facts = facts_of(old_text);
    FerryCompatVerdict *verdict = ferry_compat_check(facts, facts, rules, 0, 0);
    char *error = NULL;

    assert(ferry_compat_verdict_level(verdict) == FERRY_COMPAT_NO);
    assert(strcmp(ferry_compat_verdict_differing(verdict, 0), "rule:50-a/d") == 0);
    assert(ferry_compat_rules_load(nowhere, &error) == NULL);
    assert(strstr(error, "/nonexistent/rules") != NULL);
    ferry_compat_string_free(error);
    ferry_compat_verdict_free(verdict);
    ferry_compat_facts_free(facts);
    ferry_compat_rules_free(rules);
}

static void
test_pool(void)
{
    FerryCompatFacts *old_facts = facts_of(old_text);
    FerryCompatFacts *new_facts = facts_of(new_text);
    const FerryCompatFacts *pool[] = { old_facts, new_facts };
    size_t order[2] = { 9, 9 };
    char *baseline = ferry_compat_baseline(pool, 2, NULL);
    char *fingerprint = ferry_compat_facts_fingerprint(old_facts);

    assert(ferry_compat_rank(new_facts, pool, 2, NULL, order) == 1);
    assert(order[0] == 1 && order[1] == 0);
    assert(strstr(baseline, "\"version\":\"0.1\"") != NULL);
    assert(ferry_compat_baseline(pool, 0, NULL) == NULL);
    assert(strlen(fingerprint) == 64);
    ferry_compat_string_free(fingerprint);
    ferry_compat_string_free(baseline);
    ferry_compat_facts_free(new_facts);
    ferry_compat_facts_free(old_facts);
}

static void
test_notation(void)
{
    size_t offset = 0;
    const char *error = NULL;
    char *json = ferry_compat_notation("a=1", 3, NULL, NULL);
    char *text = ferry_compat_notation("{\"match\":{\"a\":1}}", 17, NULL, NULL);

    assert(strcmp(json, "{\"match\":{\"a\":1}}") == 0);
    assert(strcmp(text, "a=1\n") == 0);
    assert(ferry_compat_notation("a=1\nb", 5, &offset, &error) == NULL);
    assert(offset == 4 && strcmp(error, "no-equals") == 0);
    ferry_compat_string_free(text);
    ferry_compat_string_free(json);
}

/* Descriptions and rules are shared; every thread must get the same answers. */
static void *
check_often(void *data)
{
    const FerryCompatFacts *const *pair = data;

    for (int i = 0; i < 1000; i++) {
        FerryCompatVerdict *verdict = ferry_compat_check(pair[0], pair[1], NULL, 0, 0);
        assert(ferry_compat_verdict_level(verdict) == FERRY_COMPAT_YES);
        ferry_compat_verdict_free(verdict);
    }
    return NULL;
}

static void
test_threads(void)
{
    FerryCompatFacts *pair[] = { facts_of(old_text), facts_of(new_text) };
    pthread_t threads[N_THREADS];

    for (int i = 0; i < N_THREADS; i++)
        assert(pthread_create(&threads[i], NULL, check_often, pair) == 0);
    for (int i = 0; i < N_THREADS; i++)
        assert(pthread_join(threads[i], NULL) == 0);
    ferry_compat_facts_free(pair[0]);
    ferry_compat_facts_free(pair[1]);
}

int
main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        { "verdict", test_verdict }, { "malformed", test_malformed }, { "rules", test_rules },
        { "pool", test_pool },       { "notation", test_notation },   { "threads", test_threads },
    };
    size_t n = sizeof(tests) / sizeof(tests[0]);

    assert(strcmp(ferry_compat_level_name(FERRY_COMPAT_YES), "yes") == 0);
    assert(ferry_compat_level_name((FerryCompatLevel)99) == NULL);
    assert(ferry_compat_library_version()[0] != '\0');
    printf("1..%zu\n", n);
    for (size_t i = 0; i < n; i++) {
        tests[i].run();
        printf("ok %zu /libferry/%s\n", i + 1, tests[i].name);
    }
    return 0;
}
