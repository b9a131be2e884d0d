#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/table.h"

int
ferry_command_fail(const GError *error)
{
    g_autofree char *valid = g_utf8_make_valid(error->message, -1);
    g_autofree char *clean = ferry_table_printable(valid); /* it may quote another host */

    fprintf(stderr, "ferry: %s\n", clean);
    /* GLib's own domains (files, for one) have no row. */
    return ferry_error_info(error->domain == FERRY_ERROR ? (FerryErrorCode)error->code
                                                         : FERRY_ERROR_IO)
        ->exit_code;
}

/* "ferry guest show GUEST", as it is typed. */
static char *
usage(const char *group, const FerryVerb *verb)
{
    g_autoptr(GString) text = g_string_new("ferry ");

    g_string_append(text, group);
    if (verb->name)
        g_string_append_printf(text, " %s", verb->name);
    if (*verb->words)
        g_string_append_printf(text, " %s", verb->words);
    for (const FerryOption *option = verb->options; option && option->name; option++)
        if (option->need == FERRY_OPTION_NEEDED)
            g_string_append_printf(text, " --%s %s", option->name, option->value);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

void
ferry_command_print_options(const FerryOption *options)
{
    for (const FerryOption *option = options; option && option->name; option++) {
        g_autoptr(GString) left = g_string_new("  ");

        if (option->letter)
            g_string_append_printf(left, "-%c, ", option->letter);
        g_string_append_printf(left, "--%s", option->name);
        if (option->value)
            g_string_append_printf(left, " %s", option->value);
        printf("%-28s %s\n", left->str, option->summary);
    }
}

static int
print_verb_help(const char *group, const FerryVerb *verb)
{
    g_autofree char *line = usage(group, verb);

    printf("usage: %s [OPTION...]\n%s\n\n", line, verb->summary);
    ferry_command_print_options(verb->options);
    ferry_command_print_options(ferry_arguments_common);
    printf("\nThe manual is ferry-%s(1).\n", group);
    return FERRY_EXIT_DONE;
}

/* As wide as the longest command, so that no summary runs into one. */
static int
usage_width(const char *group, const FerryVerb *verbs)
{
    size_t width = 0;

    for (const FerryVerb *verb = verbs; verb->run; verb++) {
        g_autofree char *line = usage(group, verb);

        width = MAX(width, strlen(line));
    }
    return (int)width;
}

static int
print_group_help(const char *group, const FerryVerb *verbs)
{
    const int width = usage_width(group, verbs);

    printf("usage: ferry %s COMMAND ...\n\n", group);
    for (const FerryVerb *verb = verbs; verb->run; verb++) {
        g_autofree char *line = usage(group, verb);
        printf("  %-*s  %s\n", width, line, verb->summary);
    }
    printf("\n\"ferry %s COMMAND --help\" lists a command's options; the manual is ferry-%s(1).\n",
           group, group);
    return FERRY_EXIT_DONE;
}

static int
wrong_usage(const GError *error, const char *group, const FerryVerb *verb)
{
    fprintf(stderr, "ferry: %s: run \"ferry %s%s%s --help\"\n", error->message, group,
            verb && verb->name ? " " : "", verb && verb->name ? verb->name : "");
    return FERRY_EXIT_USAGE;
}

static const FerryVerb *
find_verb(const FerryVerb *verbs, const char *name, GError **error)
{
    for (const FerryVerb *verb = verbs; verb->run; verb++)
        if (verb->name == NULL || g_strcmp0(verb->name, name) == 0)
            return verb;
    if (name == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "missing command");
    else
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "no command \"%s\"", name);
    return NULL;
}

int
ferry_command_run(const FerryVerb *verbs, int argc, char **argv)
{
    g_autoptr(FerryArguments) arguments = ferry_arguments_new();
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) rest = g_strdupv(argv + 1);
    const FerryVerb *verb = verbs->name ? NULL : verbs; /* a group that is its own command */

    g_assert(argc > 0);
    if (verb == NULL) {
        if (!ferry_arguments_take_leading(arguments, NULL, &rest, &error))
            return wrong_usage(error, argv[0], NULL);
        if (ferry_arguments_given(arguments, "help"))
            return print_group_help(argv[0], verbs);
        verb = find_verb(verbs, rest[0], &error);
        if (verb == NULL)
            return wrong_usage(error, argv[0], NULL);
    }
    if (!ferry_arguments_take(arguments, verb->options, verb->words, rest + (verb->name ? 1 : 0),
                              &error))
        return wrong_usage(error, argv[0], verb);
    if (ferry_arguments_given(arguments, "help"))
        return print_verb_help(argv[0], verb);
    return verb->run(arguments);
}
