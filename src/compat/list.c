/*
 * The target's list.  For each entry, the level of every mentioned key under every assignment is
 * a row of bytes (by_key x assignments); the best column is found by three passes over the rows.
 *
 *               assignment  0  1  2  3  ...
 *   mdev_type               N  N  .  N         . fits   N no   U unknown   P provision
 *   aggregator              N  .  .  N
 *   worst / differing       N2 N1 .0 N2        best: 2
 *
 * A row starts as "does not fit" everywhere, and only the assignments that fit are looked for: by
 * solving for the variable (quantities) or by matching the text against the template, never by
 * trying thousands of values.
 */
#include "compat/list.h"

#include <string.h>

/* The rows of one entry, and where the row being filled stands. */
typedef struct {
    FerryComparison *comparison;
    const FerryEntry *entry;
    size_t count;
    size_t strides[FERRY_VARIABLES_MAX];
    const FerryTerm *term;
    const FerryValue *source; /* the value looked for */
    uint8_t level;            /* what a row gets where it fits */
    uint8_t *row;
} Fill;

/* How one alternative compares with others. */
typedef struct {
    uint8_t worst;
    size_t n_differing;
    size_t entry;
    size_t assignment;
} Score;

static bool
is_inert(const Fill *fill, const FerryTerm *term)
{
    return ferry_facts_key_is_inert(fill->comparison->source, term->key);
}

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
mismatch_level(const Fill *fill)
{
    if (fill->term->sort == FERRY_TERM_ABSENT)
        return fill->source != NULL ? FERRY_VERDICT_NO : FERRY_VERDICT_YES;
    if (fill->term->sort == FERRY_TERM_ANY)
        return FERRY_VERDICT_YES;
    if (fill->source == NULL)
        return FERRY_VERDICT_UNKNOWN;
    if (!ferry_kinds_meet(term_kind(fill->term), fill->source->kind))
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
    FerryVerdictLevel level = mismatch_level(fill);

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

/* A key may have a match and a directive: its level is the worse of both. */
static void
worsen(uint8_t *restrict row, const uint8_t *restrict other, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] = row[i] > other[i] ? row[i] : other[i];
}

/* Fills one row per key into @rows; returns how many. */
static size_t
fill_rows(Fill *fill, uint8_t *rows, uint8_t *spare)
{
    const GPtrArray *terms = fill->entry->by_key;
    size_t n_rows = 0;

    for (guint i = 0; i < terms->len; i++) {
        bool repeats = i > 0 && strcmp(((const FerryTerm *)terms->pdata[i])->key,
                                       ((const FerryTerm *)terms->pdata[i - 1])->key) == 0;

        fill->term = terms->pdata[i];
        fill->source = ferry_facts_find(fill->comparison->source, fill->term->key);
        if (is_inert(fill, fill->term))
            continue;
        fill->row = repeats ? spare : rows + n_rows * fill->count;
        if (fill->term->is_directive)
            fill_directive_row(fill);
        else
            fill_match_row(fill);
        if (repeats)
            worsen(rows + (n_rows - 1) * fill->count, spare, fill->count);
        else
            n_rows++;
    }
    return n_rows;
}

/* Keeps of the columns alive those with the smallest byte in @row. */
static void
keep_smallest(uint8_t *restrict alive, const uint8_t *restrict row, size_t n)
{
    uint8_t smallest = UINT8_MAX;

    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)(row[i] | (uint8_t)~alive[i]); /* 255 for a dead column */
        smallest = smallest < byte ? smallest : byte;
    }
    for (size_t i = 0; i < n; i++)
        alive[i] = (uint8_t)(alive[i] & (row[i] == smallest ? UINT8_MAX : 0));
}

static void
count_differing(uint8_t *restrict counts, const uint8_t *restrict row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        counts[i] = (uint8_t)(counts[i] + (row[i] != 0));
}

static uint8_t
worst_of(const GPtrArray *findings, size_t *n_differing)
{
    uint8_t worst = 0;

    *n_differing = 0;
    for (guint i = 0; i < findings->len; i++) {
        const FerryFinding *finding = findings->pdata[i];
        worst = MAX(worst, (uint8_t)finding->level);
        *n_differing += finding->level != FERRY_VERDICT_YES;
    }
    return worst;
}

/* The best assignment of one entry, given the findings on the keys that it does not mention. */
static Score
best_assignment(FerryComparison *self, const FerryEntry *entry, const GPtrArray *unmentioned)
{
    size_t count = (size_t)entry->count;
    g_autofree uint8_t *rows = g_malloc((entry->terms->len + 4) * count);
    uint8_t *spare = rows + entry->terms->len * count;
    uint8_t *worst = spare + count;
    uint8_t *counts = worst + count;
    uint8_t *alive = counts + count;
    Fill fill = { .comparison = self, .entry = entry, .count = count };
    Score score = { .worst = 0 };
    size_t n_rows = 0;

    score.worst = worst_of(unmentioned, &score.n_differing);
    for (unsigned i = 0; i < entry->variables->len; i++)
        fill.strides[i] = ferry_entry_stride(entry, i);
    n_rows = fill_rows(&fill, rows, spare);
    memset(worst, score.worst, count);
    memset(counts, 0, count);
    memset(alive, UINT8_MAX, count);
    for (size_t i = 0; i < n_rows; i++) {
        worsen(worst, rows + i * count, count);
        count_differing(counts, rows + i * count, count);
    }
    keep_smallest(alive, worst, count);
    keep_smallest(alive, counts, count);
    for (size_t i = 0; i < n_rows; i++)
        keep_smallest(alive, rows + i * count, count);

    score.assignment = (size_t)((uint8_t *)memchr(alive, UINT8_MAX, count) - alive);
    score.worst = worst[score.assignment];
    score.n_differing += counts[score.assignment];
    return score;
}

static char *
describe_entry(const Score *score, const char *accepted)
{
    return g_strdup_printf("entry %zu wants \"%s\"", score->entry + 1, accepted);
}

static void
note_directive(FerryComparison *self,
               const FerryTerm *term,
               const FerryValue *wanted,
               const char *detail)
{
    FerryVerdictLevel level = directive_level(self, term->key, wanted);
    FerryFinding *finding = NULL;
    const FerryValue *current = ferry_facts_find(self->target, term->key);

    ferry_compare_note(self, term->key, level,
                       level == FERRY_VERDICT_PROVISION ? FERRY_CODE_SETTABLE
                       : level == FERRY_VERDICT_NO      ? FERRY_CODE_OUT_OF_DOMAIN
                                                        : FERRY_CODE_LISTED,
                       wanted, current, detail);
    if (level != FERRY_VERDICT_PROVISION)
        return;
    finding = self->findings->pdata[self->findings->len - 1];
    finding->set = ferry_value_format(wanted);
}

static void
note_match(FerryComparison *self,
           const FerryTerm *term,
           FerryVerdictLevel level,
           const char *detail)
{
    const FerryValue *source = ferry_facts_find(self->source, term->key);
    const FerryValue *target = ferry_facts_find(self->target, term->key);
    FerryFindingCode code = FERRY_CODE_LISTED;

    if (level == FERRY_VERDICT_NO)
        code = FERRY_CODE_NOT_LISTED;
    else if (level == FERRY_VERDICT_UNKNOWN)
        code = source == NULL ? FERRY_CODE_MISSING_SOURCE : FERRY_CODE_KIND_MISMATCH;
    ferry_compare_note(self, term->key, level, code, source, target, detail);
}

/* Notes what the chosen assignment says of each key it mentions. */
static void
note_entry(FerryComparison *self, const FerryEntry *entry, const Score *score)
{
    size_t digits[FERRY_VARIABLES_MAX] = { 0 };
    uint8_t level = 0;

    ferry_entry_digits(entry, score->assignment, digits);
    for (guint i = 0; i < entry->by_key->len; i++) {
        const FerryTerm *term = entry->by_key->pdata[i];
        g_autofree char *text = ferry_term_value_text(entry, term, digits);
        g_autofree char *detail = describe_entry(score, text);
        g_auto(FerryValue) wanted = { .kind = FERRY_KIND_NONE };
        Fill fill = { .comparison = self, .entry = entry, .count = 1, .term = term, .row = &level };

        if (is_inert(&fill, term))
            continue;
        if (term->sort != FERRY_TERM_ANY && term->sort != FERRY_TERM_ABSENT)
            (void)ferry_term_value(entry, term, digits, &wanted);
        if (term->is_directive) {
            note_directive(self, term, &wanted, detail);
            continue;
        }
        fill.source = ferry_facts_find(self->source, term->key);
        level = (uint8_t)mismatch_level(&fill);
        if (level == FERRY_VERDICT_NO && wanted.kind != FERRY_KIND_NONE &&
            ferry_value_matches(&wanted, fill.source))
            level = FERRY_VERDICT_YES;
        note_match(self, term, (FerryVerdictLevel)level, detail);
    }
}

static bool
is_better(const Score *a, const Score *b)
{
    if (a->worst != b->worst)
        return a->worst < b->worst;
    return a->n_differing < b->n_differing;
}

void
ferry_list_compare(FerryComparison *self)
{
    const GPtrArray *list = self->target->list;
    g_autoptr(GPtrArray) best_unmentioned = NULL;
    Score best = { .worst = UINT8_MAX };

    if (list->len == 0) {
        ferry_compare_note(self, "compatible", FERRY_VERDICT_NO, FERRY_CODE_NOTHING_LISTED, NULL,
                           NULL, NULL);
        return;
    }
    for (guint i = 0; i < list->len; i++) {
        g_autoptr(GPtrArray) unmentioned =
            g_ptr_array_new_with_free_func((GDestroyNotify)ferry_finding_free);
        FerryComparison rest = *self;
        Score score;

        rest.entry = list->pdata[i];
        rest.findings = unmentioned;
        ferry_compare(&rest);
        score = best_assignment(self, list->pdata[i], unmentioned);
        score.entry = i;
        if (!is_better(&score, &best))
            continue;
        best = score;
        g_clear_pointer(&best_unmentioned, g_ptr_array_unref);
        best_unmentioned = g_steal_pointer(&unmentioned);
    }
    g_ptr_array_extend_and_steal(self->findings, g_steal_pointer(&best_unmentioned));
    self->entry = list->pdata[best.entry];
    note_entry(self, self->entry, &best);
    self->entry = NULL;
}
