/*
 * The target's list.  The best column of an entry's rows (rows.h) is found by three passes.
 *
 *   assignment          0  1  2  3  ...
 *   mdev_type           N  N  .  N
 *   aggregator          N  .  .  N
 *   worst / differing   N2 N1 .0 N2        best: 2
 */
#include "compat/list.h"

#include <string.h>

#include "compat/rows.h"

/* How one alternative compares with others. */
typedef struct {
    uint8_t worst;
    size_t n_differing;
    size_t entry;
    size_t assignment;
} Score;

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
    Score score = { .worst = 0 };
    size_t n_rows = 0;

    score.worst = worst_of(unmentioned, &score.n_differing);
    n_rows = ferry_rows_fill(self, entry, rows, spare);
    memset(worst, score.worst, count);
    memset(counts, 0, count);
    memset(alive, UINT8_MAX, count);
    for (size_t i = 0; i < n_rows; i++) {
        ferry_rows_worsen(worst, rows + i * count, count);
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
               FerryVerdictLevel level,
               const char *detail)
{
    const FerryValue *current = ferry_facts_find(self->target, term->key);
    FerryFindingCode code =
        level == FERRY_VERDICT_NO ? FERRY_CODE_OUT_OF_DOMAIN : FERRY_CODE_LISTED;

    if (level == FERRY_VERDICT_PROVISION)
        ferry_comparison_note_settable(self, term->key, wanted, current, wanted, detail);
    else
        ferry_comparison_note(self, term->key, level, code, wanted, current, detail);
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
    ferry_comparison_note(self, term->key, level, code, source, target, detail);
}

/* Notes what the chosen assignment says of each key it mentions. */
static void
note_entry(FerryComparison *self, const FerryEntry *entry, const Score *score)
{
    size_t digits[FERRY_VARIABLES_MAX] = { 0 };

    ferry_entry_digits(entry, score->assignment, digits);
    for (guint i = 0; i < entry->by_key->len; i++) {
        const FerryTerm *term = entry->by_key->pdata[i];
        g_autofree char *text = ferry_term_value_text(entry, term, digits);
        g_autofree char *detail = describe_entry(score, text);
        g_auto(FerryValue) wanted = { .kind = FERRY_KIND_NONE };
        FerryVerdictLevel level = FERRY_VERDICT_YES;

        if (ferry_facts_key_is_inert(self->source, term->key))
            continue;
        if (term->sort != FERRY_TERM_ANY && term->sort != FERRY_TERM_ABSENT)
            (void)ferry_term_value(entry, term, digits, &wanted);
        level = ferry_rows_level(self, term, &wanted);
        if (term->is_directive)
            note_directive(self, term, &wanted, level, detail);
        else
            note_match(self, term, level, detail);
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
        ferry_comparison_note(self, "compatible", FERRY_VERDICT_NO, FERRY_CODE_NOTHING_LISTED, NULL,
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
