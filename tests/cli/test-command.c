#include "cli/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/file.h"

/* What a command's function was called with: its words and --to, as its exit code and on stdout. */
static int
echo(FerryArguments *arguments)
{
    printf("first %s second %s to %s json %d", ferry_arguments_word(arguments, 0),
           ferry_arguments_word(arguments, 1), ferry_arguments_value(arguments, "to"),
           ferry_arguments_given(arguments, "json"));
    return 42;
}

static const FerryOption options[] = {
    { "to", 't', "HOST", "where to", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};
static const FerryOption needed[] = {
    { "to", 0, "HOST", "where to", FERRY_OPTION_NEEDED },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};
static const FerryVerb group[] = {
    { "list", "", "list them", NULL, echo },
    { "show", "ONE [TWO]", "show one", options, echo },
    { NULL, NULL, NULL, NULL, NULL },
};
static const FerryVerb alone[] = {
    { NULL, "ONE", "do it", needed, echo },
    { NULL, NULL, NULL, NULL, NULL },
};

typedef struct {
    const char *line; /* split at blanks; the first word is the group */
    const FerryVerb *verbs;
    int code;
    const char *out, *err; /* parts of them; "" for none */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "g list",                group, 42, "first (null) second (null) to (null) json 0", "" },
    { "g --json list",         group, 42, "json 1", "" },
    { "g list --json",         group, 42, "json 1", "" },
    { "g show a b --to x",     group, 42, "first a second b to x", "" },
    { "g show -t x -- -a",     group, 42, "first -a second (null) to x", "" },
    { "g",                     group, 2,  "", "ferry: missing command: run \"ferry g --help\"\n" },
    { "g shew",                group, 2,  "", "ferry: no command \"shew\": run \"ferry g --help\"\n" },
    { "g --to x list",         group, 2,  "", "ferry: unknown option --to: run \"ferry g --help\"\n" },
    { "g list x",              group, 2,  "", "ferry: \"x\" is one word too many: run \"ferry g list --help\"\n" },
    { "g list --json=yes",     group, 2,  "", "ferry: \"--json=yes\": this option has no value: run \"ferry g list --help\"\n" },
    { "g --json= list",        group, 2,  "", "ferry: \"--json=\": this option has no value: run \"ferry g --help\"\n" },
    { "g show -- --json=yes",  group, 42, "first --json=yes", "" },
    { "alone a --help=1",      alone, 2,  "", "ferry: \"--help=1\": this option has no value: run \"ferry alone --help\"\n" },
    { "g show",                group, 2,  "", "ferry: missing ONE: run \"ferry g show --help\"\n" },
    { "g --help",              group, 0,  "  ferry g list            list them\n  ferry g show ONE [TWO]  show one\n", "" },
    { "g show --help",         group, 0,  "  -t, --to HOST              where to\n", "" },
    { "g show a --help extra words", group, 0, "usage: ferry g show ONE [TWO] [OPTION...]\nshow one\n", "" },
    { "alone a --to x",        alone, 42, "first a second (null) to x", "" },
    { "alone --json --to=x a", alone, 42, "first a second (null) to x json 1", "" },
    { "alone a",               alone, 2,  "", "ferry: missing --to HOST: run \"ferry alone --help\"\n" },
    { "alone -h",              alone, 0,  "usage: ferry alone ONE --to HOST [OPTION...]\n", "" },
};
/* clang-format on */

/* A descriptor of this program that goes to a file for a while. */
typedef struct {
    int fd, before;
    char *path;
} Capture;

static Capture
capture(int fd)
{
    Capture self = { .fd = fd, .before = dup(fd) };
    FERRY_AUTOFD int file = g_file_open_tmp("ferry-cli-XXXXXX", &self.path, NULL);

    g_assert_cmpint(fflush(NULL), ==, 0);
    g_assert_cmpint(dup2(file, fd), ==, fd);
    return self;
}

/* Ends it; (transfer full): what was written. */
static char *
release(Capture *self)
{
    char *text = NULL;

    g_assert_cmpint(fflush(NULL), ==, 0);
    g_assert_cmpint(dup2(self->before, self->fd), ==, self->fd);
    ferry_fd_clear(&self->before);
    g_assert_true(ferry_file_read(self->path, 65536, &text, NULL));
    g_assert_cmpint(g_remove(self->path), ==, 0);
    g_free(self->path);
    return text;
}

static void
assert_part(const char *text, const char *part)
{
    if (*part ? strstr(text, part) == NULL : *text != '\0')
        g_error("\"%s\" is not in \"%s\"", part, text);
}

static void
test_run(gconstpointer data)
{
    const Row *row = data;
    g_auto(GStrv) argv = g_strsplit(row->line, " ", -1);
    Capture out = capture(STDOUT_FILENO);
    Capture err = capture(STDERR_FILENO);
    int code = ferry_command_run(row->verbs, (int)g_strv_length(argv), argv);
    g_autofree char *err_text = release(&err);
    g_autofree char *out_text = release(&out);

    g_assert_cmpint(code, ==, row->code);
    assert_part(out_text, row->out);
    assert_part(err_text, row->err);
}

/* Every error has its own exit code, GLib's too; a message cannot speak to the terminal. */
static void
test_fail(void)
{
    for (unsigned code = 0; code < FERRY_ERROR_N_CODES; code++) {
        g_autoptr(GError) error = g_error_new(FERRY_ERROR, (int)code, "a\n\033[2Jb\xff");
        Capture err = capture(STDERR_FILENO);
        int exit_code = ferry_command_fail(error);
        g_autofree char *text = release(&err);

        g_assert_cmpint(exit_code, ==, ferry_error_info((FerryErrorCode)code)->exit_code);
        g_assert_cmpstr(text, ==, "ferry: a??[2Jb\xef\xbf\xbd\n");
    }
}

static void
test_fail_of_glib(void)
{
    g_autoptr(GError) error = g_error_new(G_FILE_ERROR, G_FILE_ERROR_NOENT, "no file");
    Capture err = capture(STDERR_FILENO);
    int exit_code = ferry_command_fail(error);
    g_autofree char *text = release(&err);

    g_assert_cmpint(exit_code, ==, 9);
    g_assert_cmpstr(text, ==, "ferry: no file\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strdup_printf("/command/run/%zu", i);
        g_test_add_data_func(path, &rows[i], test_run);
    }
    g_test_add_func("/command/fail", test_fail);
    g_test_add_func("/command/fail-of-glib", test_fail_of_glib);
    return g_test_run();
}
