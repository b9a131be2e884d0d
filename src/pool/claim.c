/*
 * How a slot is claimed: under one lock, look at what there is, choose, and have the claim on the
 * disk.  Nothing is made here, so a crash leaves a claim at most, and that names guest and job.
 */
#include <string.h>

#include "base/crash.h"
#include "base/error.h"
#include "pool/choose.h"
#include "pool/members.h"
#include "pool/reasons.h"
#include "pool/state.h"

/* One claim on its way; the strings of @row are borrowed but for slot and device. */
typedef struct {
    FerryNeed need;
    char *slot_parent, *slot_type; /* of an mdev's slot that is asked for */
    const char *type;              /* NULL: of VFs */
    FerryPoolView *view;
    FerryClaimRow row;
    char *attrs, *slot, *device;
} Claiming;

static void
claiming_clear(Claiming *self)
{
    g_free(self->slot_parent);
    g_free(self->slot_type);
    ferry_pool_view_free(self->view);
    free(self->attrs);
    g_free(self->slot);
    g_free(self->device);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claiming, claiming_clear)

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
refuse(GError **error, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID, why);
    return false;
}

static bool
check_need(const FerryNeed *need, GError **error)
{
    if (need->alias == NULL || need->alias[0] == '\0')
        return refuse(error, "a claim needs the alias of its device");
    if ((need->pool == NULL) == (need->parent == NULL))
        return refuse(error, "%s: name a pool or a parent, exactly one", need->alias);
    if (need->parent != NULL && need->type == NULL)
        return refuse(error, "%s: a mediated device needs a type", need->alias);
    if (need->parent != NULL && (need->parent[0] == '\0' || strchr(need->parent, '/') != NULL))
        return refuse(error, "\"%s\" is no name of a device", need->parent);
    if (need->type != NULL && (need->type[0] == '\0' || strchr(need->type, '/') != NULL))
        return refuse(error, "\"%s\" is no type of a mediated device", need->type);
    if (need->uuid != NULL && !g_uuid_string_is_valid(need->uuid))
        return refuse(error, "\"%s\" is not a UUID", need->uuid);
    return true;
}

/* An mdev's slot says what is to be had, and from whom. */
static bool
take_slot(Claiming *claiming, GError **error)
{
    FerryNeed *need = &claiming->need;
    g_autofree char *pf = NULL;
    unsigned index = 0;

    if (need->slot == NULL || ferry_slot_parse_vf(need->slot, &pf, &index))
        return true;
    if (strchr(need->slot, '/') == NULL)
        return refuse(error, "\"%s\" is no slot: that is PARENT/TYPE or PF/vfN", need->slot);
    ferry_slot_parse_mdev(need->slot, &claiming->slot_parent, &claiming->slot_type);
    if (need->pool == NULL && need->parent == NULL)
        need->parent = claiming->slot_parent;
    if (need->type == NULL)
        need->type = claiming->slot_type;
    return strcmp(need->type, claiming->slot_type) == 0 ||
           refuse(error, "slot %s is not of type %s", need->slot, need->type);
}

static bool
has_type(const FerryPool *pool, const char *type)
{
    for (guint i = 0; i < pool->types->len; i++)
        if (strcmp(g_ptr_array_index(pool->types, i), type) == 0)
            return true;
    return false;
}

/* Which type is not ours to choose: it is another device for the guest. */
static bool
choose_type(const FerryPool *pool, const FerryNeed *need, const char **ret, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < pool->types->len; i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "",
                               (const char *)g_ptr_array_index(pool->types, i));
    if (pool->kind == FERRY_POOL_VF)
        return (need->type == NULL && need->uuid == NULL && need->n_attrs == 0) ||
               refuse(error,
                      "%s: pool %s has VFs: type, UUID and attributes are for mediated devices",
                      need->alias, pool->name);
    if (need->pf != NULL)
        return refuse(error, "pool %s has mediated devices: it has no PFs", pool->name);
    if (need->type == NULL && pool->types->len > 1)
        return refuse(error, "%s: pool %s has several types, name one of them: %s", need->alias,
                      pool->name, known->str);
    *ret = need->type != NULL ? need->type : g_ptr_array_index(pool->types, 0);
    if (has_type(pool, *ret))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "%s: pool %s does not give out type %s, but %s", need->alias, pool->name, *ret,
                known->str);
    return false;
}

/* A parent that the guest names itself is like a pool of just that. */
static FerryPool *
pool_of_parent(const char *parent, const char *type)
{
    FerryPool *pool = ferry_pool_new("", FERRY_POOL_MDEV);

    g_ptr_array_add(pool->parents, g_strdup(parent));
    g_ptr_array_add(pool->types, g_strdup(type));
    return pool;
}

bool
ferry_pools_pool_of(FerryPools *self, const FerryClaimRow *claim, FerryPool **ret, GError **error)
{
    g_autofree char *parent = NULL;
    g_autofree char *type = NULL;

    if (claim->pool[0] != '\0')
        return ferry_pools_get(self, claim->pool, ret, error);
    ferry_slot_parse_mdev(claim->slot, &parent, &type);
    *ret = pool_of_parent(parent, type);
    return true;
}

static bool
find_pool(FerryPools *self, const FerryNeed *need, FerryPool **ret, GError **error)
{
    if (need->pool != NULL)
        return ferry_pools_get(self, need->pool, ret, error);
    *ret = pool_of_parent(need->parent, need->type);
    return true;
}

static char *
attrs_to_text(const FerryNeed *need)
{
    json_t *array = json_array();
    char *text = NULL;

    for (size_t i = 0; i < need->n_attrs; i++)
        (void)json_array_append_new(array, json_pack("{s:s, s:s}", "name", need->attrs[i].name,
                                                     "value", need->attrs[i].value));
    text = json_dumps(array, JSON_COMPACT);
    json_decref(array);
    return text;
}

static void
fill_row(FerryPools *self, Claiming *claiming)
{
    const FerryNeed *need = &claiming->need;
    const FerryClock *clock = self->config.clock;
    const bool is_vf = claiming->type == NULL;

    claiming->attrs = attrs_to_text(need);
    if (!is_vf)
        claiming->device =
            need->uuid != NULL ? g_ascii_strdown(need->uuid, -1) : clock->uuid(clock);
    claiming->row = (FerryClaimRow){
        .pool = (char *)(need->pool != NULL ? need->pool : ""),
        .device = is_vf ? (char *)"" : claiming->device,
        .guest_uuid = (char *)(need->guest_uuid != NULL ? need->guest_uuid : ""),
        .guest_name = (char *)(need->guest_name != NULL ? need->guest_name : ""),
        .alias = (char *)need->alias,
        .job = (char *)(need->job != NULL ? need->job : ""),
        .saved_settings = (char *)"",
        .attrs = claiming->attrs,
        .made_in = (char *)"",
        .since_us = clock->wall_us(clock),
    };
}

/* Whether the claim that the guest's device has is the one that is asked for. */
static bool
is_same(const Claiming *claiming, const FerryClaimRow *held)
{
    const FerryNeed *need = &claiming->need;
    g_autofree char *above = NULL;
    g_autofree char *type = NULL;

    if (need->slot != NULL && strcmp(held->slot, need->slot) != 0)
        return false;
    if (strcmp(held->pool, claiming->row.pool) != 0 || strcmp(held->job, claiming->row.job) != 0 ||
        (held->device[0] == '\0') != (claiming->type == NULL))
        return false;
    ferry_slot_parse_mdev(held->slot, &above, &type);
    for (guint i = 0; i < claiming->view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(claiming->view->members, i);

        if (g_strcmp0(member->device, above) != 0)
            continue;
        if (claiming->type == NULL)
            return ferry_member_is_of_pf(member, need->pf);
        return strcmp(type, claiming->type) == 0 &&
               (need->uuid == NULL || strcmp(held->device, claiming->device) == 0);
    }
    return false;
}

static const FerryClaimRow *
find_held(const Claiming *claiming, const GPtrArray *claims)
{
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (claim->state != FERRY_CLAIM_RELEASING &&
            strcmp(claim->guest_uuid, claiming->row.guest_uuid) == 0 &&
            strcmp(claim->alias, claiming->row.alias) == 0)
            return claim;
    }
    return NULL;
}

/* Returns: (transfer full): a slot, or NULL with @ret_reasons set */
static char *
choose_vf(const Claiming *claiming, json_t **ret_reasons)
{
    const FerryNeed *need = &claiming->need;
    const FerrySlot *slot =
        need->slot != NULL ? ferry_pool_view_slot(claiming->view, need->slot)
                           : ferry_choose_vf(claiming->view, need->policy, need->pf, need->avoid);

    if (slot != NULL && slot->state == FERRY_SLOT_FREE)
        return g_strdup(slot->id);
    *ret_reasons = need->slot != NULL ? ferry_reasons_slot_taken(claiming->view, need->slot, slot)
                                      : ferry_reasons_no_vf(claiming->view, need->pf);
    return NULL;
}

/* Likewise. */
static char *
choose_mdev(const FerryLook *look, const Claiming *claiming, json_t **ret_reasons)
{
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    const FerryMember *parent = NULL;

    for (guint i = 0; claiming->slot_parent != NULL && i < claiming->view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(claiming->view->members, i);

        if (member->device != NULL && strcmp(member->device, claiming->slot_parent) != 0)
            g_ptr_array_add(others, member->device);
    }
    parent = ferry_choose_parent(claiming->view, claiming->need.policy, claiming->type, others);
    if (parent != NULL)
        return g_strconcat(parent->device, "/", claiming->type, NULL);
    *ret_reasons =
        ferry_reasons_no_mdev(look, claiming->view, claiming->slot_parent, claiming->type);
    return NULL;
}

/* An mdev that is there under no claim of ours; NULL when there is none. */
static json_t *
find_foreign(const FerryLook *look, const Claiming *claiming)
{
    g_autoptr(FerryHostDevice) mdev = NULL;

    if (claiming->type == NULL)
        return NULL;
    for (guint i = 0; i < look->claims->len; i++) /* its holder will be named */
        if (strcmp(((FerryClaimRow *)g_ptr_array_index(look->claims, i))->device,
                   claiming->device) == 0)
            return NULL;
    mdev = ferry_mdev_look(look->root, claiming->device);
    return mdev != NULL ? ferry_reasons_exists(mdev) : NULL;
}

static bool
add_claim(FerryPools *self,
          const Claiming *claiming,
          FerryClaimRow **ret,
          json_t **ret_reasons,
          GError **error)
{
    g_autoptr(FerryClaimRow) holder = NULL;
    int64_t generation = 0;

    if (!ferry_store_claim_add(self->config.store, &claiming->row, &generation, &holder, error))
        return false;
    if (holder != NULL) {
        *ret_reasons = ferry_reasons_held(holder, claiming->row.alias);
        return true;
    }
    ferry_crash_at(FERRY_CRASH_D_CLAIM_AFTER);
    *ret = ferry_claim_row_copy(&claiming->row);
    (*ret)->generation = generation;
    return true;
}

static bool
claim(FerryPools *self,
      Claiming *claiming,
      FerryClaimRow **ret,
      json_t **ret_reasons,
      GError **error)
{
    g_auto(FerryPoolsLook) look = { 0 };
    FerryPool *pool = NULL;
    const FerryClaimRow *held = NULL;

    if (!find_pool(self, &claiming->need, &pool, error))
        return false;
    if (!choose_type(pool, &claiming->need, &claiming->type, error) ||
        !ferry_pools_look(self, &look, error)) {
        ferry_pool_free(pool);
        return false;
    }
    claiming->view = ferry_pool_view_new(&look.look, pool);
    fill_row(self, claiming);
    held = find_held(claiming, look.claims);
    if (held != NULL && is_same(claiming, held)) {
        *ret = ferry_claim_row_copy(held);
        return true;
    }
    if (held != NULL)
        *ret_reasons = ferry_reasons_held(held, claiming->row.alias);
    else
        *ret_reasons = find_foreign(&look.look, claiming);
    if (*ret_reasons == NULL)
        claiming->slot = claiming->type == NULL ? choose_vf(claiming, ret_reasons)
                                                : choose_mdev(&look.look, claiming, ret_reasons);
    claiming->row.slot = claiming->slot;
    return *ret_reasons != NULL || add_claim(self, claiming, ret, ret_reasons, error);
}

bool
ferry_pools_claim(FerryPools *self,
                  const FerryNeed *need,
                  FerryClaimRow **ret,
                  json_t **ret_reasons,
                  GError **error)
{
    FERRY_POOLS_CHOOSING(self);
    g_auto(Claiming) claiming = { .need = *need };
    FerryClaimRow *row = NULL;
    json_t *reasons = NULL;

    if (!take_slot(&claiming, error) || !check_need(&claiming.need, error) ||
        !claim(self, &claiming, &row, &reasons, error))
        return false;
    *ret = row;
    *ret_reasons = reasons;
    return true;
}
