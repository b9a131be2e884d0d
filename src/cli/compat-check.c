/* "ferry compat check" and "explain". */
#include <string.h>

#include "base/error.h"
#include "cli/compat-input.h"
#include "compat/pool-json.h"
#include "compat/rank.h"

static const FerryColumn columns[] = {
    { "target", "TARGET", FERRY_CELL_TEXT }, { "verdict", "VERDICT", FERRY_CELL_TEXT },
    { "usable", "USABLE", FERRY_CELL_TEXT }, { "basis", "BASIS", FERRY_CELL_TEXT },
    { "steps", "SET", FERRY_CELL_LIST },     { "differing", "DIFFERING", FERRY_CELL_LIST },
    { NULL, NULL, FERRY_CELL_TEXT },
};

/* Everything one run reads; a ranking borrows from it. */
typedef struct {
    FerryFacts *source;
    GPtrArray *targets; /* of FerryFacts */
    FerryRules *rules;
    FerryObservations observations;
} Input;

static void
input_clear(Input *self)
{
    ferry_facts_free(self->source);
    g_clear_pointer(&self->targets, g_ptr_array_unref);
    ferry_rules_free(self->rules);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Input, input_clear)

static bool
read_observations(const char *text, FerryObservations *ret, GError **error)
{
    static const struct {
        const char *name;
        unsigned bit;
    } results[] = { { "success", FERRY_OBSERVED_SUCCESS },
                    { "state-rejected", FERRY_OBSERVED_REJECTION },
                    { "other-failure", FERRY_OBSERVED_NOTHING } };
    g_auto(GStrv) names = g_strsplit(text != NULL ? text : "", ",", -1);
    unsigned seen = FERRY_OBSERVED_NOTHING;

    for (size_t i = 0; names[i] != NULL; i++) {
        bool is_known = false;
        for (size_t j = 0; j < G_N_ELEMENTS(results); j++) {
            if (strcmp(names[i], results[j].name) == 0) {
                seen |= results[j].bit;
                is_known = true;
            }
        }
        if (!is_known) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                        "--observed %s: it is success, state-rejected or other-failure", names[i]);
            return false;
        }
    }
    *ret = (FerryObservations)seen;
    return true;
}

static bool
read_input(const FerryArguments *arguments, Input *self, GError **error)
{
    self->targets = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_facts_free);
    if (!ferry_compat_check_words(arguments, error) ||
        !read_observations(ferry_arguments_value(arguments, "observed"), &self->observations,
                           error))
        return false;
    self->rules = ferry_compat_read_rules(arguments, error);
    if (self->rules == NULL)
        return false;
    self->source = ferry_compat_read_facts(ferry_arguments_word(arguments, 0), error);
    for (size_t i = 1; self->source != NULL && i < ferry_compat_count_words(arguments); i++) {
        FerryFacts *target = ferry_compat_read_facts(ferry_arguments_word(arguments, i), error);
        if (target == NULL)
            return false;
        g_ptr_array_add(self->targets, target);
    }
    return self->source != NULL;
}

/* A target is called by its label, else by its file. */
static GPtrArray *
rank_targets(const FerryArguments *arguments, const Input *input, FerryCheckFlags flags)
{
    g_autofree FerryCandidate *candidates = g_new0(FerryCandidate, input->targets->len + 1);
    FerryCheckOptions options = { .rules = input->rules, .flags = flags };

    for (guint i = 0; i < input->targets->len; i++) {
        const FerryFacts *facts = input->targets->pdata[i];
        candidates[i] = (FerryCandidate){
            .facts = facts,
            .name = facts->name != NULL ? facts->name : ferry_arguments_word(arguments, i + 1),
            .observations = input->observations,
        };
    }
    return ferry_rank(input->source, candidates, input->targets->len, &options);
}

/* The rows as ferry_table_print() wants them: the steps as "key=value". */
static void
add_steps(json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        json_t *set = json_object_get(row, "set");
        json_t *steps = json_array();

        for (void *at = json_object_iter(set); at != NULL; at = json_object_iter_next(set, at)) {
            g_autofree char *step = g_strdup_printf("%s=%s", json_object_iter_key(at),
                                                    json_string_value(json_object_iter_value(at)));
            json_array_append_new(steps, json_string(step));
        }
        json_object_set_new(row, "steps", steps);
    }
}

static void
print_reasons(const GPtrArray *ranked)
{
    for (guint i = 0; i < ranked->len; i++) {
        const FerryRanked *one = ranked->pdata[i];
        const FerryVerdict *verdict = one->verdict;

        if (verdict->findings->len == 0 && verdict->warnings == NULL)
            continue;
        printf("\n");
        ferry_compat_print_line("%s: %s", one->name, ferry_verdict_level_name(verdict->level));
        for (guint j = 0; j < verdict->findings->len; j++)
            ferry_compat_print_line("  %s",
                                    ((const FerryFinding *)verdict->findings->pdata[j])->reason);
        for (guint j = 0; verdict->warnings != NULL && j < verdict->warnings->len; j++)
            ferry_compat_print_line("  warning: %s", (const char *)verdict->warnings->pdata[j]);
    }
}

int
ferry_compat_check(FerryArguments *arguments)
{
    g_autoptr(GError) error = NULL;
    g_auto(Input) input = { .source = NULL };
    g_autoptr(GPtrArray) ranked = NULL;
    g_autoptr(json_t) document = NULL;
    const FerryVerdict *best = NULL;

    if (!read_input(arguments, &input, &error))
        return ferry_command_fail(error);
    ranked = rank_targets(arguments, &input, FERRY_CHECK_PLAIN);
    best = ((const FerryRanked *)ranked->pdata[0])->verdict;
    document = ferry_ranking_to_json(ranked);
    if (ferry_arguments_given(arguments, "json")) {
        g_autoptr(json_t) first = ferry_verdict_to_json(best);
        json_object_update(first, document);
        ferry_table_print_json(stdout, first);
    } else {
        add_steps(json_object_get(document, "targets"));
        ferry_table_print(FERRY_PRINT_TABLE, columns, "targets", document);
        print_reasons(ranked);
    }
    return ferry_verdict_exit_code(best->level);
}

/* One line per finding, worst first: what fits is marked "ok". */
static void
print_explanation(const FerryVerdict *verdict)
{
    const char *basis = ferry_basis_name(verdict->basis);

    ferry_compat_print_line("verdict: %s%s%s", ferry_verdict_level_name(verdict->level),
                            basis != NULL ? ", basis: " : "", basis != NULL ? basis : "");
    for (guint i = 0; i < verdict->findings->len; i++) {
        const FerryFinding *finding = verdict->findings->pdata[i];
        ferry_compat_print_line(
            "%-9s  %s",
            finding->level == FERRY_VERDICT_YES ? "ok" : ferry_verdict_level_name(finding->level),
            finding->reason);
    }
    for (guint i = 0; verdict->warnings != NULL && i < verdict->warnings->len; i++)
        ferry_compat_print_line("warning    %s", (const char *)verdict->warnings->pdata[i]);
}

int
ferry_compat_explain(FerryArguments *arguments)
{
    g_autoptr(GError) error = NULL;
    g_auto(Input) input = { .source = NULL };
    g_autoptr(FerryVerdict) verdict = NULL;
    g_autoptr(json_t) document = NULL;
    FerryCheckOptions options = { .flags = FERRY_CHECK_EXPLAIN };

    if (!read_input(arguments, &input, &error))
        return ferry_command_fail(error);
    options.rules = input.rules;
    options.observations = input.observations;
    verdict = ferry_check(input.source, input.targets->pdata[0], &options);
    document = ferry_verdict_to_json(verdict);
    if (ferry_arguments_given(arguments, "json"))
        ferry_table_print_json(stdout, document);
    else
        print_explanation(verdict);
    return ferry_verdict_exit_code(verdict->level);
}
