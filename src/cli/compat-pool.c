/* "ferry compat baseline" and "impact": questions about many hosts. */
#include "base/error.h"
#include "cli/compat-input.h"
#include "compat/pool-json.h"

static const FerryColumn impact_columns[] = {
    { "id", "DEVICE", FERRY_CELL_TEXT },       { "status", "STATUS", FERRY_CELL_TEXT },
    { "before", "BEFORE", FERRY_CELL_LIST },   { "after", "AFTER", FERRY_CELL_LIST },
    { "unknown", "UNKNOWN", FERRY_CELL_LIST }, { NULL, NULL, FERRY_CELL_TEXT },
};

static GPtrArray *
read_pool(const FerryArguments *arguments, GError **error)
{
    g_autoptr(GPtrArray) pool = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_facts_free);

    if (!ferry_compat_check_words(arguments, error))
        return NULL;
    for (size_t i = 0; i < ferry_compat_count_words(arguments); i++) {
        FerryFacts *facts = ferry_compat_read_facts(ferry_arguments_word(arguments, i), error);
        if (facts == NULL)
            return NULL;
        g_ptr_array_add(pool, facts);
    }
    return g_steal_pointer(&pool);
}

/* Which of the files stand in the way because they cannot be read. */
static void
print_unread(const FerryArguments *arguments, const GPtrArray *pool)
{
    for (guint i = 0; i < pool->len; i++) {
        const FerryFacts *facts = g_ptr_array_index(pool, i);
        const char *why = facts->fault != NULL     ? facts->fault->reason
                          : facts->is_newer_format ? "it has a newer format than this ferry knows"
                                                   : NULL;

        if (why != NULL)
            ferry_compat_print_line("  %s: %s", ferry_arguments_word(arguments, i), why);
    }
}

static void
print_baseline(const FerryArguments *arguments,
               const FerryBaseline *baseline,
               const GPtrArray *pool)
{
    g_autofree char *keys = g_strjoinv(", ", baseline->blocking);
    json_t *facts = NULL;

    if (baseline->facts == NULL) {
        ferry_compat_print_line("there is no description that all hosts accept; it fails at: %s",
                                keys);
        print_unread(arguments, pool);
        return;
    }
    facts = ferry_facts_to_json(baseline->facts);
    ferry_table_print_json(stdout, facts);
    json_decref(facts);
}

/* Without --json the description alone, ready to be used as a source. */
int
ferry_compat_baseline(FerryArguments *arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FerryRules) rules = ferry_compat_read_rules(arguments, &error);
    g_autoptr(GPtrArray) pool = rules != NULL ? read_pool(arguments, &error) : NULL;
    g_autoptr(FerryBaseline) baseline = NULL;
    g_autoptr(json_t) document = NULL;

    if (pool == NULL)
        return ferry_command_fail(error);
    baseline = ferry_baseline((const FerryFacts *const *)pool->pdata, pool->len, rules);
    document = ferry_baseline_to_json(baseline);
    if (ferry_arguments_given(arguments, "json"))
        ferry_table_print_json(stdout, document);
    else
        print_baseline(arguments, baseline, pool);
    return baseline->facts != NULL ? FERRY_EXIT_DONE : FERRY_EXIT_NO;
}

int
ferry_compat_impact(FerryArguments *arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FerryRules) rules = ferry_compat_read_rules(arguments, &error);
    g_autoptr(json_t) question =
        rules != NULL ? ferry_compat_read_json(ferry_arguments_word(arguments, 0), &error) : NULL;
    g_autoptr(json_t) document = NULL;
    g_autofree char *why = NULL;

    if (question == NULL)
        return ferry_command_fail(error);
    document = ferry_impact_run_json(question, rules, &why);
    if (document == NULL) {
        g_set_error(&error, FERRY_ERROR, FERRY_ERROR_INVALID, "cannot use %s: %s",
                    ferry_arguments_word(arguments, 0), why);
        return ferry_command_fail(error);
    }
    ferry_table_print(ferry_arguments_given(arguments, "json") ? FERRY_PRINT_JSON
                                                               : FERRY_PRINT_TABLE,
                      impact_columns, "devices", document);
    if (!ferry_arguments_given(arguments, "json") &&
        json_is_true(json_object_get(document, "one_way")))
        ferry_compat_print_line(
            "one way: a device made on the upgraded host could not go to any other host");
    return FERRY_EXIT_DONE;
}
