#include "cli/arguments.h"

#include <string.h>

#include "base/error.h"

const FerryOption ferry_arguments_common[] = {
    { "json", 0, NULL, "print JSON, with the names of the HTTP API", FERRY_OPTION_OPTIONAL },
    { "socket", 0, "PATH", "where ferryd listens (FERRY_SOCKET)", FERRY_OPTION_OPTIONAL },
    { "help", 'h', NULL, "print this help", FERRY_OPTION_OPTIONAL },
    { NULL, 0, NULL, NULL, FERRY_OPTION_OPTIONAL },
};

/* What GLib's parser writes to: one place for each option, which must not move. */
typedef struct {
    const FerryOption *option;
    char *value;
    char **values; /* of a repeated one */
    char *before;  /* its value before the parsing of now: GLib would drop it without freeing it */
    gboolean given;
} Place;

struct _FerryArguments {
    GPtrArray *places; /* of Place, by name */
    char **words;
};

static void
place_free(gpointer data)
{
    Place *place = data;

    g_free(place->value);
    g_strfreev(place->values);
    g_free(place->before);
    g_free(place);
}

static void
set_aside(gpointer data, gpointer unused)
{
    Place *place = data;

    (void)unused;
    place->before = g_steal_pointer(&place->value);
}

static void
fall_back(gpointer data, gpointer unused)
{
    Place *place = data;

    (void)unused;
    if (place->value == NULL)
        place->value = g_steal_pointer(&place->before);
    g_clear_pointer(&place->before, g_free);
}

static Place *
find(const FerryArguments *self, const char *name)
{
    for (size_t i = 0; i < self->places->len; i++) {
        Place *place = g_ptr_array_index(self->places, i);
        if (strcmp(place->option->name, name) == 0)
            return place;
    }
    return NULL;
}

static void
add(FerryArguments *self, const FerryOption *options)
{
    for (const FerryOption *option = options; option && option->name; option++) {
        if (find(self, option->name))
            continue;
        Place *place = g_new0(Place, 1);
        place->option = option;
        g_ptr_array_add(self->places, place);
    }
}

FerryArguments *
ferry_arguments_new(void)
{
    FerryArguments *self = g_new0(FerryArguments, 1);
    const char *socket = g_getenv("FERRY_SOCKET");

    self->places = g_ptr_array_new_with_free_func(place_free);
    add(self, ferry_arguments_common);
    if (socket && *socket)
        find(self, "socket")->value = g_strdup(socket);
    return self;
}

void
ferry_arguments_free(FerryArguments *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->places);
    g_strfreev(self->words);
    g_free(self);
}

/* FILENAME and not STRING: that would convert from the locale's encoding. */
static void
choose_kind(GOptionEntry *row, Place *place)
{
    row->arg = G_OPTION_ARG_FILENAME;
    row->arg_data = &place->value;
    if (place->option->value == NULL) {
        row->arg = G_OPTION_ARG_NONE;
        row->arg_data = &place->given;
    } else if (place->option->need == FERRY_OPTION_REPEATED) {
        row->arg = G_OPTION_ARG_FILENAME_ARRAY;
        row->arg_data = &place->values;
    }
}

/* GLib's rows for ours. */
static GOptionEntry *
entries(const FerryArguments *self)
{
    GOptionEntry *rows = g_new0(GOptionEntry, self->places->len + 1);

    for (size_t i = 0; i < self->places->len; i++) {
        Place *place = g_ptr_array_index(self->places, i);
        rows[i].long_name = place->option->name;
        rows[i].short_name = place->option->letter;
        choose_kind(&rows[i], place);
    }
    return rows;
}

/* GLib's own messages are good, but start with a capital letter and may be translated. */
static bool
fail(GError **error, GError *found)
{
    found->message[0] = g_ascii_tolower(found->message[0]);
    g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID, found->message);
    return false;
}

/* GLib passes over the "=no" of "--detach=no", which then means yes. */
static bool
is_flag_with_value(const FerryArguments *self, const char *word)
{
    const char *equals = strchr(word, '=');
    g_autofree char *name = NULL;
    const Place *place = NULL;

    if (!g_str_has_prefix(word, "--") || equals == NULL)
        return false;
    name = g_strndup(word + 2, (size_t)(equals - word - 2));
    place = find(self, name);
    return place && place->option->value == NULL;
}

/* "--socket", whose value is the next word. */
static bool
takes_next(const FerryArguments *self, const char *word)
{
    const Place *place = g_str_has_prefix(word, "--") ? find(self, word + 2) : NULL;

    return place && place->option->value != NULL;
}

/* Of the leading ones only what stands before the first word: the rest is for its command. */
static bool
check_flags(const FerryArguments *self, gboolean leading, char *const *argv, GError **error)
{
    for (; *argv && strcmp(*argv, "--") != 0 && !(leading && **argv != '-'); argv++) {
        if (is_flag_with_value(self, *argv)) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "\"%s\": this option has no value",
                        *argv);
            return false;
        }
        if (takes_next(self, *argv) && argv[1])
            argv++;
    }
    return true;
}

static bool
check_text(char *const *argv, GError **error)
{
    for (size_t i = 0; argv[i]; i++)
        if (!g_utf8_validate(argv[i], -1, NULL)) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "argument %zu is not UTF-8 text",
                        i + 1);
            return false;
        }
    return true;
}

static bool
parse(FerryArguments *self, gboolean leading, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autofree GOptionEntry *rows = entries(self);
    g_autoptr(GError) found = NULL;
    /* GLib takes what comes first for the program's name. */
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    char **left = NULL;
    bool parsed = false;

    if (!check_flags(self, leading, *argv, error) || !check_text(*argv, error))
        return false;
    g_ptr_array_add(all, g_strdup("ferry"));
    for (size_t i = 0; (*argv)[i]; i++)
        g_ptr_array_add(all, g_strdup((*argv)[i]));
    g_ptr_array_add(all, NULL);
    left = (char **)g_ptr_array_steal(all, NULL);

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_strict_posix(context, leading);
    g_option_context_add_main_entries(context, rows, NULL);
    g_ptr_array_foreach(self->places, set_aside, NULL);
    parsed = g_option_context_parse_strv(context, &left, &found);
    g_ptr_array_foreach(self->places, fall_back, NULL);
    if (!parsed) {
        g_strfreev(left);
        return fail(error, found);
    }
    g_strfreev(*argv);
    *argv = g_strdupv(left + 1);
    g_strfreev(left);
    return true;
}

bool
ferry_arguments_take_leading(FerryArguments *self,
                             const FerryOption *options,
                             char ***argv,
                             GError **error)
{
    add(self, options);
    return parse(self, TRUE, argv, error);
}

/* @words against what was given: "GUEST [FILE]". */
static bool
check_words(const FerryArguments *self, const char *words, GError **error)
{
    g_auto(GStrv) wanted = g_strsplit(words, " ", -1);
    size_t n_wanted = *words ? g_strv_length(wanted) : 0;
    size_t n_given = g_strv_length(self->words);

    for (size_t i = 0; i < MIN(n_given, n_wanted); i++)
        if (self->words[i][0] == '\0') { /* a variable of a script that was never set */
            g_strdelimit(wanted[i], "[]", ' ');
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "%s is empty",
                        g_strstrip(wanted[i]));
            return false;
        }
    for (size_t i = n_given; i < n_wanted; i++)
        if (wanted[i][0] != '[') {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "missing %s", wanted[i]);
            return false;
        }
    if (n_given > n_wanted && !g_str_has_suffix(words, "...]")) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "\"%s\" is one word too many",
                    self->words[n_wanted]);
        return false;
    }
    return true;
}

static bool
is_empty(const Place *place)
{
    return (place->value && *place->value == '\0') ||
           (place->values && g_strv_contains((const char *const *)place->values, ""));
}

static bool
check_options(const FerryArguments *self, GError **error)
{
    for (size_t i = 0; i < self->places->len; i++) {
        const Place *place = g_ptr_array_index(self->places, i);
        if (is_empty(place)) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "--%s is empty",
                        place->option->name);
            return false;
        }
        if (place->option->need == FERRY_OPTION_NEEDED && place->value == NULL) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "missing --%s %s",
                        place->option->name, place->option->value);
            return false;
        }
    }
    return true;
}

/* GLib leaves the "--" in where the word after it starts with a dash. */
static void
remove_separator(GStrv words)
{
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], "--") == 0) {
            g_free(words[i]);
            do
                words[i] = words[i + 1];
            while (words[i++]);
            return;
        }
}

bool
ferry_arguments_take(FerryArguments *self,
                     const FerryOption *options,
                     const char *words,
                     char *const *argv,
                     GError **error)
{
    g_auto(GStrv) left = g_strdupv((char **)argv);

    add(self, options);
    if (!parse(self, FALSE, &left, error))
        return false;
    remove_separator(left);
    g_strfreev(self->words);
    self->words = g_steal_pointer(&left);
    /* A call for help needs nothing else to be right. */
    return ferry_arguments_given(self, "help") ||
           (check_words(self, words, error) && check_options(self, error));
}

bool
ferry_arguments_given(const FerryArguments *self, const char *name)
{
    const Place *place = find(self, name);

    return place && (place->given || place->value || place->values);
}

const char *
ferry_arguments_value(const FerryArguments *self, const char *name)
{
    const Place *place = find(self, name);

    return place ? place->value : NULL;
}

const char *const *
ferry_arguments_values(const FerryArguments *self, const char *name)
{
    static const char *const none[] = { NULL };
    const Place *place = find(self, name);

    return place && place->values ? (const char *const *)place->values : none;
}

const char *
ferry_arguments_word(const FerryArguments *self, size_t i)
{
    return i < g_strv_length(self->words) ? self->words[i] : NULL;
}
