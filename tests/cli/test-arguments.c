#include "cli/arguments.h"

#include "base/error.h"

static const FerryOption options[] = {
    { "to", 't', "HOST", "where to", FERRY_OPTION_NEEDED },
    { "detach", 0, NULL, "do not wait", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

typedef struct {
    const char *line;    /* split at blanks */
    const char *words;   /* what the command takes */
    const char *message; /* NULL: accepted */
    const char *to, *first, *second;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "web --to beta",            "GUEST",  NULL, "beta", "web", NULL },
    { "--to beta web",            "GUEST",  NULL, "beta", "web", NULL },
    { "--to=beta web",            "GUEST",  NULL, "beta", "web", NULL },
    { "-t beta web",              "GUEST",  NULL, "beta", "web", NULL },
    { "-t beta --detach web",      "GUEST",  NULL, "beta", "web", NULL },
    { "--to=beta -- --web",       "GUEST",  NULL, "beta", "--web", NULL },
    { "--to beta --to gamma web", "GUEST",  NULL, "gamma", "web", NULL },
    { "--to beta",                "[FILE]", NULL, "beta", NULL, NULL },
    { "--to beta a b",            "[FILE...]", NULL, "beta", "a", "b" },
    { "--to beta a",              "A [B]",  NULL, "beta", "a", NULL },
    { "--help",                   "GUEST",  NULL, NULL, NULL, NULL }, /* needs nothing else */
    { "web",                      "GUEST",  "missing --to HOST", NULL, NULL, NULL },
    { "--to beta",                "GUEST",  "missing GUEST", NULL, NULL, NULL },
    { "--to beta ",               "GUEST",  "GUEST is empty", NULL, NULL, NULL },
    { "--to beta a b",            "GUEST",  "\"b\" is one word too many", NULL, NULL, NULL },
    { "--to beta a",              "",       "\"a\" is one word too many", NULL, NULL, NULL },
    { "web --to",                 "GUEST",  "missing argument for --to", NULL, NULL, NULL },
    { "web --two beta",           "GUEST",  "unknown option --two", NULL, NULL, NULL },
    { "web -x",                   "GUEST",  "unknown option -x", NULL, NULL, NULL },
    { "web --t beta",             "GUEST",  "unknown option --t", NULL, NULL, NULL }, /* no short forms */
    { "web --detach=yes",         "GUEST",  "\"--detach=yes\": this option has no value", NULL, NULL, NULL },
    { "web --to=",                "GUEST",  "--to is empty", NULL, NULL, NULL },
    { "--to beta --socket= web",  "GUEST",  "--socket is empty", NULL, NULL, NULL },
    { "--to beta ",               "[FILE]", "FILE is empty", NULL, NULL, NULL },
    { "web --to --detach=yes",    "GUEST",  NULL, "--detach=yes", "web", NULL },
    { "web\xff --to beta",        "GUEST",  "argument 1 is not UTF-8 text", NULL, NULL, NULL },
};
/* clang-format on */

static void
test_take(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Row *row = &rows[i];
        g_autoptr(FerryArguments) arguments = ferry_arguments_new();
        g_auto(GStrv) argv = g_strsplit(row->line, " ", -1);
        g_autoptr(GError) error = NULL;
        bool ok = ferry_arguments_take(arguments, options, row->words, argv, &error);

        g_test_message("row %zu", i);
        if (row->message) {
            g_assert_false(ok);
            g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
            g_assert_cmpstr(error->message, ==, row->message);
            continue;
        }
        g_assert_no_error(error);
        g_assert_cmpstr(ferry_arguments_value(arguments, "to"), ==, row->to);
        g_assert_cmpstr(ferry_arguments_word(arguments, 0), ==, row->first);
        g_assert_cmpstr(ferry_arguments_word(arguments, 1), ==, row->second);
        g_assert_cmpint(ferry_arguments_given(arguments, "detach"), ==,
                        g_strrstr(row->line, " --detach ") != NULL);
    }
}

static const FerryOption repeated[] = {
    { "pf", 'p', "PF", "one of them; may be repeated", FERRY_OPTION_REPEATED },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

typedef struct {
    const char *line;
    const char *values; /* joined */
} RepeatedRow;

static const RepeatedRow repeated_rows[] = {
    { "a", "" },
    { "a --pf eth3", "eth3" },
    { "--pf eth3 a -p eth4 --pf=eth3", "eth3 eth4 eth3" },
};

static void
test_repeated_is_empty(void)
{
    g_autoptr(FerryArguments) arguments = ferry_arguments_new();
    g_auto(GStrv) argv = g_strsplit("a --pf eth3 --pf=", " ", -1);
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_arguments_take(arguments, repeated, "A", argv, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, "--pf is empty");
}

static void
test_repeated(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(repeated_rows); i++) {
        const RepeatedRow *row = &repeated_rows[i];
        g_autoptr(FerryArguments) arguments = ferry_arguments_new();
        g_auto(GStrv) argv = g_strsplit(row->line, " ", -1);
        g_autofree char *values = NULL;

        g_assert_true(ferry_arguments_take(arguments, repeated, "A", argv, NULL));
        values = g_strjoinv(" ", (char **)ferry_arguments_values(arguments, "pf"));
        g_assert_cmpstr(values, ==, row->values);
        g_assert_cmpint(ferry_arguments_given(arguments, "pf"), ==, values[0] != '\0');
        g_assert_null(ferry_arguments_values(arguments, "nothing")[0]);
    }
}

/* What stands before a group's name is read alone; the rest stays for the group. */
static void
test_take_leading(void)
{
    g_autoptr(FerryArguments) arguments = ferry_arguments_new();
    g_auto(GStrv) argv = g_strsplit("--json --socket /s guest show --to x", " ", -1);
    g_autoptr(GError) error = NULL;
    g_autofree char *left = NULL;

    g_assert_true(ferry_arguments_take_leading(arguments, NULL, &argv, &error));
    g_assert_no_error(error);
    left = g_strjoinv(" ", argv);
    g_assert_cmpstr(left, ==, "guest show --to x");
    g_assert_true(ferry_arguments_given(arguments, "json"));
    g_assert_cmpstr(ferry_arguments_value(arguments, "socket"), ==, "/s");
    g_assert_null(ferry_arguments_value(arguments, "nothing"));
}

static void
test_leading_refuses_unknown(void)
{
    g_autoptr(FerryArguments) arguments = ferry_arguments_new();
    g_auto(GStrv) argv = g_strsplit("--nothing guest", " ", -1);
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_arguments_take_leading(arguments, NULL, &argv, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(argv[0], ==, "--nothing");
}

/* The environment counts where the command line is silent. */
static void
test_socket_of_the_environment(void)
{
    char *none[] = { NULL };
    char *given[] = { (char *)"--socket=/given", NULL };
    g_autoptr(FerryArguments) silent = NULL;
    g_autoptr(FerryArguments) spoken = NULL;
    g_autoptr(FerryArguments) empty = NULL;

    g_assert_true(g_setenv("FERRY_SOCKET", "/environment", TRUE));
    silent = ferry_arguments_new();
    spoken = ferry_arguments_new();
    g_unsetenv("FERRY_SOCKET");
    g_assert_true(ferry_arguments_take(silent, NULL, "", none, NULL));
    g_assert_true(ferry_arguments_take(spoken, NULL, "", given, NULL));
    g_assert_cmpstr(ferry_arguments_value(silent, "socket"), ==, "/environment");
    g_assert_cmpstr(ferry_arguments_value(spoken, "socket"), ==, "/given");
    g_assert_true(g_setenv("FERRY_SOCKET", "", TRUE));
    empty = ferry_arguments_new();
    g_unsetenv("FERRY_SOCKET");
    g_assert_null(ferry_arguments_value(empty, "socket"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arguments/take", test_take);
    g_test_add_func("/arguments/repeated", test_repeated);
    g_test_add_func("/arguments/repeated-is-empty", test_repeated_is_empty);
    g_test_add_func("/arguments/take-leading", test_take_leading);
    g_test_add_func("/arguments/leading-refuses-unknown", test_leading_refuses_unknown);
    g_test_add_func("/arguments/socket-of-the-environment", test_socket_of_the_environment);
    return g_test_run();
}
