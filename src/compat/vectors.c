#include "compat/vectors.h"

#include <string.h>

#include "compat/baseline.h"
#include "compat/check.h"
#include "compat/vector-notation.h"
#include "compat/vector-pool.h"

void
ferry_vector_report_free(FerryVectorReport *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->failures);
    g_free(self);
}

FerryFacts *
ferry_vector_facts(const json_t *json)
{
    g_autofree char *text = NULL;

    if (json_is_string(json))
        return ferry_facts_parse(json_string_value(json), json_string_length(json));
    text = ferry_json_canonical(json);
    return ferry_facts_parse(text, strlen(text));
}

static unsigned
priority_of(const json_t *dir)
{
    static const char *const dirs[] = { "usr", "run", "etc" };

    for (unsigned i = 0; json_is_string(dir) && i < G_N_ELEMENTS(dirs); i++) {
        if (strcmp(json_string_value(dir), dirs[i]) == 0)
            return i;
    }
    return 0;
}

FerryRules *
ferry_vector_rules(const json_t *vector)
{
    const json_t *rules = json_object_get(vector, "rules");
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);

    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const json_t *content = json_object_get(rule, "content");
        const char *name = json_string_value(json_object_get(rule, "file"));
        g_autofree char *text = json_is_string(content) ? g_strdup(json_string_value(content))
                                                        : ferry_json_canonical(content);

        g_ptr_array_add(files, ferry_rule_file_new(priority_of(json_object_get(rule, "dir")),
                                                   name != NULL ? name : "", text, strlen(text)));
    }
    return ferry_rules_new(files);
}

static FerryObservations
read_observations(const json_t *vector)
{
    const json_t *results = json_object_get(vector, "observations");
    unsigned seen = FERRY_OBSERVED_NOTHING;

    for (size_t i = 0; i < json_array_size(results); i++) {
        const char *result = json_string_value(json_array_get(results, i));
        if (g_strcmp0(result, "success") == 0)
            seen |= FERRY_OBSERVED_SUCCESS;
        if (g_strcmp0(result, "state-rejected") == 0)
            seen |= FERRY_OBSERVED_REJECTION;
    }
    return (FerryObservations)seen;
}

/* Compares what is expected, key by key, with what came; "set" is {} unless expected. */
static char *
compare_verdict(const json_t *expect, const FerryVerdict *verdict)
{
    static const char *const keys[] = { "verdict", "differing", "set", "basis" };
    g_autoptr(json_t) came = ferry_verdict_to_json(verdict);
    g_autoptr(json_t) nothing = json_object();

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const json_t *wanted = json_object_get(expect, keys[i]);
        g_autofree char *wanted_text = NULL;
        g_autofree char *came_text = NULL;

        if (wanted == NULL && strcmp(keys[i], "set") == 0)
            wanted = nothing;
        if (wanted == NULL || json_equal(wanted, json_object_get(came, keys[i])))
            continue;
        wanted_text = ferry_json_canonical(wanted);
        came_text = ferry_json_canonical(json_object_get(came, keys[i]));
        return g_strdup_printf("%s is %s, not %s", keys[i], came_text, wanted_text);
    }
    return json_object_get(expect, "verdict") != NULL ? NULL : g_strdup("it expects no verdict");
}

char *
ferry_vector_run_check(const json_t *vector, const FerryRules *rules)
{
    const json_t *source_json = json_object_get(vector, "source");
    const json_t *target_json = json_object_get(vector, "target");
    g_autoptr(FerryFacts) source = NULL;
    g_autoptr(FerryFacts) target = NULL;
    g_autoptr(FerryRules) own = NULL;
    FerryCheckOptions options = { .rules = rules, .observations = read_observations(vector) };
    g_autoptr(FerryVerdict) verdict = NULL;

    if (source_json == NULL || target_json == NULL)
        return g_strdup("it has no source or no target");
    source = ferry_vector_facts(source_json);
    target = ferry_vector_facts(target_json);
    if (rules == NULL)
        options.rules = own = ferry_vector_rules(vector);
    verdict = ferry_check(source, target, &options);
    return compare_verdict(json_object_get(vector, "expect"), verdict);
}

static char *
run_own_check(const json_t *vector)
{
    return ferry_vector_run_check(vector, NULL);
}

static const struct {
    const char *name;
    char *(*run)(const json_t *vector);
} sections[] = {
    { "check", run_own_check },
    { "notation", ferry_vector_run_notation },
    { "rank", ferry_vector_run_rank },
    { "baseline", ferry_vector_run_baseline },
    { "impact", ferry_vector_run_impact },
};

static void
run_case(FerryVectorReport *self,
         const char *section,
         const json_t *vector,
         char *(*run)(const json_t *))
{
    const char *name = json_string_value(json_object_get(vector, "name"));
    g_autofree char *failure = NULL;

    if (!json_is_object(vector) || !json_is_object(json_object_get(vector, "expect")))
        failure = g_strdup("it is not an object with \"expect\"");
    else
        failure = run(vector);
    if (failure == NULL)
        self->n_passed++;
    else
        g_ptr_array_add(self->failures,
                        g_strdup_printf("%s/%s: %s", section, name != NULL ? name : "?", failure));
}

static void
run_section(FerryVectorReport *self, const char *name, const json_t *cases)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sections); i++) {
        if (strcmp(sections[i].name, name) != 0)
            continue;
        for (size_t j = 0; j < json_array_size(cases); j++)
            run_case(self, name, json_array_get(cases, j), sections[i].run);
        return;
    }
    g_ptr_array_add(self->failures,
                    g_strdup_printf("%s: no such section, nothing of it was run", name));
}

FerryVectorReport *
ferry_vectors_run(const json_t *document)
{
    FerryVectorReport *self = g_new0(FerryVectorReport, 1);
    json_t *object = (json_t *)document;

    self->failures = g_ptr_array_new_with_free_func(g_free);
    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at)) {
        if (json_is_array(json_object_iter_value(at)))
            run_section(self, json_object_iter_key(at), json_object_iter_value(at));
    }
    if (self->n_passed == 0 && self->failures->len == 0)
        g_ptr_array_add(self->failures, g_strdup("the file holds no vectors"));
    return self;
}
