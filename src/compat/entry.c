#include "compat/entry.h"

#include <string.h>

FerryEntry *
ferry_entry_new(void)
{
    FerryEntry *self = g_new0(FerryEntry, 1);

    self->variables = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_variable_free);
    self->terms = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_term_free);
    self->by_key = g_ptr_array_new();
    self->count = 1;
    return self;
}

void
ferry_entry_free(FerryEntry *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->variables);
    g_ptr_array_unref(self->terms);
    g_ptr_array_unref(self->by_key);
    g_free(self);
}

static void
piece_clear(gpointer data)
{
    g_free(((FerryPiece *)data)->text);
}

FerryTerm *
ferry_term_new(const char *key)
{
    FerryTerm *term = g_new0(FerryTerm, 1);

    term->key = g_strdup(key);
    term->mul = 1;
    term->div = 1;
    term->pieces = g_array_new(FALSE, TRUE, sizeof(FerryPiece));
    g_array_set_clear_func(term->pieces, piece_clear);
    return term;
}

void
ferry_term_free(FerryTerm *term)
{
    if (term == NULL)
        return;
    for (size_t i = 0; i < term->n_values; i++)
        ferry_value_clear(&term->values[i]);
    g_free(term->values);
    ferry_value_clear(&term->literal);
    g_array_unref(term->pieces);
    g_free(term->key);
    g_free(term);
}

void
ferry_term_add_piece(FerryTerm *term, const char *text, size_t size, unsigned variable)
{
    FerryPiece piece = { .text = text != NULL ? g_strndup(text, size) : NULL,
                         .variable = variable };

    if (text == NULL)
        term->variables |= 1u << variable;
    g_array_append_val(term->pieces, piece);
}

static int
compare_terms(gconstpointer a, gconstpointer b)
{
    const FerryTerm *left = *(const FerryTerm *const *)a;
    const FerryTerm *right = *(const FerryTerm *const *)b;
    int order = ferry_key_compare(left->key, right->key);

    return order != 0 ? order : left->is_directive - right->is_directive;
}

void
ferry_entry_finish(FerryEntry *self)
{
    g_ptr_array_set_size(self->by_key, 0);
    for (guint i = 0; i < self->terms->len; i++)
        g_ptr_array_add(self->by_key, self->terms->pdata[i]);
    g_ptr_array_sort(self->by_key, compare_terms);
}

const FerryTerm *
ferry_entry_find(const FerryEntry *self, const char *key)
{
    for (guint i = 0; i < self->terms->len; i++) {
        const FerryTerm *term = self->terms->pdata[i];
        if (!term->is_directive && strcmp(term->key, key) == 0)
            return term;
    }
    return NULL;
}

bool
ferry_entry_mentions(const FerryEntry *self, const char *key)
{
    for (guint i = 0; i < self->terms->len; i++) {
        const FerryTerm *term = self->terms->pdata[i];
        if (strcmp(term->key, key) == 0)
            return true;
    }
    return false;
}

static size_t
variable_count(const FerryEntry *self, unsigned i)
{
    return (size_t)((const FerryVariable *)self->variables->pdata[i])->count;
}

size_t
ferry_entry_stride(const FerryEntry *self, unsigned i)
{
    size_t stride = 1;

    for (unsigned later = i + 1; later < self->variables->len; later++)
        stride *= variable_count(self, later);
    return stride;
}

void
ferry_entry_digits(const FerryEntry *self, size_t index, size_t *digits)
{
    for (unsigned i = self->variables->len; i-- > 0;) {
        digits[i] = index % variable_count(self, i);
        index /= variable_count(self, i);
    }
}

bool
ferry_term_next(const FerryEntry *entry, const FerryTerm *term, size_t *digits)
{
    for (unsigned i = entry->variables->len; i-- > 0;) {
        if ((term->variables >> i & 1) == 0)
            continue;
        if (++digits[i] < variable_count(entry, i))
            return true;
        digits[i] = 0;
    }
    return false;
}

size_t
ferry_term_place(const FerryEntry *entry, const FerryTerm *term, const size_t *digits)
{
    size_t place = 0;

    for (unsigned i = 0; i < entry->variables->len; i++) {
        if ((term->variables >> i & 1) != 0)
            place = place * variable_count(entry, i) + digits[i];
    }
    return place;
}

static const FerryVariable *
piece_variable(const FerryEntry *entry, const FerryTerm *term, guint i)
{
    return entry->variables->pdata[g_array_index(term->pieces, FerryPiece, i).variable];
}

static FerryValueStatus
quantity_value(const FerryEntry *entry,
               const FerryTerm *term,
               const size_t *digits,
               FerryValue *ret)
{
    unsigned index = g_array_index(term->pieces, FerryPiece, 0).variable;
    const FerryValue *base = ferry_variable_value(piece_variable(entry, term, 0), digits[index]);
    FerryFraction quantity;
    g_autofree char *text = NULL;

    if (!ferry_fraction_make((int64_t)base->quantity.num * term->mul, term->div, &quantity))
        return FERRY_VALUE_OUT_OF_RANGE;
    if (!ferry_key_has_own_rule(term->key)) {
        *ret = ferry_value_of_quantity(quantity);
        return FERRY_VALUE_OK;
    }
    text = ferry_fraction_format(quantity);
    return ferry_value_parse(term->key, text, ret);
}

/* A lone variable keeps its kind where the key has no rule of its own. */
static FerryValueStatus
lone_value(const FerryTerm *term, const FerryValue *value, const char *text, FerryValue *ret)
{
    if (value->kind == FERRY_KIND_SET) {
        if (ferry_key_has_own_rule(term->key) && strcmp(term->key, "pv_mode") != 0)
            return FERRY_VALUE_BAD;
        *ret = ferry_value_copy(value);
        return FERRY_VALUE_OK;
    }
    if (term->splits && !ferry_key_has_own_rule(term->key) &&
        strstr(text, FERRY_SET_SEPARATOR) != NULL) {
        g_auto(GStrv) elements = g_strsplit(text, FERRY_SET_SEPARATOR, -1);
        if (strlen(text) > FERRY_STRING_MAX)
            return FERRY_VALUE_TOO_LONG;
        return ferry_value_make_set((const char *const *)elements, g_strv_length(elements), ret);
    }
    return ferry_value_parse(term->key, text, ret);
}

static FerryValueStatus
template_value(const FerryEntry *entry,
               const FerryTerm *term,
               const size_t *digits,
               FerryValue *ret)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < term->pieces->len; i++) {
        const FerryPiece *piece = &g_array_index(term->pieces, FerryPiece, i);
        const FerryVariable *variable = NULL;

        if (piece->text != NULL) {
            g_string_append(text, piece->text);
            continue;
        }
        variable = piece_variable(entry, term, i);
        if (term->pieces->len == 1)
            return lone_value(term, ferry_variable_value(variable, digits[piece->variable]),
                              variable->texts[digits[piece->variable]], ret);
        if (variable->type == FERRY_VARIABLE_SET)
            return FERRY_VALUE_BAD;
        g_string_append(text, variable->texts[digits[piece->variable]]);
    }
    return ferry_value_parse(term->key, text->str, ret);
}

FerryValueStatus
ferry_term_value(const FerryEntry *entry,
                 const FerryTerm *term,
                 const size_t *digits,
                 FerryValue *ret)
{
    if (term->values != NULL) {
        *ret = ferry_value_copy(&term->values[ferry_term_place(entry, term, digits)]);
        return FERRY_VALUE_OK;
    }
    switch (term->sort) {
    case FERRY_TERM_LITERAL:
        *ret = ferry_value_copy(&term->literal);
        return FERRY_VALUE_OK;
    case FERRY_TERM_QUANTITY:
        return quantity_value(entry, term, digits, ret);
    case FERRY_TERM_TEMPLATE:
        return template_value(entry, term, digits, ret);
    default:
        return FERRY_VALUE_BAD; /* any and absent have none */
    }
}

/* Strings match by their text; what is read by a rule into something else is kept as read. */
static bool
needs_values(const FerryEntry *entry, const FerryTerm *term)
{
    static const char *const ruled[] = { "device_id", "version", "pv_mode", "aggregator", NULL };

    if (g_strv_contains(ruled, term->key))
        return true;
    if (term->sort != FERRY_TERM_TEMPLATE || term->pieces->len != 1)
        return false;
    return term->splits || piece_variable(entry, term, 0)->type == FERRY_VARIABLE_SET;
}

/* The longest text of a piece; *@is_edge_blank when a text of it may begin or end so. */
static size_t
longest_text(const FerryEntry *entry, const FerryTerm *term, guint i, bool *is_edge_blank)
{
    const FerryPiece *piece = &g_array_index(term->pieces, FerryPiece, i);
    const FerryVariable *variable = piece->text == NULL ? piece_variable(entry, term, i) : NULL;
    size_t n = variable != NULL ? (size_t)variable->count : 1;
    size_t longest = 0;

    for (size_t at = 0; at < n; at++) {
        const char *text = variable != NULL ? variable->texts[at] : piece->text;
        size_t size = strlen(text);

        longest = MAX(longest, size);
        if ((i == 0 && text[0] == ' ') || (i + 1 == term->pieces->len && text[size - 1] == ' '))
            *is_edge_blank = true;
    }
    return longest;
}

/* Whether a template of any attribute makes only good strings: the pieces' bytes were judged. */
static bool
makes_good_strings(const FerryEntry *entry, const FerryTerm *term)
{
    size_t longest = 0;
    bool is_edge_blank = false;

    if (term->sort != FERRY_TERM_TEMPLATE || ferry_key_has_own_rule(term->key) ||
        needs_values(entry, term))
        return false;
    for (guint i = 0; i < term->pieces->len; i++) {
        const FerryPiece *piece = &g_array_index(term->pieces, FerryPiece, i);
        if (piece->text == NULL && piece_variable(entry, term, i)->type == FERRY_VARIABLE_SET)
            return false;
        longest += longest_text(entry, term, i, &is_edge_blank);
    }
    return longest <= FERRY_STRING_MAX && !is_edge_blank;
}

FerryValueStatus
ferry_term_finish(const FerryEntry *entry, FerryTerm *term)
{
    size_t digits[FERRY_VARIABLES_MAX] = { 0 };
    g_autoptr(GArray) values = g_array_new(FALSE, TRUE, sizeof(FerryValue));
    FerryValueStatus status = FERRY_VALUE_OK;

    if ((term->sort != FERRY_TERM_QUANTITY && term->sort != FERRY_TERM_TEMPLATE) ||
        makes_good_strings(entry, term))
        return FERRY_VALUE_OK;
    g_array_set_clear_func(values, (GDestroyNotify)ferry_value_clear);
    do {
        FerryValue value = { .kind = FERRY_KIND_NONE };
        status = ferry_term_value(entry, term, digits, &value);
        if (status != FERRY_VALUE_OK)
            return status;
        if (needs_values(entry, term))
            g_array_append_val(values, value);
        else
            ferry_value_clear(&value);
    } while (ferry_term_next(entry, term, digits));

    if (values->len > 0) {
        term->n_values = values->len;
        g_array_set_clear_func(values, NULL);
        term->values = (FerryValue *)g_array_free(g_steal_pointer(&values), FALSE);
    }
    return FERRY_VALUE_OK;
}

char *
ferry_term_value_text(const FerryEntry *entry, const FerryTerm *term, const size_t *digits)
{
    g_auto(FerryValue) value = { .kind = FERRY_KIND_NONE };

    if (term->sort == FERRY_TERM_ANY)
        return g_strdup("*");
    if (term->sort == FERRY_TERM_ABSENT)
        return g_strdup("!");
    (void)ferry_term_value(entry, term, digits, &value); /* judged when the term was finished */
    return ferry_value_format(&value);
}
