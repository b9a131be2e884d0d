#include "compat/vector-pool.h"

#include "compat/baseline.h"
#include "compat/impact.h"
#include "compat/pool-json.h"
#include "compat/rank.h"
#include "compat/vectors.h"

/* Compares the members that are expected with those of @came. */
static char *
compare_members(const json_t *expect, const json_t *came)
{
    json_t *object = (json_t *)expect;

    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *value = json_object_get(came, key);
        g_autofree char *text = NULL;

        if (value != NULL && json_equal(json_object_iter_value(at), value))
            continue;
        if (value == NULL)
            return g_strdup_printf("it expects \"%s\", which there is not", key);
        text = ferry_json_canonical(value);
        return g_strdup_printf("%s is %s", key, text);
    }
    return NULL;
}

char *
ferry_vector_run_rank(const json_t *vector)
{
    const json_t *targets = json_object_get(vector, "targets");
    size_t n = json_array_size(targets);
    g_autoptr(FerryFacts) source = ferry_vector_facts(json_object_get(vector, "source"));
    g_autoptr(GPtrArray) facts = ferry_pool_read(targets);
    g_autofree FerryCandidate *candidates = g_new0(FerryCandidate, n + 1);
    g_autoptr(FerryRules) rules = ferry_vector_rules(vector);
    FerryCheckOptions options = { .rules = rules };
    g_autoptr(GPtrArray) ranked = NULL;
    json_t *order = json_array();
    json_t *usable = json_array();
    g_autoptr(json_t) came = json_pack("{s:o,s:o}", "order", order, "usable", usable);

    for (size_t i = 0; i < n; i++)
        candidates[i] = (FerryCandidate){ .facts = facts->pdata[i] };
    ranked = ferry_rank(source, candidates, n, &options);
    for (guint i = 0; i < ranked->len; i++) {
        const FerryRanked *one = ranked->pdata[i];
        json_array_append_new(order, json_string(one->name));
        if (one->is_usable)
            json_array_append_new(usable, json_string(one->name));
    }
    return compare_members(json_object_get(vector, "expect"), came);
}

/* Descriptions are alike when their canonical forms are. */
static json_t *
canonical_expectation(const json_t *expect)
{
    json_t *copy = json_copy((json_t *)expect);
    const json_t *baseline = json_object_get(expect, "baseline");
    g_autoptr(FerryFacts) facts = NULL;

    if (json_is_object(baseline)) {
        facts = ferry_vector_facts(baseline);
        json_object_set_new(copy, "baseline", ferry_facts_to_json(facts));
    }
    return copy;
}

char *
ferry_vector_run_baseline(const json_t *vector)
{
    g_autoptr(GPtrArray) pool = ferry_pool_read(json_object_get(vector, "pool"));
    g_autoptr(FerryRules) rules = ferry_vector_rules(vector);
    g_autoptr(FerryBaseline) baseline = NULL;
    g_autoptr(json_t) came = NULL;
    g_autoptr(json_t) expect = canonical_expectation(json_object_get(vector, "expect"));

    if (pool->len == 0)
        return g_strdup("its pool is empty");
    baseline = ferry_baseline((const FerryFacts *const *)pool->pdata, pool->len, rules);
    came = ferry_baseline_to_json(baseline);
    return compare_members(expect, came);
}

/* {"d1":"lost-last"} out of the full report. */
static json_t *
statuses(const json_t *report)
{
    json_t *object = json_object();
    const json_t *devices = json_object_get(report, "devices");

    for (size_t i = 0; i < json_array_size(devices); i++) {
        const json_t *device = json_array_get(devices, i);
        json_object_set(object, json_string_value(json_object_get(device, "id")),
                        json_object_get(device, "status"));
    }
    return object;
}

char *
ferry_vector_run_impact(const json_t *vector)
{
    g_autoptr(FerryRules) rules = ferry_vector_rules(vector);
    g_autoptr(json_t) report = NULL;
    g_autoptr(json_t) came = NULL;
    g_autofree char *why = NULL;

    report = ferry_impact_run_json(vector, rules, &why);
    if (report == NULL)
        return g_steal_pointer(&why);
    came = json_pack("{s:o,s:O}", "devices", statuses(report), "one_way",
                     json_object_get(report, "one_way"));
    return compare_members(json_object_get(vector, "expect"), came);
}
