#include "compat/rank.h"

#include <string.h>

static void
ranked_free(gpointer data)
{
    FerryRanked *self = data;

    ferry_verdict_free(self->verdict);
    g_free(self);
}

/* A documented promise is worth more than equality, and that more than experience. */
static int
basis_rank(FerryBasis basis)
{
    switch (basis) {
    case FERRY_BASIS_EQUALITY:
        return 1;
    case FERRY_BASIS_OBSERVED:
        return 2;
    default:
        return 0;
    }
}

static uint32_t
count_steps(const FerryVerdict *verdict)
{
    uint32_t n = 0;

    for (guint i = 0; i < verdict->findings->len; i++)
        n += ((const FerryFinding *)verdict->findings->pdata[i])->set != NULL;
    return verdict->level == FERRY_VERDICT_PROVISION ? n : 0;
}

static void
measure_versions(FerryRanked *self, const FerryFacts *source, const FerryFacts *made)
{
    const FerryValue *from = ferry_facts_find(source, "version");
    const FerryValue *to = ferry_facts_find(made, "version");

    self->minor_distance = UINT32_MAX;
    if (to == NULL)
        return;
    self->bugfix = to->version.bugfix;
    if (from != NULL && from->version.major == to->version.major)
        self->minor_distance = from->version.minor > to->version.minor
                                   ? from->version.minor - to->version.minor
                                   : to->version.minor - from->version.minor;
}

/* Whether a device on the target, once made, could be loaded into one like the source. */
static bool
has_return(const FerryFacts *source, const FerryFacts *made, const FerryRules *rules)
{
    g_autoptr(FerryFacts) instance = ferry_facts_copy(source);
    FerryCheckOptions options = { .rules = rules };
    g_autoptr(FerryVerdict) verdict = NULL;

    instance->is_type = false;
    verdict = ferry_check(made, instance, &options);
    return ferry_verdict_is_usable(verdict);
}

static FerryRanked *
rank_one(const FerryFacts *source,
         const FerryCandidate *candidate,
         const FerryCheckOptions *options)
{
    FerryRanked *self = g_new0(FerryRanked, 1);
    FerryCheckOptions own = options != NULL ? *options : (FerryCheckOptions){ .rules = NULL };
    g_autoptr(FerryFacts) made = NULL;

    own.observations = candidate->observations;
    self->facts = candidate->facts;
    self->name = candidate->name != NULL          ? candidate->name
                 : candidate->facts->name != NULL ? candidate->facts->name
                                                  : "";
    self->verdict = ferry_check(source, candidate->facts, &own);
    self->is_full = candidate->facts->is_type && candidate->facts->available == 0;
    self->is_usable = ferry_verdict_is_usable(self->verdict) && !self->is_full;
    self->n_steps = count_steps(self->verdict);
    made = ferry_verdict_provisioned(self->verdict, candidate->facts);
    self->has_return = has_return(source, made, own.rules);
    measure_versions(self, source, made);
    return self;
}

static int
compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int
compare_ranked(gconstpointer a, gconstpointer b)
{
    const FerryRanked *left = *(const FerryRanked *const *)a;
    const FerryRanked *right = *(const FerryRanked *const *)b;
    const int orders[] = {
        compare_numbers(left->verdict->level, right->verdict->level),
        compare_numbers(left->is_full, right->is_full),
        compare_numbers(basis_rank(left->verdict->basis), basis_rank(right->verdict->basis)),
        compare_numbers(left->n_steps, right->n_steps),
        compare_numbers(right->has_return, left->has_return),
        compare_numbers(left->minor_distance, right->minor_distance),
        compare_numbers(right->bugfix, left->bugfix),
    };

    for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
        if (orders[i] != 0)
            return orders[i];
    }
    return strcmp(left->name, right->name);
}

GPtrArray *
ferry_rank(const FerryFacts *source,
           const FerryCandidate *candidates,
           size_t n_candidates,
           const FerryCheckOptions *options)
{
    GPtrArray *ranked = g_ptr_array_new_with_free_func(ranked_free);

    for (size_t i = 0; i < n_candidates; i++) {
        FerryRanked *one = rank_one(source, &candidates[i], options);
        one->index = i;
        g_ptr_array_add(ranked, one);
    }
    g_ptr_array_sort(ranked, compare_ranked);
    return ranked;
}
