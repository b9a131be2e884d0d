/*
 * A row starts as "does not fit" everywhere, and only the assignments that fit are looked for: by
 * solving for the variable (quantities) or by matching the text against the template, never by
 * trying thousands of values.
 */
#include "compat/rows.h"

#include <string.h>

/* The rows of one entry, and where the row being filled stands. */
typedef struct {
    const FerryComparison *comparison;
    const FerryEntry *entry;
    size_t count;
    size_t strides[FERRY_VARIABLES_MAX];
    const FerryTerm *term;
    const FerryValue *source; /* the value looked for */
    uint8_t level;            /* what a row gets where it fits */
    uint8_t *row;
} Fill;

/* Gives the level to every assignment whose digits of the term's variables are @digits. */
static void
mark(const Fill *fill, const size_t *digits)
{
    unsigned n = fill->entry->variables->len;
    size_t others[FERRY_VARIABLES_MAX] = { 0 };
    FerryTerm free_variables = { .variables = 0 };
    unsigned last = 0;

    if (fill->term->variables == 0) {
        memset(fill->row, fill->level, fill->count);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        if ((fill->term->variables >> i & 1) != 0)
            last = i;
    }
    for (unsigned i = 0; i < last; i++)
        free_variables.variables |= ~fill->term->variables & 1u << i;
    do {
        size_t base = 0;
        for (unsigned i = 0; i <= last; i++)
            base +=
                ((fill->term->variables >> i & 1) != 0 ? digits[i] : others[i]) * fill->strides[i];
        memset(fill->row + base, fill->level, fill->strides[last]);
    } while (ferry_term_next(fill->entry, &free_variables, others));
}

static const FerryVariable *
variable_of(const Fill *fill, const FerryPiece *piece)
{
    return fill->entry->variables->pdata[piece->variable];
}

/* Moves over the pieces whose text is known already; false when @text has other bytes there. */
static bool
skip_known(const Fill *fill, guint *at, const char **text, const size_t *digits, unsigned bound)
{
    for (; *at < fill->term->pieces->len; (*at)++) {
        const FerryPiece *piece = &g_array_index(fill->term->pieces, FerryPiece, *at);
        const char *known = piece->text;

        if (known == NULL && (bound >> piece->variable & 1) != 0)
            known = variable_of(fill, piece)->texts[digits[piece->variable]];
        if (known == NULL)
            return true;
        if (!g_str_has_prefix(*text, known))
            return false;
        *text += strlen(known);
    }
    return true;
}

/* Matches @text against the pieces from @at on; goes one level down per variable, so at most 8. */
static void
match_pieces(const Fill *fill, guint at, const char *text, size_t *digits, unsigned bound)
{
    const FerryPiece *piece = NULL;
    size_t left = 0;

    if (!skip_known(fill, &at, &text, digits, bound))
        return;
    if (at == fill->term->pieces->len) {
        if (text[0] == '\0')
            mark(fill, digits);
        return;
    }
    piece = &g_array_index(fill->term->pieces, FerryPiece, at);
    left = strlen(text);
    for (size_t size = 1; size <= left; size++) {
        size_t index = ferry_variable_find(variable_of(fill, piece), text, size);
        if (index == SIZE_MAX)
            continue;
        digits[piece->variable] = index;
        match_pieces(fill, at + 1, text + size, digits, bound | 1u << piece->variable);
    }
}

/* The one value v of an int variable with v * mul / div = the source's quantity. */
static void
match_quantity(const Fill *fill)
{
    const FerryPiece *piece = &g_array_index(fill->term->pieces, FerryPiece, 0);
    int64_t num = (int64_t)fill->source->quantity.num * fill->term->div;
    int64_t den = (int64_t)fill->source->quantity.den * fill->term->mul;
    size_t digits[FERRY_VARIABLES_MAX] = { 0 };
    char text[32];

    if (num % den != 0)
        return;
    g_snprintf(text, sizeof(text), "%" G_GINT64_FORMAT, num / den);
    digits[piece->variable] = ferry_variable_find(variable_of(fill, piece), text, strlen(text));
    if (digits[piece->variable] != SIZE_MAX)
        mark(fill, digits);
}

static void
match_values(const Fill *fill)
{
    size_t digits[FERRY_VARIABLES_MAX] = { 0 };

    for (size_t place = 0; place < fill->term->n_values; place++) {
        if (ferry_value_matches(&fill->term->values[place], fill->source))
            mark(fill, digits);
        (void)ferry_term_next(fill->entry, fill->term, digits);
    }
}

/* The kind that all values of the term have; strings and sets meet, so which of them is no matter.
 */
static FerryKind
term_kind(const FerryTerm *term)
{
    if (term->sort == FERRY_TERM_LITERAL)
        return term->literal.kind;
    if (term->values != NULL)
        return term->values[0].kind;
    if (term->sort == FERRY_TERM_QUANTITY && !ferry_key_has_own_rule(term->key))
        return FERRY_KIND_QUANTITY;
    return FERRY_KIND_STRING;
}

/* The level of a key where the entry does not fit: the same under every assignment. */
static FerryVerdictLevel
mismatch_level(const FerryTerm *term, const FerryValue *source)
{
    if (term->sort == FERRY_TERM_ABSENT)
        return source != NULL ? FERRY_VERDICT_NO : FERRY_VERDICT_YES;
    if (term->sort == FERRY_TERM_ANY)
        return FERRY_VERDICT_YES;
    if (source == NULL)
        return FERRY_VERDICT_UNKNOWN;
    if (!ferry_kinds_meet(term_kind(term), source->kind))
        return FERRY_VERDICT_UNKNOWN;
    return FERRY_VERDICT_NO;
}

/* Gives the level to every assignment whose value is the one looked for. */
static void
fill_matches(const Fill *fill)
{
    const FerryTerm *term = fill->term;
    size_t digits[FERRY_VARIABLES_MAX] = { 0 };

    if (!ferry_kinds_meet(term_kind(term), fill->source->kind))
        return;
    if (term->sort == FERRY_TERM_LITERAL) {
        if (ferry_value_matches(&term->literal, fill->source))
            memset(fill->row, fill->level, fill->count);
    } else if (term->values != NULL) {
        match_values(fill);
    } else if (term_kind(term) == FERRY_KIND_QUANTITY) {
        match_quantity(fill);
    } else if (ferry_value_n_elements(fill->source) == 1) {
        match_pieces(fill, 0, ferry_value_element(fill->source, 0), digits, 0);
    }
}

static void
fill_match_row(Fill *fill)
{
    FerryVerdictLevel level = mismatch_level(fill->term, fill->source);

    memset(fill->row, (int)level, fill->count);
    fill->level = FERRY_VERDICT_YES;
    if (level == FERRY_VERDICT_NO && fill->term->sort != FERRY_TERM_ABSENT)
        fill_matches(fill);
}

/* Whether the target has the value (versions: major and minor), can get it, or neither. */
static FerryVerdictLevel
directive_level(const FerryComparison *self, const char *key, const FerryValue *wanted)
{
    const FerryValue *current = ferry_facts_find(self->target, key);
    const FerrySettable *settable = ferry_facts_find_settable(self->target, key);

    if (current != NULL && wanted->kind == FERRY_KIND_VERSION &&
        current->version.major == wanted->version.major &&
        current->version.minor == wanted->version.minor)
        return FERRY_VERDICT_YES;
    if (current != NULL && wanted->kind != FERRY_KIND_VERSION && ferry_value_equal(wanted, current))
        return FERRY_VERDICT_YES;
    return settable != NULL && ferry_settable_has(settable, wanted) ? FERRY_VERDICT_PROVISION
                                                                    : FERRY_VERDICT_NO;
}

/* One value after the other: for versions, whose bugfix is no matter here, and for ranges. */
static void
fill_one_by_one(Fill *fill, const FerryDomainItem *range)
{
    size_t digits[FERRY_VARIABLES_MAX] = { 0 };

    do {
        g_auto(FerryValue) wanted = { .kind = FERRY_KIND_NONE };

        (void)ferry_term_value(fill->entry, fill->term, digits, &wanted);
        if (range == NULL)
            fill->level = (uint8_t)directive_level(fill->comparison, fill->term->key, &wanted);
        if (range == NULL || ferry_domain_item_has(range, &wanted))
            mark(fill, digits);
    } while (ferry_term_next(fill->entry, fill->term, digits));
}

/* The row of what the target can get, then of what it has: the latter needs no step. */
static void
fill_directive_row(Fill *fill)
{
    const char *key = fill->term->key;
    const FerrySettable *settable = ferry_facts_find_settable(fill->comparison->target, key);

    memset(fill->row, FERRY_VERDICT_NO, fill->count);
    if (strcmp(key, "version") == 0) {
        fill_one_by_one(fill, NULL);
        return;
    }
    fill->level = FERRY_VERDICT_PROVISION;
    for (guint i = 0; settable != NULL && i < settable->items->len; i++) {
        const FerryDomainItem *item = &g_array_index(settable->items, FerryDomainItem, i);

        fill->source = &item->low;
        if (!item->is_range)
            fill_matches(fill);
        else if (term_kind(fill->term) == FERRY_KIND_QUANTITY)
            fill_one_by_one(fill, item);
    }
    fill->level = FERRY_VERDICT_YES;
    fill->source = ferry_facts_find(fill->comparison->target, key);
    if (fill->source != NULL)
        fill_matches(fill);
}

void
ferry_rows_worsen(uint8_t *restrict row, const uint8_t *restrict other, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] = row[i] > other[i] ? row[i] : other[i];
}

size_t
ferry_rows_fill(const FerryComparison *self, const FerryEntry *entry, uint8_t *rows, uint8_t *spare)
{
    Fill fill = { .comparison = self, .entry = entry, .count = (size_t)entry->count };
    const GPtrArray *terms = entry->by_key;
    size_t n_rows = 0;

    for (unsigned i = 0; i < entry->variables->len; i++)
        fill.strides[i] = ferry_entry_stride(entry, i);
    for (guint i = 0; i < terms->len; i++) {
        bool repeats = i > 0 && strcmp(((const FerryTerm *)terms->pdata[i])->key,
                                       ((const FerryTerm *)terms->pdata[i - 1])->key) == 0;

        fill.term = terms->pdata[i];
        if (ferry_facts_key_is_inert(self->source, fill.term->key))
            continue;
        fill.source = ferry_facts_find(self->source, fill.term->key);
        fill.row = repeats ? spare : rows + n_rows * fill.count;
        if (fill.term->is_directive)
            fill_directive_row(&fill);
        else
            fill_match_row(&fill);
        if (repeats)
            ferry_rows_worsen(rows + (n_rows - 1) * fill.count, spare, fill.count);
        else
            n_rows++;
    }
    return n_rows;
}

FerryVerdictLevel
ferry_rows_level(const FerryComparison *self, const FerryTerm *term, const FerryValue *wanted)
{
    const FerryValue *source = ferry_facts_find(self->source, term->key);
    FerryVerdictLevel level = FERRY_VERDICT_NO;

    if (term->is_directive)
        return directive_level(self, term->key, wanted);
    level = mismatch_level(term, source);
    if (level == FERRY_VERDICT_NO && wanted->kind != FERRY_KIND_NONE &&
        ferry_value_matches(wanted, source))
        level = FERRY_VERDICT_YES;
    return level;
}
