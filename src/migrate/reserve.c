#include "migrate/reserve.h"

#include "base/error.h"
#include "migrate/assign.h"
#include "migrate/objection.h"

/* QEMU has gone when a device is given back; the kernel's own part is short. */
#define REMOVE_LIMIT_MS 5000

/* ---- claims of a job, or of a guest ---- */

typedef bool (*Act)(FerryPools *pools, const FerryClaimRow *claim, GError **error);

/* Does it to all that are @job's, or @guest_uuid's; goes on after an error and returns the first.
 */
static bool
for_each(const FerryReserve *self, const char *guest_uuid, const char *job, Act act, GError **error)
{
    g_autoptr(GPtrArray) claims = NULL;
    g_autoptr(GError) first = NULL;

    if (self->pools == NULL)
        return true;
    if (!ferry_pools_claims(self->pools, guest_uuid, &claims, error))
        return false;
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);
        g_autoptr(GError) local = NULL;

        if ((job == NULL || g_str_equal(claim->job, job)) &&
            !act(self->pools, claim, first == NULL ? &first : &local))
            g_debug("claim %s: %s", claim->slot, (local != NULL ? local : first)->message);
    }
    if (first == NULL)
        return true;
    g_propagate_error(error, g_steal_pointer(&first));
    return false;
}

static bool
release(FerryPools *pools, const FerryClaimRow *claim, GError **error)
{
    return ferry_pools_release(pools, claim->generation, REMOVE_LIMIT_MS, error);
}

/* Gone or being released already: by a hand that may, or by the guest's end. */
static bool
keep(FerryPools *pools, const FerryClaimRow *claim, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (ferry_pools_keep(pools, claim->generation, &local) ||
        g_error_matches(local, FERRY_ERROR, FERRY_ERROR_NOT_FOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

bool
ferry_reserve_keep(const FerryReserve *self, const char *job, GError **error)
{
    return for_each(self, NULL, job, keep, error);
}

bool
ferry_reserve_release_job(const FerryReserve *self, const char *job, GError **error)
{
    return for_each(self, NULL, job, release, error);
}

bool
ferry_reserve_release_guest(const FerryReserve *self, const char *guest_uuid, GError **error)
{
    return for_each(self, guest_uuid, NULL, release, error);
}

/* ---- reserve ---- */

static const char *
text_of(const json_t *slot, const char *key)
{
    return json_string_value(json_object_get(slot, key));
}

/* The guest's own attributes, then what the verdict asked to be set; the strings are theirs. */
static GArray *
attrs_of(const FerryPlanNeed *need, const json_t *set)
{
    GArray *attrs = g_array_new(FALSE, FALSE, sizeof(FerryMdevAttr));

    for (guint i = 0; i < need->attrs->len; i++) {
        const FerryNeedAttr *own = g_ptr_array_index(need->attrs, i);
        FerryMdevAttr attr = { own->name, own->value };

        if (json_object_get(set, own->name) == NULL)
            g_array_append_val(attrs, attr);
    }
    for (void *at = json_object_iter((json_t *)set); at != NULL;
         at = json_object_iter_next((json_t *)set, at)) {
        FerryMdevAttr attr = { json_object_iter_key(at),
                               json_string_value(json_object_iter_value(at)) };

        g_array_append_val(attrs, attr);
    }
    return attrs;
}

/* The claims of hybrids are their VFs'. */
static const char *
claim_alias(const FerryPlanNeed *need)
{
    return need->way == FERRY_WAY_HYBRID ? need->vf_alias : need->alias;
}

/* @slot: as it was offered; @id: room for "parent/type" */
static FerryNeed
need_of(const FerryPlan *plan, const FerryPlanNeed *need, const json_t *slot, char **id)
{
    FerryNeed wanted = { .guest_uuid = plan->guest_uuid,
                         .guest_name = plan->guest_name,
                         .alias = claim_alias(need),
                         .job = plan->job,
                         .pool = need->pool };
    const char *type = text_of(slot, "type");

    if (type != NULL) {
        *id = g_strconcat(text_of(slot, "member"), "/", type, NULL);
        wanted.type = type;
        wanted.slot = *id;
        if (need->pool == NULL)
            wanted.parent = text_of(slot, "member");
        return wanted;
    }
    if (need->way == FERRY_WAY_STATE) {
        wanted.slot = text_of(slot, "slot"); /* as it was judged */
        wanted.pool = text_of(slot, "pool");
    } else {
        wanted.pf = text_of(slot, "member");
    }
    return wanted;
}

static bool
claim_one(const FerryReserve *self,
          const FerryPlan *plan,
          const FerryPlanNeed *need,
          const json_t *answer,
          json_t **ret_reasons,
          GError **error)
{
    const json_t *slot = json_object_get(answer, "slot");
    g_autoptr(GArray) attrs = attrs_of(need, json_object_get(answer, "set"));
    g_autoptr(FerryClaimRow) claim = NULL;
    g_autofree char *id = NULL;
    FerryNeed wanted;

    if (slot == NULL ||
        need->device != NULL) /* goes without; or somebody else's, and not claimed */
        return true;
    wanted = need_of(plan, need, slot, &id);
    if (wanted.type != NULL) {
        wanted.attrs = (const FerryMdevAttr *)(void *)attrs->data;
        wanted.n_attrs = attrs->len;
    }
    return ferry_pools_claim(self->pools, &wanted, &claim, ret_reasons, error);
}

static bool
claim_all(const FerryReserve *self, const FerryPlan *plan, json_t **ret_reasons, GError **error)
{
    g_autoptr(GError) local = NULL;
    json_t *reasons = json_array();
    json_t *answers = NULL;
    bool ok = ferry_offers_answer(self->offers, plan, &answers, reasons, &local);

    if (ok && json_array_size(reasons) > 0)
        *ret_reasons = json_incref(reasons);
    for (guint i = 0; ok && *ret_reasons == NULL && i < plan->needs->len; i++)
        ok = claim_one(self, plan, g_ptr_array_index(plan->needs, i), json_array_get(answers, i),
                       ret_reasons, &local);
    json_decref(reasons);
    json_decref(answers);
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&local));
    return ok;
}

bool
ferry_reserve_claim(const FerryReserve *self,
                    const FerryPlan *plan,
                    json_t **ret_reasons,
                    GError **error)
{
    json_t *reasons = NULL;

    if (plan->needs->len == 0)
        return true;
    if (self->pools == NULL) {
        *ret_reasons = ferry_objection("no-devices", "the target's ferryd knows of no devices");
        return true;
    }
    if (!ferry_reserve_release_job(self, plan->job, error))
        return false;
    if (!claim_all(self, plan, &reasons, error) || reasons != NULL) {
        /* what stays is found by the keeper: the job is in no journal */
        (void)ferry_reserve_release_job(self, plan->job, NULL);
        if (reasons == NULL)
            return false;
    }
    *ret_reasons = reasons;
    return true;
}

/* ---- prepare ---- */

const FerryClaimRow *
ferry_reserve_claim_of(const GPtrArray *claims, const char *job, const FerryPlanNeed *need)
{
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (g_str_equal(claim->job, job) && g_strcmp0(claim->alias, claim_alias(need)) == 0)
            return claim;
    }
    return NULL;
}

/* The netdev below the macvtap: of the PF whose VF is claimed, or of any of the pool. */
static bool
assign_hybrid(const FerryReserve *self,
              const FerryInventory *inventory,
              const FerryPlanNeed *need,
              const FerryClaimRow *claim,
              json_t *assign,
              GError **error)
{
    const FerryHostDevice *vf = claim == NULL ? NULL : ferry_pools_device(inventory, claim);
    const FerryHostDevice *pf = vf == NULL ? NULL : ferry_inventory_find(inventory, vf->pf);
    g_autoptr(FerryPoolView) view = NULL;

    if (pf != NULL) {
        ferry_assign_add(assign, need->alias, "source-dev", pf->netdev);
        return true;
    }
    if (!ferry_pools_view(self->pools, need->pool, &view, error))
        return false;
    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (member->netdev == NULL)
            continue;
        ferry_assign_add(assign, need->alias, "source-dev", member->netdev);
        return true;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "pool %s has no PF with a network device for %s", need->pool, need->alias);
    return false;
}

static bool
assign_one(const FerryReserve *self,
           const FerryInventory *inventory,
           const FerryPlanNeed *need,
           const FerryClaimRow *claim,
           json_t *assign,
           GError **error)
{
    const FerryHostDevice *vf = NULL;

    if (need->way == FERRY_WAY_HYBRID)
        return assign_hybrid(self, inventory, need, claim, assign, error);
    if (need->device != NULL) {
        ferry_assign_add(assign, need->alias, "mdev-uuid", need->device);
        return true;
    }
    if (claim != NULL && claim->device[0] != '\0') {
        ferry_assign_add(assign, need->alias, "mdev-uuid", claim->device);
        return true;
    }
    vf = claim == NULL ? NULL : ferry_pools_device(inventory, claim);
    if (vf == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND, "the device for %s is gone",
                    need->alias);
        return false;
    }
    ferry_assign_add(assign, need->alias, "pci-address", vf->name);
    return true;
}

static bool
prepare_all(const FerryReserve *self,
            const FerryPlan *plan,
            json_t *assign,
            json_t **ret_reasons,
            GError **error)
{
    g_autoptr(FerryInventory) inventory = self->inventory(self->inventory_data);
    g_autoptr(GPtrArray) claims = NULL;

    if (!ferry_pools_claims(self->pools, plan->guest_uuid, &claims, error))
        return false;
    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);
        const FerryClaimRow *claim = ferry_reserve_claim_of(claims, plan->job, need);

        if (claim != NULL &&
            (!ferry_pools_prepare(self->pools, claim->generation, ret_reasons, error) ||
             *ret_reasons != NULL))
            return *ret_reasons != NULL;
        if (!assign_one(self, inventory, need, claim, assign, error))
            return false;
    }
    return true;
}

bool
ferry_reserve_prepare(const FerryReserve *self,
                      const FerryPlan *plan,
                      json_t **ret_assign,
                      json_t **ret_reasons,
                      GError **error)
{
    json_t *assign = json_array();
    json_t *reasons = NULL;

    if (self->pools != NULL && plan->needs->len > 0 &&
        !prepare_all(self, plan, assign, &reasons, error)) {
        json_decref(assign);
        return false;
    }
    *ret_reasons = reasons;
    *ret_assign = assign;
    if (reasons != NULL) {
        *ret_assign = NULL;
        json_decref(assign);
    }
    return true;
}
