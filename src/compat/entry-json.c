#include "compat/entry-json.h"

#include <inttypes.h>
#include <string.h>

typedef struct {
    FerryEntry *entry;
    uint64_t budget;
    FerryNotationCode *fault;
} Reader;

static bool
fail(Reader *self, FerryNotationCode code)
{
    *self->fault = code;
    return false;
}

static bool
is_plain_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!g_ascii_isprint(*text))
            return false;
    }
    return true;
}

static FerryItemStatus
add_item(FerryVariable *variable, const json_t *item)
{
    const char *text = json_string_value(item);
    g_autofree char *number = NULL;
    g_auto(FerryValue) set = { .kind = FERRY_KIND_NONE };

    if (variable->type == FERRY_VARIABLE_SET) {
        if (!json_is_array(item) || ferry_value_from_json("", item, &set) != FERRY_VALUE_OK)
            return FERRY_ITEM_BAD;
        return ferry_variable_add_value(variable, &set);
    }
    if (variable->type == FERRY_VARIABLE_INT && json_is_integer(item)) {
        number = g_strdup_printf("%" PRId64, (int64_t)json_integer_value(item));
        return ferry_variable_add_text(variable, number);
    }
    if (text == NULL || !is_plain_text(text) ||
        (variable->type == FERRY_VARIABLE_INT && strstr(text, "..") == NULL))
        return FERRY_ITEM_BAD;
    return ferry_variable_add_text(variable, text);
}

static bool
read_items(Reader *self, FerryVariable *variable, const json_t *items)
{
    size_t n = json_array_size(items);

    if (n == 0)
        return fail(self, FERRY_NOTATION_BAD_ITEM);
    if (n > self->budget)
        return fail(self, FERRY_NOTATION_TOO_MANY_EXPANSIONS);
    for (size_t i = 0; i < n; i++) {
        FerryItemStatus status = add_item(variable, json_array_get(items, i));
        if (status != FERRY_ITEM_OK)
            return fail(self, ferry_notation_code_of_item(status));
    }
    if (variable->count > self->budget || variable->count * self->entry->count > self->budget)
        return fail(self, FERRY_NOTATION_TOO_MANY_EXPANSIONS);
    self->entry->count *= variable->count;
    ferry_variable_expand(variable);
    return true;
}

static bool
read_variable(Reader *self, const char *name, json_t *json)
{
    g_autoptr(FerryVariable) variable = NULL;
    const char *type_name = json_object_iter_key(json_object_iter(json));
    FerryVariableType type = FERRY_N_VARIABLE_TYPES;

    if (!ferry_variable_name_is_valid(name))
        return fail(self, FERRY_NOTATION_BAD_GROUP);
    if (json_object_size(json) == 1)
        type = ferry_variable_type_find(type_name);
    if (type == FERRY_N_VARIABLE_TYPES)
        return fail(self, FERRY_NOTATION_BAD_TYPE);
    if (self->entry->variables->len == FERRY_VARIABLES_MAX)
        return fail(self, FERRY_NOTATION_TOO_MANY_VARIABLES);
    variable = ferry_variable_new(name, type);
    if (!read_items(self, variable, json_object_get(json, type_name)))
        return false;
    g_ptr_array_add(self->entry->variables, g_steal_pointer(&variable));
    return true;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
read_variables(Reader *self, json_t *vars)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    if (vars != NULL && !json_is_object(vars))
        return fail(self, FERRY_NOTATION_BAD_FORM);
    for (void *at = json_object_iter(vars); at != NULL; at = json_object_iter_next(vars, at))
        g_ptr_array_add(names, (gpointer)json_object_iter_key(at));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        if (!read_variable(self, names->pdata[i], json_object_get(vars, names->pdata[i])))
            return false;
    }
    return true;
}

static const FerryVariable *
add_reference(Reader *self, FerryTerm *term, const json_t *name)
{
    for (guint i = 0; json_is_string(name) && i < self->entry->variables->len; i++) {
        const FerryVariable *variable = self->entry->variables->pdata[i];
        if (strcmp(variable->name, json_string_value(name)) == 0) {
            ferry_term_add_piece(term, NULL, 0, i);
            return variable;
        }
    }
    (void)fail(self,
               json_is_string(name) ? FERRY_NOTATION_UNDEFINED_VARIABLE : FERRY_NOTATION_BAD_EXPR);
    return NULL;
}

/* {"var":NAME}, or with "div" or "mul" besides. */
static bool
read_reference(Reader *self, FerryTerm *term, const json_t *json)
{
    const json_t *div = json_object_get(json, "div");
    const json_t *mul = json_object_get(json, "mul");
    const json_t *factor = div != NULL ? div : mul;
    const FerryVariable *variable = add_reference(self, term, json_object_get(json, "var"));

    if (variable == NULL)
        return false;
    if (json_object_size(json) != (factor != NULL ? 2 : 1))
        return fail(self, FERRY_NOTATION_BAD_EXPR);
    term->sort = variable->type == FERRY_VARIABLE_INT ? FERRY_TERM_QUANTITY : FERRY_TERM_TEMPLATE;
    if (factor == NULL)
        return true;
    if (div != NULL && json_is_integer(div) && json_integer_value(div) == 0)
        return fail(self, FERRY_NOTATION_ZERO_DIVISOR);
    if (variable->type != FERRY_VARIABLE_INT || json_integer_value(factor) <= 0)
        return fail(self, FERRY_NOTATION_BAD_EXPR);
    if (json_integer_value(factor) > FERRY_NUMBER_MAX)
        return fail(self, FERRY_NOTATION_NUMBER_RANGE);
    term->div = div != NULL ? (int32_t)json_integer_value(div) : 1;
    term->mul = mul != NULL ? (int32_t)json_integer_value(mul) : 1;
    return true;
}

static bool
read_concat(Reader *self, FerryTerm *term, const json_t *parts)
{
    size_t n = json_array_size(parts);

    if (n < 2)
        return fail(self, FERRY_NOTATION_BAD_EXPR);
    term->sort = FERRY_TERM_TEMPLATE;
    for (size_t i = 0; i < n; i++) {
        const json_t *part = json_array_get(parts, i);
        const char *text = json_string_value(part);

        if (text != NULL && text[0] != '\0' && is_plain_text(text)) {
            ferry_term_add_piece(term, text, strlen(text), 0);
            continue;
        }
        if (json_object_size(part) != 1)
            return fail(self, FERRY_NOTATION_BAD_EXPR);
        if (add_reference(self, term, json_object_get(part, "var")) == NULL)
            return false;
    }
    return true;
}

static bool
read_object(Reader *self, FerryTerm *term, const json_t *json)
{
    if (json_object_get(json, "var") != NULL)
        return read_reference(self, term, json);
    if (json_object_size(json) != 1)
        return fail(self, FERRY_NOTATION_BAD_EXPR);
    if (json_object_get(json, "concat") != NULL)
        return read_concat(self, term, json_object_get(json, "concat"));
    if (json_is_true(json_object_get(json, "any")) && !term->is_directive)
        term->sort = FERRY_TERM_ANY;
    else if (json_is_true(json_object_get(json, "absent")) && !term->is_directive)
        term->sort = FERRY_TERM_ABSENT;
    else
        return fail(self, FERRY_NOTATION_BAD_EXPR);
    return true;
}

static bool
read_term(Reader *self, FerryTerm *term, const json_t *json)
{
    FerryNotationCode code = FERRY_NOTATION_BAD_KEY;
    FerryValueStatus status = FERRY_VALUE_OK;

    if (self->entry->terms->len == FERRY_ENTRY_TERMS_MAX)
        return fail(self, FERRY_NOTATION_TOO_MANY_KEYS);
    if (!ferry_notation_key_is_allowed(term->key, term, &code))
        return fail(self, code);
    if (!json_is_object(json) || json_object_get(json, "frac") != NULL) {
        term->sort = FERRY_TERM_LITERAL;
        status = ferry_value_from_json(term->key, json, &term->literal);
    } else {
        if (!read_object(self, term, json))
            return false;
        status = ferry_term_finish(self->entry, term);
    }
    return status == FERRY_VALUE_OK || fail(self, ferry_notation_code_of_value(status));
}

static bool
read_terms(Reader *self, json_t *terms, unsigned is_directive)
{
    if (terms != NULL && !json_is_object(terms))
        return fail(self, FERRY_NOTATION_BAD_FORM);
    for (void *at = json_object_iter(terms); at != NULL; at = json_object_iter_next(terms, at)) {
        g_autoptr(FerryTerm) term = ferry_term_new(json_object_iter_key(at));

        term->is_directive = is_directive != 0;
        if (!read_term(self, term, json_object_iter_value(at)))
            return false;
        g_ptr_array_add(self->entry->terms, g_steal_pointer(&term));
    }
    return true;
}

FerryEntry *
ferry_entry_from_json(const json_t *json, uint64_t budget, FerryNotationCode *fault)
{
    g_autoptr(FerryEntry) entry = ferry_entry_new();
    Reader reader = { entry, MIN(budget, FERRY_EXPANSIONS_MAX), fault };
    json_t *vars = json_object_get(json, "vars");
    json_t *match = json_object_get(json, "match");
    json_t *set = json_object_get(json, "set");
    size_t n_known = (vars != NULL) + (match != NULL) + (set != NULL);

    *fault = FERRY_NOTATION_BAD_FORM;
    if (!json_is_object(json) || json_object_size(json) != n_known)
        return NULL;
    if (!read_variables(&reader, vars) || !read_terms(&reader, match, 0) ||
        !read_terms(&reader, set, 1))
        return NULL;
    *fault = FERRY_NOTATION_EMPTY_ENTRY;
    if (entry->terms->len == 0)
        return NULL;
    *fault = FERRY_NOTATION_TOO_MANY_EXPANSIONS;
    if (entry->count > budget)
        return NULL;
    ferry_entry_finish(entry);
    /* Objects have no order, so the terms get the canonical one. */
    memcpy(entry->terms->pdata, entry->by_key->pdata, entry->terms->len * sizeof(gpointer));
    return g_steal_pointer(&entry);
}
