/* "ferry compat": what of a device's state loads elsewhere, judged on files, without a daemon. */
#include <string.h>

#include "cli/compat-input.h"
#include "cli/groups.h"

#define RULES                                                                                      \
    {                                                                                              \
        "rules", 'r', "DIR",                                                                       \
            "rule files of this directory (or this file) instead of the system's; may be "         \
            "repeated, "                                                                           \
            "later ones win",                                                                      \
            FERRY_OPTION_OPTIONAL                                                                  \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL                                                 \
    }

/* clang-format off */
static const FerryOption check_options[] = {
    { "observed", 0, "RESULTS", "what was seen of this pair: success, state-rejected, other-failure, with commas between", FERRY_OPTION_OPTIONAL },
    RULES, END };
static const FerryOption rules_options[] = { RULES, END };

static const FerryVerb verbs[] = {
    { "check",    "SOURCE TARGET [TARGET...]", "say whether SOURCE's state loads into TARGET; several are ranked", check_options, ferry_compat_check },
    { "explain",  "SOURCE TARGET", "say what was compared with what, also of a yes", check_options, ferry_compat_explain },
    { "baseline", "FILE [FILE...]", "find the largest description that all hosts accept", rules_options, ferry_compat_baseline },
    { "impact",   "FILE", "say which devices an upgrade of a host cuts off", rules_options, ferry_compat_impact },
    { "lint",     "RULEFILE [RULEFILE...]", "judge rule files and their vectors, or descriptions", rules_options, ferry_compat_lint },
    { "notation", "FILE", "turn a list's text notation into JSON, or JSON into text", NULL, ferry_compat_notation },
    { "selftest", "FILE", "run test vectors and count them", NULL, ferry_compat_selftest },
    { NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */

/* The value of --rules or -r at argv[i], or NULL; @n_taken is how many words it takes. */
static const char *
rules_value(char *const *argv, int i, int argc, int *n_taken)
{
    static const char *const prefixes[] = { "--rules=", "-r" };

    *n_taken = 1;
    if ((strcmp(argv[i], "--rules") == 0 || strcmp(argv[i], "-r") == 0) && i + 1 < argc) {
        *n_taken = 2;
        return argv[i + 1];
    }
    for (size_t j = 0; j < G_N_ELEMENTS(prefixes); j++) {
        if (g_str_has_prefix(argv[i], prefixes[j]) && argv[i][strlen(prefixes[j])] != '\0')
            return argv[i] + strlen(prefixes[j]);
    }
    return NULL;
}

/* An option given twice counts as given last: so all --rules become one, its values joined. */
static GStrv
join_rules(int argc, char **argv)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autoptr(GString) joined = g_string_new("--rules=");
    bool has_rules = false;
    int n_taken = 1;

    for (int i = 0; i < argc; i += n_taken) {
        const char *value = NULL;

        if (strcmp(argv[i], "--") == 0)
            break;
        value = rules_value(argv, i, argc, &n_taken);
        if (value == NULL)
            continue;
        g_string_append_printf(joined, "%s%s", has_rules ? FERRY_COMPAT_RULES_SEPARATOR : "",
                               value);
        has_rules = true;
    }
    for (int i = 0; i < argc; i += n_taken) {
        n_taken = 1;
        if (strcmp(argv[i], "--") == 0) {
            if (has_rules)
                g_ptr_array_add(words, g_strdup(joined->str));
            has_rules = false;
            for (; i < argc; i++)
                g_ptr_array_add(words, g_strdup(argv[i]));
            break;
        }
        if (rules_value(argv, i, argc, &n_taken) == NULL)
            g_ptr_array_add(words, g_strdup(argv[i]));
    }
    if (has_rules)
        g_ptr_array_add(words, g_strdup(joined->str));
    g_ptr_array_add(words, NULL);
    return (GStrv)g_ptr_array_steal(words, NULL);
}

int
ferry_cli_compat(int argc, char **argv)
{
    g_auto(GStrv) words = join_rules(argc, argv);

    return ferry_command_run(verbs, (int)g_strv_length(words), words);
}
