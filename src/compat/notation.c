/*
 * The text notation of a list entry.  One pass over the lines, left to right, so that the first
 * fault met is the first one of the text:
 *
 *   line     = key "=" value | "set:" key "=" value | "!" key | "#" comment
 *   value    = "*" | quoted | group ("/" | "*") number | { text | group }
 *   group    = "{" name "}" | "{" name ":" type ":" item { "," item } "}"
 *
 * Groups are in notation-group.c.
 */
#include "compat/notation-group.h"

#include <string.h>

#define BLANKS " \t"

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Reads KEY at @start to @stop and checks that it may stand here. */
static bool
read_key(FerryNotationReader *self, size_t start, size_t stop, FerryTerm *term)
{
    FerryNotationCode code = FERRY_NOTATION_BAD_KEY;

    g_free(term->key);
    term->key = g_strndup(self->text + start, stop - start);
    if (!ferry_notation_key_is_allowed(term->key, term, &code))
        return ferry_notation_fail(self, code, start);
    for (guint i = 0; i < self->entry->terms->len; i++) {
        const FerryTerm *other = self->entry->terms->pdata[i];
        if (other->is_directive == term->is_directive && strcmp(other->key, term->key) == 0)
            return ferry_notation_fail(self, FERRY_NOTATION_DUPLICATE_KEY, start);
    }
    return true;
}

/* Text that is a value as it stands, quoted or not. */
static bool
read_literal(FerryTerm *term, const char *text, bool is_quoted, FerryValueStatus *status)
{
    FerryFraction quantity;

    term->sort = FERRY_TERM_LITERAL;
    *status = FERRY_VALUE_OK;
    if (ferry_key_has_own_rule(term->key)) {
        *status = ferry_value_parse(term->key, text, &term->literal);
    } else if (is_quoted && strstr(text, FERRY_SET_SEPARATOR) != NULL) {
        g_auto(GStrv) elements = g_strsplit(text, FERRY_SET_SEPARATOR, -1);
        *status = strlen(text) > FERRY_STRING_MAX
                      ? FERRY_VALUE_TOO_LONG
                      : ferry_value_make_set((const char *const *)elements, g_strv_length(elements),
                                             &term->literal);
    } else if (!is_quoted && ferry_fraction_has_form(text)) {
        if (ferry_fraction_parse(text, &quantity))
            term->literal = ferry_value_of_quantity(quantity);
        else
            *status = FERRY_VALUE_OUT_OF_RANGE;
    } else if (!is_quoted && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        term->literal = ferry_value_of_flag(text);
    } else {
        *status = ferry_value_parse(term->key, text, &term->literal);
    }
    return *status == FERRY_VALUE_OK;
}

static bool
read_quoted(FerryNotationReader *self, FerryTerm *term)
{
    size_t opening = self->at;
    const char *start = self->text + opening + 1;
    const char *closing = memchr(start, '"', self->end - opening - 1);
    const char *backslash = NULL;
    g_autofree char *text = NULL;
    FerryValueStatus status = FERRY_VALUE_OK;

    if (closing == NULL)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_QUOTE, opening);
    if (closing == start)
        return ferry_notation_fail(self, FERRY_NOTATION_EMPTY_VALUE, opening);
    backslash = memchr(start, '\\', (size_t)(closing - start));
    if (backslash != NULL)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_LITERAL,
                                   (size_t)(backslash - self->text));
    self->at = (size_t)(closing - self->text) + 1;
    if (self->at < self->end)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_QUOTE, self->at);

    text = g_strndup(start, (size_t)(closing - start));
    if (!read_literal(term, text, true, &status))
        return ferry_notation_fail(self, ferry_notation_code_of_value(status), opening);
    return true;
}

/* GROUP/number or GROUP*number, the group being read: nothing may follow. */
static bool
read_operator(FerryNotationReader *self, FerryTerm *term)
{
    size_t at = self->at;
    bool divides = self->text[at] == '/';
    const char *number = self->text + at + 1;
    size_t size = self->end - at - 1;
    const FerryVariable *variable =
        self->entry->variables->pdata[g_array_index(term->pieces, FerryPiece, 0).variable];
    int64_t value = 0;

    if (divides && size == 1 && number[0] == '0')
        return ferry_notation_fail(self, FERRY_NOTATION_ZERO_DIVISOR, at);
    if (variable->type != FERRY_VARIABLE_INT || size == 0 || number[0] == '-' || number[0] == '0' ||
        !ferry_integer_has_form(number, size))
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_EXPR, at);
    if (!ferry_integer_parse(number, size, &value))
        return ferry_notation_fail(self, FERRY_NOTATION_NUMBER_RANGE, at + 1);

    term->sort = FERRY_TERM_QUANTITY;
    term->mul = divides ? 1 : (int32_t)value;
    term->div = divides ? (int32_t)value : 1;
    self->at = self->end;
    return true;
}

/* Text and groups in a row, to the end of the line. */
static bool
read_pieces(FerryNotationReader *self, FerryTerm *term)
{
    size_t value = self->at;

    while (self->at < self->end) {
        size_t run = self->at;
        while (self->at < self->end && strchr(BLANKS "\"{}\\", self->text[self->at]) == NULL)
            self->at++;
        if (self->at > run)
            ferry_term_add_piece(term, self->text + run, self->at - run, 0);
        if (self->at == self->end)
            break;
        if (self->text[self->at] != '{')
            return ferry_notation_fail(self, FERRY_NOTATION_BAD_LITERAL, self->at);
        run = self->at;
        if (!ferry_notation_read_group(self, term))
            return false;
        if (run == value && self->at < self->end && strchr("/*", self->text[self->at]) != NULL)
            return read_operator(self, term);
    }
    return true;
}

static bool
read_template(FerryNotationReader *self, FerryTerm *term)
{
    size_t value = self->at;
    const FerryPiece *first = NULL;
    FerryValueStatus status = FERRY_VALUE_OK;

    term->sort = FERRY_TERM_TEMPLATE;
    if (!read_pieces(self, term))
        return false;
    first = &g_array_index(term->pieces, FerryPiece, 0);
    if (term->pieces->len == 1 && first->text != NULL) {
        g_autofree char *text = g_strdup(first->text);
        g_array_set_size(term->pieces, 0);
        if (!read_literal(term, text, false, &status))
            return ferry_notation_fail(self, ferry_notation_code_of_value(status), value);
        return true;
    }
    if (term->pieces->len == 1 && term->sort == FERRY_TERM_TEMPLATE) {
        const FerryVariable *variable = self->entry->variables->pdata[first->variable];
        if (variable->type == FERRY_VARIABLE_INT)
            term->sort = FERRY_TERM_QUANTITY;
        term->splits = variable->type == FERRY_VARIABLE_STRING;
    }
    status = ferry_term_finish(self->entry, term);
    if (status != FERRY_VALUE_OK)
        return ferry_notation_fail(self, ferry_notation_code_of_value(status), value);
    return true;
}

static bool
read_value(FerryNotationReader *self, FerryTerm *term)
{
    size_t size = self->end - self->at;

    if (size == 0)
        return ferry_notation_fail(self, FERRY_NOTATION_EMPTY_VALUE, self->at);
    if (size == 1 && self->text[self->at] == '*') {
        if (self->sort == FERRY_BODY_PLAIN)
            return ferry_notation_fail(self, FERRY_NOTATION_NOT_PLAIN, self->at);
        /* A target cannot be made with "anything". */
        if (term->is_directive)
            return ferry_notation_fail(self, FERRY_NOTATION_BAD_VALUE, self->at);
        term->sort = FERRY_TERM_ANY;
        return true;
    }
    if (self->text[self->at] == '"')
        return read_quoted(self, term);
    return read_template(self, term);
}

/* The line at self->at to self->end, without blanks around it and not empty. */
static bool
read_line(FerryNotationReader *self)
{
    g_autoptr(FerryTerm) term = ferry_term_new("");
    size_t start = self->at;
    size_t key = start;
    const char *equals = memchr(self->text + start, '=', self->end - start);
    bool is_absent = self->text[start] == '!';

    if (self->entry->terms->len == FERRY_ENTRY_TERMS_MAX)
        return ferry_notation_fail(self, FERRY_NOTATION_TOO_MANY_KEYS, start);
    term->is_directive = self->end - start >= 4 && strncmp(self->text + start, "set:", 4) == 0;
    if (self->sort == FERRY_BODY_PLAIN && (is_absent || term->is_directive))
        return ferry_notation_fail(self, FERRY_NOTATION_NOT_PLAIN, start);
    if (is_absent) {
        term->sort = FERRY_TERM_ABSENT;
        if (!read_key(self, start + 1, self->end, term))
            return false;
        g_ptr_array_add(self->entry->terms, g_steal_pointer(&term));
        return true;
    }
    if (equals == NULL)
        return ferry_notation_fail(self, FERRY_NOTATION_NO_EQUALS, start);
    key += term->is_directive ? 4 : 0;
    if (!read_key(self, key, (size_t)(equals - self->text), term))
        return false;
    self->at = (size_t)(equals - self->text) + 1;
    if (!read_value(self, term))
        return false;
    g_ptr_array_add(self->entry->terms, g_steal_pointer(&term));
    return true;
}

static bool
read_lines(FerryNotationReader *self, size_t start, size_t end)
{
    while (start < end) {
        const char *newline = memchr(self->text + start, '\n', end - start);
        size_t next = newline != NULL ? (size_t)(newline - self->text) + 1 : end;

        self->at = start;
        self->end = newline != NULL ? next - 1 : end;
        while (self->at < self->end && is_blank(self->text[self->at]))
            self->at++;
        while (self->end > self->at && is_blank(self->text[self->end - 1]))
            self->end--;
        if (self->at < self->end && self->text[self->at] != '#' && !read_line(self))
            return false;
        start = next;
    }
    return true;
}

FerryEntry *
ferry_notation_parse_body(const char *text,
                          size_t start,
                          size_t end,
                          FerryBodySort sort,
                          uint64_t budget,
                          size_t header,
                          FerryNotationFault *fault)
{
    g_autoptr(FerryEntry) entry = ferry_entry_new();
    FerryNotationReader reader = { .text = text,
                                   .entry = entry,
                                   .sort = sort,
                                   .budget = MIN(budget, FERRY_EXPANSIONS_MAX),
                                   .fault = fault };

    if (!read_lines(&reader, start, end))
        return NULL;
    if (entry->terms->len == 0 || entry->count > budget) {
        *fault = (FerryNotationFault){ entry->terms->len == 0 ? FERRY_NOTATION_EMPTY_ENTRY
                                                              : FERRY_NOTATION_TOO_MANY_EXPANSIONS,
                                       header };
        return NULL;
    }
    ferry_entry_finish(entry);
    return g_steal_pointer(&entry);
}

size_t
ferry_notation_find_bad_char(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isprint(text[i]) && text[i] != '\n' && text[i] != '\t')
            return i;
    }
    return SIZE_MAX;
}

FerryEntry *
ferry_notation_parse(const char *text, size_t size, FerryNotationFault *fault)
{
    size_t bad = ferry_notation_find_bad_char(text, MIN(size, FERRY_ENTRY_TEXT_MAX));

    if (size > FERRY_ENTRY_TEXT_MAX) {
        *fault = (FerryNotationFault){ FERRY_NOTATION_TOO_LONG, FERRY_ENTRY_TEXT_MAX };
        return NULL;
    }
    if (bad != SIZE_MAX) {
        *fault = (FerryNotationFault){ FERRY_NOTATION_BAD_CHAR, bad };
        return NULL;
    }
    return ferry_notation_parse_body(text, 0, size, FERRY_BODY_ENTRY, FERRY_EXPANSIONS_MAX, 0,
                                     fault);
}
