#include "compat/notation-group.h"

#include <string.h>

/* clang-format off */
static const char *const code_names[] = {
    [FERRY_NOTATION_BAD_CHAR]            = "bad-char",
    [FERRY_NOTATION_BAD_EXPR]            = "bad-expr",
    [FERRY_NOTATION_BAD_FORM]            = "bad-form",
    [FERRY_NOTATION_BAD_GROUP]           = "bad-group",
    [FERRY_NOTATION_BAD_HEADER]          = "bad-header",
    [FERRY_NOTATION_BAD_ITEM]            = "bad-item",
    [FERRY_NOTATION_BAD_KEY]             = "bad-key",
    [FERRY_NOTATION_BAD_LITERAL]         = "bad-literal",
    [FERRY_NOTATION_BAD_QUOTE]           = "bad-quote",
    [FERRY_NOTATION_BAD_RANGE]           = "bad-range",
    [FERRY_NOTATION_BAD_TYPE]            = "bad-type",
    [FERRY_NOTATION_BAD_VALUE]           = "bad-value",
    [FERRY_NOTATION_DUPLICATE_ITEM]      = "duplicate-item",
    [FERRY_NOTATION_DUPLICATE_KEY]       = "duplicate-key",
    [FERRY_NOTATION_DUPLICATE_VARIABLE]  = "duplicate-variable",
    [FERRY_NOTATION_EMPTY_ENTRY]         = "empty-entry",
    [FERRY_NOTATION_EMPTY_VALUE]         = "empty-value",
    [FERRY_NOTATION_NO_EQUALS]           = "no-equals",
    [FERRY_NOTATION_NOT_PLAIN]           = "not-plain",
    [FERRY_NOTATION_NUMBER_RANGE]        = "number-range",
    [FERRY_NOTATION_RESERVED_KEY]        = "reserved-key",
    [FERRY_NOTATION_TOO_LONG]            = "too-long",
    [FERRY_NOTATION_TOO_MANY_ENTRIES]    = "too-many-entries",
    [FERRY_NOTATION_TOO_MANY_EXPANSIONS] = "too-many-expansions",
    [FERRY_NOTATION_TOO_MANY_KEYS]       = "too-many-keys",
    [FERRY_NOTATION_TOO_MANY_VARIABLES]  = "too-many-variables",
    [FERRY_NOTATION_UNDEFINED_VARIABLE]  = "undefined-variable",
    [FERRY_NOTATION_ZERO_DIVISOR]        = "zero-divisor",
};
/* clang-format on */
G_STATIC_ASSERT(G_N_ELEMENTS(code_names) == FERRY_N_NOTATION_CODES);

static const FerryNotationCode value_codes[] = {
    [FERRY_VALUE_BAD] = FERRY_NOTATION_BAD_VALUE,
    [FERRY_VALUE_TOO_LONG] = FERRY_NOTATION_TOO_LONG,
    [FERRY_VALUE_OUT_OF_RANGE] = FERRY_NOTATION_NUMBER_RANGE,
};

static const FerryNotationCode item_codes[] = {
    [FERRY_ITEM_BAD] = FERRY_NOTATION_BAD_ITEM,
    [FERRY_ITEM_BAD_RANGE] = FERRY_NOTATION_BAD_RANGE,
    [FERRY_ITEM_DUPLICATE] = FERRY_NOTATION_DUPLICATE_ITEM,
    [FERRY_ITEM_OUT_OF_RANGE] = FERRY_NOTATION_NUMBER_RANGE,
};

const char *
ferry_notation_code_name(FerryNotationCode code)
{
    g_assert(code < FERRY_N_NOTATION_CODES);
    return code_names[code];
}

FerryNotationCode
ferry_notation_code_of_value(FerryValueStatus status)
{
    g_assert(status != FERRY_VALUE_OK);
    return value_codes[status];
}

FerryNotationCode
ferry_notation_code_of_item(FerryItemStatus status)
{
    g_assert(status != FERRY_ITEM_OK);
    return item_codes[status];
}

bool
ferry_notation_key_is_allowed(const char *key, const FerryTerm *term, FerryNotationCode *fault)
{
    FerryNameSort sort = ferry_name_sort(key);
    bool is_settable = sort == FERRY_NAME_ATTRIBUTE || strcmp(key, "version") == 0;

    if (ferry_name_is_replaced(key) || sort == FERRY_NAME_TABLE ||
        (sort == FERRY_NAME_FACT && term->is_directive && !is_settable)) {
        *fault = FERRY_NOTATION_RESERVED_KEY;
        return false;
    }
    *fault = FERRY_NOTATION_BAD_KEY;
    return sort != FERRY_NAME_BAD;
}

bool
ferry_notation_fail(FerryNotationReader *self, FerryNotationCode code, size_t offset)
{
    *self->fault = (FerryNotationFault){ code, offset };
    return false;
}

static size_t
find_variable(const FerryEntry *entry, const char *name)
{
    for (guint i = 0; i < entry->variables->len; i++) {
        if (strcmp(((const FerryVariable *)entry->variables->pdata[i])->name, name) == 0)
            return i;
    }
    return SIZE_MAX;
}

/* An item in quotes; self->at is its opening quote, and moves behind the closing one. */
static bool
read_string_item(FerryNotationReader *self, FerryVariable *variable)
{
    size_t opening = self->at;
    const char *start = self->text + opening + 1;
    const char *closing = NULL;
    const char *backslash = NULL;
    g_autofree char *text = NULL;
    FerryItemStatus status = FERRY_ITEM_OK;

    if (opening == self->end || self->text[opening] != '"')
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_ITEM, opening);
    closing = memchr(start, '"', self->end - opening - 1);
    if (closing == NULL)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_QUOTE, opening);
    backslash = memchr(start, '\\', (size_t)(closing - start));
    if (backslash != NULL)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_LITERAL,
                                   (size_t)(backslash - self->text));
    text = g_strndup(start, (size_t)(closing - start));
    status = ferry_variable_add_text(variable, text);
    if (status != FERRY_ITEM_OK)
        return ferry_notation_fail(self, ferry_notation_code_of_item(status), opening);
    self->at = (size_t)(closing - self->text) + 1;
    if (self->at < self->end && strchr(",}", self->text[self->at]) == NULL)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_QUOTE, self->at);
    return true;
}

/* An item up to the next "," or "}"; the group is broken when none follows on the line. */
static bool
read_number_item(FerryNotationReader *self, FerryVariable *variable, size_t brace)
{
    size_t start = self->at;
    g_autofree char *text = NULL;
    FerryItemStatus status = FERRY_ITEM_OK;

    while (self->at < self->end && strchr(",}", self->text[self->at]) == NULL)
        self->at++;
    if (self->at == self->end)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_GROUP, brace);
    text = g_strndup(self->text + start, self->at - start);
    status = ferry_variable_add_text(variable, text);
    if (status != FERRY_ITEM_OK)
        return ferry_notation_fail(self, ferry_notation_code_of_item(status), start);
    return true;
}

static bool
read_items(FerryNotationReader *self, FerryVariable *variable, size_t brace)
{
    for (;;) {
        if (variable->type == FERRY_VARIABLE_STRING ? !read_string_item(self, variable)
                                                    : !read_number_item(self, variable, brace))
            return false;
        if (self->at == self->end)
            return ferry_notation_fail(self, FERRY_NOTATION_BAD_GROUP, brace);
        if (self->text[self->at++] == '}')
            return true;
    }
}

/* The type runs to the next ":" of the line; self->at moves behind that. */
static bool
read_type(FerryNotationReader *self, FerryVariableType *ret)
{
    size_t start = self->at;
    const char *colon = memchr(self->text + start, ':', self->end - start);
    g_autofree char *name = NULL;

    if (colon == NULL)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_TYPE, start);
    name = g_strndup(self->text + start, (size_t)(colon - self->text) - start);
    *ret = ferry_variable_type_find(name);
    if (*ret == FERRY_N_VARIABLE_TYPES || *ret == FERRY_VARIABLE_SET)
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_TYPE, start);
    self->at = (size_t)(colon - self->text) + 1;
    return true;
}

static bool
read_definition(FerryNotationReader *self, FerryTerm *term, const char *name, size_t brace)
{
    FerryVariableType type = FERRY_VARIABLE_INT;
    g_autoptr(FerryVariable) variable = NULL;

    if (!read_type(self, &type))
        return false;
    if (find_variable(self->entry, name) != SIZE_MAX)
        return ferry_notation_fail(self, FERRY_NOTATION_DUPLICATE_VARIABLE, brace);
    if (self->entry->variables->len == FERRY_VARIABLES_MAX)
        return ferry_notation_fail(self, FERRY_NOTATION_TOO_MANY_VARIABLES, brace);
    variable = ferry_variable_new(name, type);
    if (!read_items(self, variable, brace))
        return false;
    /* Both factors are small enough for their product once the first is known to be. */
    if (variable->count > self->budget || variable->count * self->entry->count > self->budget)
        return ferry_notation_fail(self, FERRY_NOTATION_TOO_MANY_EXPANSIONS, brace);

    self->entry->count *= variable->count;
    ferry_variable_expand(variable);
    ferry_term_add_piece(term, NULL, 0, self->entry->variables->len);
    g_ptr_array_add(self->entry->variables, g_steal_pointer(&variable));
    return true;
}

bool
ferry_notation_read_group(FerryNotationReader *self, FerryTerm *term)
{
    size_t brace = self->at;
    size_t start = brace + 1;
    size_t stop = start;
    size_t index = 0;
    g_autofree char *name = NULL;

    if (self->sort == FERRY_BODY_PLAIN)
        return ferry_notation_fail(self, FERRY_NOTATION_NOT_PLAIN, brace);
    while (stop < self->end && strchr(":}", self->text[stop]) == NULL)
        stop++;
    name = g_strndup(self->text + start, stop - start);
    if (stop == self->end || !ferry_variable_name_is_valid(name))
        return ferry_notation_fail(self, FERRY_NOTATION_BAD_GROUP, brace);
    self->at = stop + 1;
    if (self->text[stop] == ':')
        return read_definition(self, term, name, brace);

    index = find_variable(self->entry, name);
    if (index == SIZE_MAX)
        return ferry_notation_fail(self, FERRY_NOTATION_UNDEFINED_VARIABLE, brace);
    ferry_term_add_piece(term, NULL, 0, (unsigned)index);
    return true;
}
