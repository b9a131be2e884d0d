/* The meet of the descriptions of a pool: baseline.c's first candidate. */
#include <string.h>

#include "compat/baseline.h"

typedef struct {
    const FerryFacts *const *pool;
    size_t n;
    FerryFacts *meet;
    GHashTable *blocking;
} Meeting;

static void
block(Meeting *self, const char *key)
{
    g_hash_table_add(self->blocking, g_strdup(key));
}

/* The value that all hosts have, or NULL; @stated tells whether any has one. */
static const FerryValue *
common_value(const Meeting *self, const char *key, bool *stated)
{
    const FerryValue *first = ferry_facts_find(self->pool[0], key);
    bool is_common = true;

    *stated = false;
    for (size_t i = 0; i < self->n; i++) {
        const FerryValue *value = ferry_facts_find(self->pool[i], key);
        *stated = *stated || value != NULL;
        if (value == NULL || first == NULL || !ferry_value_equal(first, value))
            is_common = false;
    }
    return is_common ? first : NULL;
}

/* Keys that must agree, be it that no host states them. */
static void
meet_required(Meeting *self, FerryFactKey fact)
{
    const char *key = ferry_fact_name(fact);
    bool stated = false;
    const FerryValue *value = common_value(self, key, &stated);

    if (value != NULL)
        ferry_facts_set(self->meet, key, value);
    else if (stated)
        block(self, key);
}

static void
meet_if_equal(Meeting *self, FerryFactKey fact)
{
    const char *key = ferry_fact_name(fact);
    bool stated = false;
    const FerryValue *value = common_value(self, key, &stated);

    if (value != NULL)
        ferry_facts_set(self->meet, key, value);
}

static void
meet_identity(Meeting *self)
{
    bool is_mdev = strcmp(ferry_facts_class(self->pool[0]), "mdev") == 0;

    /* What never decides for an mdev is no reason to have no meet. */
    meet_required(self, FERRY_FACT_DEVICE_API);
    meet_required(self, FERRY_FACT_CLASS);
    meet_required(self, FERRY_FACT_MDEV_TYPE);
    if (is_mdev) {
        meet_if_equal(self, FERRY_FACT_DEVICE_ID);
    } else {
        meet_required(self, FERRY_FACT_DEVICE_ID);
        meet_required(self, FERRY_FACT_SIGNATURE);
    }
    meet_if_equal(self, FERRY_FACT_DRIVER);
    meet_if_equal(self, FERRY_FACT_DRIVER_VERSION);
    meet_if_equal(self, FERRY_FACT_KERNEL);
    meet_if_equal(self, FERRY_FACT_FIRMWARE);
}

/* The common major with the smallest minor; on some hosts only, or over majors: no meet. */
static void
meet_version(Meeting *self)
{
    FerryVersion least = { .major = 0 };
    size_t n_stated = 0;
    FerryValue value;

    for (size_t i = 0; i < self->n; i++) {
        const FerryValue *own = ferry_facts_find(self->pool[i], "version");

        if (own == NULL)
            continue;
        if (n_stated++ == 0)
            least = own->version;
        if (own->version.major != least.major) {
            block(self, "version");
            return;
        }
        least.minor = MIN(least.minor, own->version.minor);
    }
    if (n_stated == 0)
        return;
    if (n_stated < self->n) {
        block(self, "version");
        return;
    }
    value = ferry_value_of_version((FerryVersion){ least.major, least.minor, 0, false });
    ferry_facts_set(self->meet, "version", &value);
}

static bool
can_have(const FerryFacts *host, const char *key, const FerryValue *value)
{
    const FerryValue *own = ferry_facts_find(host, key);
    const FerrySettable *settable = ferry_facts_find_settable(host, key);

    return (own != NULL && ferry_value_equal(own, value)) ||
           (settable != NULL && ferry_settable_has(settable, value));
}

static bool
all_can_have(const Meeting *self, const char *key, const FerryValue *value)
{
    for (size_t i = 0; i < self->n; i++) {
        if (!can_have(self->pool[i], key, value))
            return false;
    }
    return true;
}

/* Quantities: the larger is better; strings and flags: the bytewise smaller. */
static bool
is_preferred(const FerryValue *a, const FerryValue *b)
{
    g_autofree char *left = NULL;
    g_autofree char *right = NULL;

    if (a->kind == FERRY_KIND_QUANTITY && b->kind == FERRY_KIND_QUANTITY)
        return ferry_fraction_compare(a->quantity, b->quantity) > 0;
    left = ferry_value_format(a);
    right = ferry_value_format(b);
    return strcmp(left, right) < 0;
}

static void
consider(const Meeting *self, const char *key, const FerryValue *value, const FerryValue **best)
{
    if ((*best == NULL || is_preferred(value, *best)) && all_can_have(self, key, value))
        *best = value;
}

/* A best common value is some host's own, or the end of some range: no other can be the largest. */
static const FerryValue *
best_common(const Meeting *self, const char *key)
{
    const FerryValue *best = NULL;

    for (size_t i = 0; i < self->n; i++) {
        const FerryValue *own = ferry_facts_find(self->pool[i], key);
        const FerrySettable *settable = ferry_facts_find_settable(self->pool[i], key);

        if (own != NULL)
            consider(self, key, own, &best);
        for (guint j = 0; settable != NULL && j < settable->items->len; j++) {
            const FerryDomainItem *item = &g_array_index(settable->items, FerryDomainItem, j);
            consider(self, key, item->is_range ? &item->high : &item->low, &best);
        }
    }
    return best;
}

static bool
is_larger_set(const FerryValue *a, const FerryValue *b)
{
    g_autofree char *left = ferry_value_format(a);
    g_autofree char *right = ferry_value_format(b);
    size_t n_a = ferry_value_n_elements(a);
    size_t n_b = ferry_value_n_elements(b);

    return n_a != n_b ? n_a > n_b : strcmp(left, right) < 0;
}

/* What a host offers of a set: its value, else the largest it can be made with. */
static const FerryValue *
offered_set(const FerryFacts *host, const char *key)
{
    const FerryValue *best = ferry_facts_find(host, key);
    const FerrySettable *settable = ferry_facts_find_settable(host, key);

    if (best != NULL)
        return ferry_kinds_meet(best->kind, FERRY_KIND_SET) ? best : NULL;
    for (guint i = 0; settable != NULL && i < settable->items->len; i++) {
        const FerryDomainItem *item = &g_array_index(settable->items, FerryDomainItem, i);
        if (!item->is_range && ferry_kinds_meet(item->low.kind, FERRY_KIND_SET) &&
            (best == NULL || is_larger_set(&item->low, best)))
            best = &item->low;
    }
    return best;
}

static bool
is_in_all(const Meeting *self, const char *key, const char *element)
{
    FerryValue one = { .kind = FERRY_KIND_STRING, .string = (char *)element };

    for (size_t i = 0; i < self->n; i++) {
        const FerryValue *offered = offered_set(self->pool[i], key);
        if (offered == NULL || !ferry_value_is_subset(&one, offered))
            return false;
    }
    return true;
}

static void
meet_set(Meeting *self, const char *key)
{
    const FerryValue *first = offered_set(self->pool[0], key);
    g_autoptr(GPtrArray) common = g_ptr_array_new();
    g_auto(FerryValue) value = { .kind = FERRY_KIND_NONE };

    for (size_t i = 0; first != NULL && i < ferry_value_n_elements(first); i++) {
        const char *element = ferry_value_element(first, i);
        if (is_in_all(self, key, element))
            g_ptr_array_add(common, (gpointer)element);
    }
    if (common->len == 0) {
        block(self, key);
        return;
    }
    (void)ferry_value_make_set((const char *const *)common->pdata, common->len, &value);
    ferry_facts_set(self->meet, key, &value);
}

/* Whether some host has the key as a set; then all are met as sets. */
static bool
is_set_somewhere(const Meeting *self, const char *key)
{
    for (size_t i = 0; i < self->n; i++) {
        const FerryValue *value = ferry_facts_find(self->pool[i], key);
        if (value != NULL && value->kind == FERRY_KIND_SET)
            return true;
    }
    return false;
}

static void
meet_attribute(Meeting *self, const char *key)
{
    const FerryValue *best = NULL;

    for (size_t i = 0; i < self->n; i++) {
        if (ferry_facts_find(self->pool[i], key) == NULL &&
            ferry_facts_find_settable(self->pool[i], key) == NULL) {
            block(self, key);
            return;
        }
    }
    if (is_set_somewhere(self, key)) {
        meet_set(self, key);
        return;
    }
    best = best_common(self, key);
    if (best != NULL)
        ferry_facts_set(self->meet, key, best);
    else
        block(self, key);
}

FerryFacts *
ferry_meet(const FerryFacts *const *pool, size_t n, GHashTable *blocking)
{
    g_autoptr(FerryFacts) meet = ferry_facts_new_malformed(NULL);
    Meeting meeting = { pool, n, meet, blocking };

    meet->has_class = true;
    meet_identity(&meeting);
    meet_version(&meeting);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < pool[i]->n_attributes; j++) {
            const char *key = pool[i]->attributes[j].name;
            if (ferry_facts_find(meet, key) == NULL && !ferry_attribute_is_inert(key))
                meet_attribute(&meeting, key);
        }
    }
    return g_hash_table_size(blocking) == 0 ? g_steal_pointer(&meet) : NULL;
}
