#include "compat/baseline.h"

#include <string.h>

/* The best candidate so far that every host accepts. */
typedef struct {
    FerryFacts *facts;
    size_t n_elements;
} Choice;

void
ferry_baseline_free(FerryBaseline *self)
{
    if (self == NULL)
        return;
    ferry_facts_free(self->facts);
    g_strfreev(self->blocking);
    g_free(self);
}

/* A host's description without what is not a fact: D is a source, and sources have no list. */
static FerryFacts *
own_facts(const FerryFacts *host)
{
    FerryFacts *own = ferry_facts_copy(host);

    own->is_type = false;
    own->available = -1;
    g_clear_pointer(&own->settable, g_ptr_array_unref);
    g_clear_pointer(&own->list, g_ptr_array_unref);
    g_clear_pointer(&own->name, g_free);
    return own;
}

static size_t
count_elements(const FerryFacts *facts)
{
    size_t n = 0;

    for (size_t i = 0; i < facts->n_attributes; i++) {
        if (facts->attributes[i].value.kind == FERRY_KIND_SET)
            n += ferry_value_n_elements(&facts->attributes[i].value);
    }
    return n;
}

static void
add_keys(GHashTable *blocking, const FerryVerdict *verdict)
{
    g_auto(GStrv) keys = ferry_verdict_differing(verdict);

    for (size_t i = 0; keys[i] != NULL; i++)
        g_hash_table_add(blocking, g_strdup(keys[i]));
}

/* Whether all hosts accept @facts; @blocking (nullable) gets what differs. */
static bool
is_accepted(const FerryFacts *facts,
            const FerryFacts *const *pool,
            size_t n,
            const FerryRules *rules,
            GHashTable *blocking)
{
    FerryCheckOptions options = { .rules = rules };
    bool accepted = true;

    for (size_t i = 0; i < n; i++) {
        g_autoptr(FerryVerdict) verdict = ferry_check(facts, pool[i], &options);

        if (blocking != NULL)
            add_keys(blocking, verdict);
        accepted = accepted && ferry_verdict_is_usable(verdict);
    }
    return accepted;
}

/* By major and minor: a bugfix makes a description no larger.  A missing version is smallest. */
static int
compare_versions(const FerryFacts *a, const FerryFacts *b)
{
    const FerryValue *left = ferry_facts_find(a, "version");
    const FerryValue *right = ferry_facts_find(b, "version");
    FerryVersion x;
    FerryVersion y;

    if (left == NULL || right == NULL)
        return (left != NULL) - (right != NULL);
    x = (FerryVersion){ left->version.major, left->version.minor, 0, false };
    y = (FerryVersion){ right->version.major, right->version.minor, 0, false };
    return ferry_version_compare(&x, &y);
}

/* Takes @facts in if it is larger than what was chosen; of two alike the earlier stays. */
static void
consider(Choice *choice, FerryFacts *facts)
{
    size_t n_elements = count_elements(facts);
    int order = choice->facts != NULL ? compare_versions(facts, choice->facts) : 1;

    if (order < 0 || (order == 0 && n_elements <= choice->n_elements)) {
        ferry_facts_free(facts);
        return;
    }
    ferry_facts_free(choice->facts);
    *choice = (Choice){ facts, n_elements };
}

static int
compare_keys(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GStrv
sorted_keys(GHashTable *keys)
{
    g_autofree char **names = (char **)g_hash_table_get_keys_as_array(keys, NULL);
    size_t n = g_hash_table_size(keys);
    GStrv copy = g_new0(char *, n + 1);

    for (size_t i = 0; i < n; i++)
        copy[i] = g_strdup(names[i]);
    qsort(copy, n, sizeof(char *), compare_keys);
    return copy;
}

/* Descriptions that cannot be judged have no meet; they are named. */
static bool
all_are_judged(const FerryFacts *const *pool, size_t n, GHashTable *blocking)
{
    for (size_t i = 0; i < n; i++) {
        if (pool[i]->fault != NULL || pool[i]->is_newer_format)
            g_hash_table_add(blocking,
                             g_strdup(pool[i]->fault != NULL ? pool[i]->fault->key : "format"));
    }
    return g_hash_table_size(blocking) == 0;
}

FerryBaseline *
ferry_baseline(const FerryFacts *const *pool, size_t n, const FerryRules *rules)
{
    FerryBaseline *self = g_new0(FerryBaseline, 1);
    g_autoptr(GHashTable) blocking = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(FerryFacts) meet = NULL;
    Choice choice = { .facts = NULL };

    if (all_are_judged(pool, n, blocking)) {
        meet = ferry_meet(pool, n, blocking);
        if (meet != NULL && is_accepted(meet, pool, n, rules, blocking))
            consider(&choice, g_steal_pointer(&meet));
        for (size_t i = 0; i < n; i++) {
            g_autoptr(FerryFacts) own = own_facts(pool[i]);
            if (is_accepted(own, pool, n, rules, NULL))
                consider(&choice, g_steal_pointer(&own));
        }
    }
    self->facts = choice.facts;
    if (self->facts != NULL)
        g_hash_table_remove_all(blocking);
    self->blocking = sorted_keys(blocking);
    return self;
}
