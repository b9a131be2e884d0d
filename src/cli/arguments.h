#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/** Whether a command makes sense without an option, and with several of them. */
typedef enum {
    FERRY_OPTION_OPTIONAL,
    FERRY_OPTION_NEEDED,
    FERRY_OPTION_REPEATED, /* any number of times, see ferry_arguments_values() */
} FerryOptionNeed;

/** One option of one command: what --help prints and what the parser takes come from this row. */
typedef struct {
    const char *name;    /* "to" is written --to; a table ends with a row whose name is NULL */
    char letter;         /* 'o' is written -o; 0: none */
    const char *value;   /* "HOST", as the help calls its value; NULL: a flag */
    const char *summary; /* for the help: lower case, no full stop */
    FerryOptionNeed need;
} FerryOption;

/** What was given on one command line: words and options.  Used by one thread. */
typedef struct _FerryArguments FerryArguments;

/** What every command takes besides its own: --json, --socket PATH, --help. */
extern const FerryOption ferry_arguments_common[];

/**
 * Starts with the environment: FERRY_SOCKET, unless it is empty, is the --socket of a command line
 * without it.
 *
 * Returns: (transfer full)
 */
FerryArguments *ferry_arguments_new(void);

void ferry_arguments_free(FerryArguments *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryArguments, ferry_arguments_free)

/**
 * Reads the options that stand before the first word: those of @options and the common ones.
 *
 * @options: (nullable): rows that outlive @self
 * @argv: (inout): NULL-terminated; the options are taken out of it
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the option
 */
bool ferry_arguments_take_leading(FerryArguments *self,
                                  const FerryOption *options,
                                  char ***argv,
                                  GError **error);

/**
 * Reads the rest of a command line: options anywhere, words between them, "--" before words that
 * start with a dash.  An option given twice counts as given last, unless it may be repeated.
 *
 * @options: (nullable): rows that outlive @self
 * @words: what the command takes besides, "GUEST [FILE]": brackets for what may be left out, a
 *         last "..." for any number of the word before it
 * @argv: NULL-terminated
 *
 * Returns: false with FERRY_ERROR_INVALID: unknown option, missing or empty value, missing or
 * surplus word
 */
bool ferry_arguments_take(FerryArguments *self,
                          const FerryOption *options,
                          const char *words,
                          char *const *argv,
                          GError **error);

/** Returns: whether the option @name was given */
bool ferry_arguments_given(const FerryArguments *self, const char *name);

/** Returns: (transfer none) (nullable): the value of option @name, valid UTF-8 */
const char *ferry_arguments_value(const FerryArguments *self, const char *name);

/** Returns: (transfer none): all values of a repeated option, in their order; NULL-terminated */
const char *const *ferry_arguments_values(const FerryArguments *self, const char *name);

/** Returns: (transfer none) (nullable): word number @i, from 0, valid UTF-8 */
const char *ferry_arguments_word(const FerryArguments *self, size_t i);
