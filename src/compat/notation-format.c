/* Writes an entry as text.  What the text notation cannot say is refused with the reason. */
#include <string.h>

#include "compat/notation.h"

typedef struct {
    const FerryEntry *entry;
    GString *text;
    unsigned defined; /* bit i: variable i was written with its items */
    const char *reason;
} Writer;

static bool
refuse(Writer *self, const char *reason)
{
    self->reason = reason;
    return false;
}

/* Whether the text can stand in a line without quotes. */
static bool
is_bare(const char *text)
{
    return text[0] != '\0' && strpbrk(text, " \"{}\\") == NULL;
}

static bool
append_quoted(Writer *self, const char *text)
{
    if (strpbrk(text, "\"\\") != NULL)
        return refuse(self, "a quote or backslash cannot be written in the text notation");
    if (text[0] == '\0')
        return refuse(self, "an empty set cannot be written in the text notation");
    g_string_append_printf(self->text, "\"%s\"", text);
    return true;
}

static bool
append_item(Writer *self, const FerryVariable *variable, const FerryVariableItem *item)
{
    g_autofree char *low = ferry_value_format(&item->low);
    g_autofree char *high = ferry_value_format(&item->high);

    if (variable->type == FERRY_VARIABLE_STRING || variable->type == FERRY_VARIABLE_SET)
        return append_quoted(self, low);
    g_string_append(self->text, low);
    if (item->is_range)
        g_string_append_printf(self->text, "..%s", high);
    return true;
}

static bool
append_group(Writer *self, unsigned index)
{
    const FerryVariable *variable = self->entry->variables->pdata[index];
    FerryVariableType type =
        variable->type == FERRY_VARIABLE_SET ? FERRY_VARIABLE_STRING : variable->type;

    g_string_append_printf(self->text, "{%s", variable->name);
    if ((self->defined >> index & 1) == 0) {
        g_string_append_printf(self->text, ":%s:", ferry_variable_type_name(type));
        for (guint i = 0; i < variable->items->len; i++) {
            if (i > 0)
                g_string_append_c(self->text, ',');
            if (!append_item(self, variable, &g_array_index(variable->items, FerryVariableItem, i)))
                return false;
        }
        self->defined |= 1u << index;
    }
    g_string_append_c(self->text, '}');
    return true;
}

static bool
has_joined_item(const FerryVariable *variable)
{
    for (size_t i = 0; i < variable->count; i++) {
        if (strstr(variable->texts[i], FERRY_SET_SEPARATOR) != NULL)
            return true;
    }
    return false;
}

/* A lone string variable of the text notation splits its items at "+"; one of JSON does not. */
static bool
means_the_same_alone(const FerryTerm *term, const FerryVariable *variable)
{
    return term->splits || variable->type != FERRY_VARIABLE_STRING ||
           ferry_key_has_own_rule(term->key) || !has_joined_item(variable);
}

static bool
append_template(Writer *self, const FerryTerm *term)
{
    const FerryPiece *first = NULL;

    if (term->variables == 0)
        return refuse(self, "text put together from texts alone is written as one text");
    first = &g_array_index(term->pieces, FerryPiece, 0);
    if (term->pieces->len == 1 &&
        !means_the_same_alone(term, self->entry->variables->pdata[first->variable]))
        return refuse(self, "a string with \"+\" would be read as a set in the text notation");
    if (term->pieces->len > 1 && first->text == NULL) {
        const FerryPiece *second = &g_array_index(term->pieces, FerryPiece, 1);
        if (second->text != NULL && strchr("/*", second->text[0]) != NULL)
            return refuse(self, "a variable before \"/\" or \"*\" would be read as a quantity");
    }
    for (guint i = 0; i < term->pieces->len; i++) {
        const FerryPiece *piece = &g_array_index(term->pieces, FerryPiece, i);

        if (piece->text == NULL) {
            if (!append_group(self, piece->variable))
                return false;
            continue;
        }
        if (!is_bare(piece->text) || (i == 0 && piece->text[0] == '#'))
            return refuse(self, "blanks, quotes and braces cannot stand beside a variable");
        g_string_append(self->text, piece->text);
    }
    return true;
}

static bool
append_literal(Writer *self, const FerryTerm *term)
{
    g_autofree char *text = ferry_value_format(&term->literal);
    bool has_rule = ferry_key_has_own_rule(term->key);
    FerryKind kind = term->literal.kind;

    if (kind == FERRY_KIND_QUANTITY || kind == FERRY_KIND_FLAG ||
        (has_rule && is_bare(text) && strcmp(text, "*") != 0)) {
        g_string_append(self->text, text);
        return true;
    }
    if (!has_rule && kind == FERRY_KIND_STRING && strstr(text, FERRY_SET_SEPARATOR) != NULL)
        return refuse(self, "a string with \"+\" would be read as a set in the text notation");
    return append_quoted(self, text);
}

static bool
append_term(Writer *self, const FerryTerm *term)
{
    if (term->sort == FERRY_TERM_ABSENT) {
        g_string_append_printf(self->text, "!%s", term->key);
        return true;
    }
    g_string_append_printf(self->text, "%s%s=", term->is_directive ? "set:" : "", term->key);
    switch (term->sort) {
    case FERRY_TERM_ANY:
        g_string_append_c(self->text, '*');
        return true;
    case FERRY_TERM_LITERAL:
        return append_literal(self, term);
    case FERRY_TERM_TEMPLATE:
        return append_template(self, term);
    default:
        if (!append_group(self, g_array_index(term->pieces, FerryPiece, 0).variable))
            return false;
        if (term->mul != 1)
            g_string_append_printf(self->text, "*%d", term->mul);
        if (term->div != 1)
            g_string_append_printf(self->text, "/%d", term->div);
        return true;
    }
}

char *
ferry_notation_format(const FerryEntry *entry, const char **reason)
{
    g_autoptr(GString) text = g_string_new(NULL);
    Writer writer = { .entry = entry, .text = text };

    for (guint i = 0; i < entry->terms->len; i++) {
        if (!append_term(&writer, entry->terms->pdata[i])) {
            *reason = writer.reason;
            return NULL;
        }
        g_string_append_c(text, '\n');
    }
    if (writer.defined != (1u << entry->variables->len) - 1) {
        *reason = "a variable that no key uses cannot be written in the text notation";
        return NULL;
    }
    if (text->len > FERRY_ENTRY_TEXT_MAX) {
        *reason = "the text would be longer than 4096 bytes";
        return NULL;
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
