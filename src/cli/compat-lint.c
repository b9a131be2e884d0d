/* "ferry compat lint" and "selftest": judging what others wrote. */
#include <string.h>

#include "base/error.h"
#include "cli/compat-input.h"
#include "compat/lint.h"
#include "compat/rule-dir.h"
#include "compat/vectors.h"

static const FerryColumn lint_columns[] = {
    { "file", "FILE", FERRY_CELL_TEXT }, { "level", "LEVEL", FERRY_CELL_TEXT },
    { "code", "CODE", FERRY_CELL_TEXT }, { "text", "REMARK", FERRY_CELL_TEXT },
    { NULL, NULL, FERRY_CELL_TEXT },
};

/* A description has "format" where a rule file has "ferry_compat_rules"; what cannot be read as
 * either is judged as what its name says. */
static bool
is_description(const char *text, size_t size)
{
    FerryFault *fault = NULL;
    g_autoptr(json_t) json = ferry_json_read(text, size, FERRY_RULE_FILE_BYTES_MAX, &fault);
    bool has_rules = json_object_get(json, "ferry_compat_rules") != NULL;

    ferry_fault_free(fault);
    return json_object_get(json, "format") != NULL && !has_rules;
}

static GPtrArray *
lint_file(const char *path, const GPtrArray *others, GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *name = NULL;
    g_autoptr(FerryRuleFile) file = NULL;
    size_t size = 0;

    if (!ferry_compat_read(path, FERRY_COMPAT_INPUT_MAX, &text, &size, error))
        return NULL;
    if (is_description(text, size))
        return ferry_lint_description(text, size);
    name = ferry_rule_file_name_is_valid(base) ? g_strdup(base) : g_strdup("stdin.json");
    file = ferry_rule_file_new(FERRY_N_RULE_DIRS, name, text, size);
    return ferry_lint_rules(file, others);
}

static void
add_rows(json_t *rows, const char *path, const GPtrArray *remarks)
{
    for (guint i = 0; i < remarks->len; i++) {
        const FerryLintRemark *remark = remarks->pdata[i];
        json_array_append_new(rows,
                              json_pack("{s:s,s:s,s:s,s:s}", "file", path, "level",
                                        remark->level == FERRY_LINT_ERROR ? "error" : "warning",
                                        "code", remark->code, "text", remark->text));
    }
}

int
ferry_compat_lint(FerryArguments *arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) others = ferry_compat_read_rule_files(arguments, &error);
    json_t *rows = json_array();
    g_autoptr(json_t) document = json_pack("{s:o}", "remarks", rows);
    bool has_error = false;

    if (others == NULL)
        return ferry_command_fail(error);
    for (size_t i = 0; i < ferry_compat_count_words(arguments); i++) {
        const char *path = ferry_arguments_word(arguments, i);
        g_autoptr(GPtrArray) remarks = lint_file(path, others, &error);

        if (remarks == NULL)
            return ferry_command_fail(error);
        add_rows(rows, path, remarks);
        has_error = has_error || ferry_lint_has_error(remarks);
    }
    if (ferry_arguments_given(arguments, "json") || json_array_size(rows) > 0)
        ferry_table_print(ferry_arguments_given(arguments, "json") ? FERRY_PRINT_JSON
                                                                   : FERRY_PRINT_TABLE,
                          lint_columns, "remarks", document);
    else
        ferry_compat_print_line("nothing to remark");
    return has_error ? FERRY_EXIT_NO : FERRY_EXIT_DONE;
}

static json_t *
report_to_json(const FerryVectorReport *report)
{
    json_t *failures = json_array();

    for (guint i = 0; i < report->failures->len; i++)
        json_array_append_new(failures, json_string(report->failures->pdata[i]));
    return json_pack("{s:I,s:I,s:o}", "passed", (json_int_t)report->n_passed, "failed",
                     (json_int_t)report->failures->len, "failures", failures);
}

int
ferry_compat_selftest(FerryArguments *arguments)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) vectors = ferry_compat_read_json(ferry_arguments_word(arguments, 0), &error);
    g_autoptr(FerryVectorReport) report = NULL;

    if (vectors == NULL)
        return ferry_command_fail(error);
    report = ferry_vectors_run(vectors);
    if (ferry_arguments_given(arguments, "json")) {
        g_autoptr(json_t) document = report_to_json(report);
        ferry_table_print_json(stdout, document);
    } else {
        for (guint i = 0; i < report->failures->len; i++)
            ferry_compat_print_line("FAILED %s", (const char *)report->failures->pdata[i]);
        ferry_compat_print_line("%zu passed, %u failed", report->n_passed, report->failures->len);
    }
    return report->failures->len > 0 ? FERRY_EXIT_NO : FERRY_EXIT_DONE;
}
