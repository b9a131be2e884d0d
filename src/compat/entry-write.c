/* Writes an entry in JSON form.  Declared in entry-json.h. */
#include <string.h>

#include "compat/entry-json.h"

/* Whether an item of the variable is a set once it is read at a key without a rule of its own. */
static bool
has_joined_item(const FerryVariable *variable)
{
    for (size_t i = 0; i < variable->count; i++) {
        if (strstr(variable->texts[i], FERRY_SET_SEPARATOR) != NULL)
            return true;
    }
    return false;
}

/* Strings may be longer than the elements of a set. */
static bool
has_long_element(const FerryVariable *variable)
{
    for (size_t i = 0; i < variable->count; i++) {
        g_auto(GStrv) elements = g_strsplit(variable->texts[i], FERRY_SET_SEPARATOR, -1);
        for (size_t j = 0; elements[j] != NULL; j++) {
            if (strlen(elements[j]) > FERRY_ELEMENT_MAX)
                return true;
        }
    }
    return false;
}

/* How a string variable of the text notation is used: as sets, and as text. */
static void
find_uses(const FerryEntry *entry, unsigned index, bool *as_set, bool *as_text)
{
    for (guint i = 0; i < entry->terms->len; i++) {
        const FerryTerm *term = entry->terms->pdata[i];

        if ((term->variables >> index & 1) == 0 || strcmp(term->key, "pv_mode") == 0)
            continue; /* pv_mode reads both alike */
        if (term->splits && !ferry_key_has_own_rule(term->key))
            *as_set = true;
        else
            *as_text = true;
    }
}

static json_t *
split_item(const char *text)
{
    g_auto(GStrv) elements = g_strsplit(text, FERRY_SET_SEPARATOR, -1);
    json_t *array = json_array();

    for (size_t i = 0; elements[i] != NULL; i++)
        json_array_append_new(array, json_string(elements[i]));
    return array;
}

static json_t *
item_to_json(const FerryVariableItem *item)
{
    g_autofree char *low = ferry_value_format(&item->low);
    g_autofree char *high = ferry_value_format(&item->high);
    g_autofree char *range = g_strconcat(low, "..", high, NULL);

    if (item->is_range)
        return json_string(range);
    return ferry_value_to_json(&item->low);
}

static json_t *
variable_to_json(const FerryEntry *entry, unsigned index, const char **reason)
{
    const FerryVariable *variable = entry->variables->pdata[index];
    const char *type = ferry_variable_type_name(variable->type);
    bool as_set = false;
    bool as_text = false;
    g_autoptr(json_t) items = json_array();

    if (variable->type == FERRY_VARIABLE_STRING && has_joined_item(variable))
        find_uses(entry, index, &as_set, &as_text);
    if (as_set && as_text) {
        *reason = "a variable is used both as a set and inside text; the JSON form needs two";
        return NULL;
    }
    if (as_set && has_long_element(variable)) {
        *reason = "a variable has sets, and a string that is too long to be an element of one";
        return NULL;
    }
    for (guint i = 0; i < variable->items->len; i++) {
        const FerryVariableItem *item = &g_array_index(variable->items, FerryVariableItem, i);
        json_array_append_new(items, as_set ? split_item(item->low.string) : item_to_json(item));
    }
    return json_pack("{s:O}", as_set ? ferry_variable_type_name(FERRY_VARIABLE_SET) : type, items);
}

static json_t *
reference(const FerryEntry *entry, const FerryPiece *piece)
{
    const FerryVariable *variable = entry->variables->pdata[piece->variable];

    return json_pack("{s:s}", "var", variable->name);
}

static json_t *
term_to_json(const FerryEntry *entry, const FerryTerm *term)
{
    json_t *json = NULL;
    json_t *parts = NULL;

    if (term->sort == FERRY_TERM_ANY || term->sort == FERRY_TERM_ABSENT)
        return json_pack("{s:b}", term->sort == FERRY_TERM_ANY ? "any" : "absent", 1);
    if (term->sort == FERRY_TERM_LITERAL)
        return ferry_value_to_json(&term->literal);
    if (term->pieces->len == 1) {
        json = reference(entry, &g_array_index(term->pieces, FerryPiece, 0));
        if (term->mul != 1)
            json_object_set_new(json, "mul", json_integer(term->mul));
        if (term->div != 1)
            json_object_set_new(json, "div", json_integer(term->div));
        return json;
    }
    parts = json_array();
    for (guint i = 0; i < term->pieces->len; i++) {
        const FerryPiece *piece = &g_array_index(term->pieces, FerryPiece, i);
        json_array_append_new(parts, piece->text != NULL ? json_string(piece->text)
                                                         : reference(entry, piece));
    }
    return json_pack("{s:o}", "concat", parts);
}

json_t *
ferry_entry_to_json(const FerryEntry *entry, const char **reason)
{
    g_autoptr(json_t) json = json_object();
    static const char *const members[] = { "match", "set" };

    for (unsigned i = 0; i < entry->variables->len; i++) {
        const FerryVariable *variable = entry->variables->pdata[i];
        json_t *written = variable_to_json(entry, i, reason);

        if (written == NULL)
            return NULL;
        if (json_object_get(json, "vars") == NULL)
            json_object_set_new(json, "vars", json_object());
        json_object_set_new(json_object_get(json, "vars"), variable->name, written);
    }
    for (guint i = 0; i < entry->terms->len; i++) {
        const FerryTerm *term = entry->terms->pdata[i];
        const char *member = members[term->is_directive];

        if (json_object_get(json, member) == NULL)
            json_object_set_new(json, member, json_object());
        json_object_set_new(json_object_get(json, member), term->key, term_to_json(entry, term));
    }
    return g_steal_pointer(&json);
}
