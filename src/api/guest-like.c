#include "api/guest-like.h"

#include <stddef.h>

/* alias_of() takes either. */
G_STATIC_ASSERT(offsetof(FerryMdevMeta, alias) == 0 && offsetof(FerryHybridMeta, alias) == 0);

static bool
is_like_attrs(const GPtrArray *one, const GPtrArray *other)
{
    if (one->len != other->len)
        return false;
    for (guint i = 0; i < one->len; i++) {
        const FerryMetaAttr *a = g_ptr_array_index(one, i);
        const FerryMetaAttr *b = g_ptr_array_index(other, i);

        if (g_strcmp0(a->name, b->name) != 0 || g_strcmp0(a->value, b->value) != 0)
            return false;
    }
    return true;
}

static bool
is_like_mdev(gconstpointer one, gconstpointer other)
{
    const FerryMdevMeta *a = one;
    const FerryMdevMeta *b = other;

    return a->managed && b->managed && g_strcmp0(a->type, b->type) == 0 &&
           g_strcmp0(a->pool, b->pool) == 0 && g_strcmp0(a->parent, b->parent) == 0 &&
           is_like_attrs(a->attrs, b->attrs);
}

static bool
is_like_hybrid(gconstpointer one, gconstpointer other)
{
    const FerryHybridMeta *a = one;
    const FerryHybridMeta *b = other;

    return a->on_no_vf == b->on_no_vf && g_strcmp0(a->pool, b->pool) == 0;
}

static const char *
alias_of(const GPtrArray *all, guint i)
{
    return *(char *const *)g_ptr_array_index((GPtrArray *)all, i);
}

static bool
has_alias(const GPtrArray *all, const char *alias)
{
    for (guint i = 0; i < all->len; i++)
        if (g_strcmp0(alias_of(all, i), alias) == 0)
            return true;
    return false;
}

/* Returns: (nullable): the one of @after that @before has not */
static gconstpointer
find_new(const GPtrArray *before, const GPtrArray *after)
{
    for (guint i = 0; i < after->len; i++)
        if (!has_alias(before, alias_of(after, i)))
            return g_ptr_array_index((GPtrArray *)after, i);
    return NULL;
}

static const char *
find_like(const GPtrArray *before,
          const GPtrArray *after,
          const char *alias,
          bool (*is_like)(gconstpointer one, gconstpointer other))
{
    gconstpointer fresh = find_new(before, after);

    for (guint i = 0; fresh != NULL && i < before->len; i++) {
        const char *name = alias_of(before, i);

        if ((alias == NULL || g_strcmp0(name, alias) == 0) &&
            is_like(g_ptr_array_index((GPtrArray *)before, i), fresh))
            return name;
    }
    return NULL;
}

const char *
ferry_guest_like_find(const FerryDomain *before, const FerryDomain *after, const char *alias)
{
    const FerryMetadata *old = before->metadata;
    const FerryMetadata *now = after->metadata;
    const char *found = find_like(old->mdevs, now->mdevs, alias, is_like_mdev);

    return found != NULL ? found : find_like(old->hybrids, now->hybrids, alias, is_like_hybrid);
}
