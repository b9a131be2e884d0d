#include "pool/reasons.h"

#include <string.h>

#include "pool/choose.h"
#include "pool/members.h"

/* Takes @message and @values; @remedy may be NULL. */
static json_t *
reason(const char *code, char *message, const char *remedy, json_t *values)
{
    json_t *row = json_pack("{s:s, s:s}", "code", code, "message", message);

    if (remedy != NULL)
        (void)json_object_set_new(row, "remedy", json_string(remedy));
    (void)json_object_update(row, values);
    json_decref(values);
    g_free(message);
    return json_pack("[o]", row);
}

/* " (eth3 7/7, eth4 7/7)", and the same as rows. */
static json_t *
count_members(const FerryPoolView *view, const char *pf, GString *text)
{
    json_t *rows = json_array();

    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (!ferry_member_is_of_pf(member, pf))
            continue;
        g_string_append_printf(text, "%s%s %u/%u", text->len > 0 ? ", " : "", member->name,
                               member->used, member->total);
        (void)json_array_append_new(rows,
                                    json_pack("{s:s, s:i, s:i}", "name", member->name, "used",
                                              (int)member->used, "total", (int)member->total));
    }
    return rows;
}

/* The newest claim among the slots of a view: who was quicker. */
static const FerryClaimRow *
newest_claim(const FerryPoolView *view, const char *pf)
{
    const FerryClaimRow *newest = NULL;

    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        for (guint n = 0; ferry_member_is_of_pf(member, pf) && n < member->slots->len; n++) {
            const FerrySlot *slot = g_ptr_array_index(member->slots, n);

            if (slot->claim != NULL &&
                (newest == NULL || slot->claim->generation > newest->generation))
                newest = slot->claim;
        }
    }
    return newest;
}

/* Whether something of a view is on its way back: worth a moment's waiting. */
static bool
is_passing(const FerryPoolView *view, const char *pf)
{
    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (!ferry_member_is_of_pf(member, pf))
            continue;
        if (member->device != NULL && member->types != NULL && member->types->len == 0)
            return true; /* the vendor's service publishes them late */
        for (guint n = 0; n < member->slots->len; n++) {
            const FerrySlot *slot = g_ptr_array_index(member->slots, n);

            if (slot->claim != NULL && slot->claim->state == FERRY_CLAIM_RELEASING)
                return true;
        }
    }
    return false;
}

static void
add_passing(json_t *values, bool passing)
{
    if (passing)
        (void)json_object_set_new(values, "passing", json_true());
}

static void
add_newest(json_t *values, const FerryClaimRow *newest)
{
    if (newest != NULL)
        (void)json_object_set_new(values, "last_claim", ferry_claim_to_json(newest));
}

static char *
describe_remedy(const FerryPoolView *view, unsigned total, const FerryClaimRow *newest)
{
    g_autofree char *last = newest != NULL ? ferry_claim_describe(newest) : NULL;

    if (total == 0)
        return g_strdup_printf("Make some: \"ferry pf list\" shows the PFs, \"ferry pf set-vfs PF "
                               "N\" makes VFs on one.");
    return g_strdup_printf("%s%s%s\"ferry pool show %s\" tells who has them: stop one of those, or "
                           "add a PF.",
                           last != NULL ? "The last one went to " : "", last != NULL ? last : "",
                           last != NULL ? ". " : "", view->pool->name);
}

json_t *
ferry_reasons_no_vf(const FerryPoolView *view, const char *pf)
{
    g_autoptr(GString) counts = g_string_new(NULL);
    json_t *rows = count_members(view, pf, counts);
    const FerryClaimRow *newest = newest_claim(view, pf);
    g_autofree char *remedy = NULL;
    const json_t *row = NULL;
    json_t *values = NULL;
    char *message = NULL;
    unsigned used = 0;
    unsigned total = 0;
    size_t i = 0;

    json_array_foreach(rows, i, row)
    {
        used += (unsigned)json_integer_value(json_object_get(row, "used"));
        total += (unsigned)json_integer_value(json_object_get(row, "total"));
    }
    remedy = describe_remedy(view, total, newest);
    values = json_pack("{s:s, s:i, s:i, s:o}", "pool", view->pool->name, "used", (int)used, "total",
                       (int)total, "members", rows);
    add_newest(values, newest);
    add_passing(values, is_passing(view, pf));
    if (counts->len > 0)
        message = g_strdup_printf("pool %s: %u of %u VFs used (%s)", view->pool->name, used, total,
                                  counts->str);
    else
        message = g_strdup_printf("pool %s has no VFs of %s", view->pool->name, pf);
    return reason("no-free-slot", message, remedy, values);
}

json_t *
ferry_reasons_slot_taken(const FerryPoolView *view, const char *id, const FerrySlot *slot)
{
    const bool releasing =
        slot != NULL && slot->claim != NULL && slot->claim->state == FERRY_CLAIM_RELEASING;
    json_t *values = json_pack("{s:s, s:s}", "pool", view->pool->name, "slot", id);
    char *message = NULL;

    add_passing(values, releasing);
    if (slot == NULL)
        message = g_strdup_printf("%s is not in pool %s now", id, view->pool->name);
    else
        message = g_strdup_printf("%s of pool %s is not free: %s has it", id, view->pool->name,
                                  slot->who);
    return reason("no-free-slot", message, "Name another slot, or none to get any that is free.",
                  values);
}

/* "nvidia-35 (guest web (ua-gpu0)), …", and the same as rows. */
static json_t *
list_occupants(const FerryMember *member, GString *text)
{
    json_t *rows = json_array();

    for (guint i = 0; i < member->slots->len; i++) {
        const FerrySlot *slot = g_ptr_array_index(member->slots, i);
        const char *type = strchr(slot->id, '/') + 1;

        if (slot->state == FERRY_SLOT_GONE)
            continue;
        g_string_append_printf(text, "%s%s (%s)", text->len > 0 ? ", " : "", type, slot->who);
        (void)json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s*}", "parent",
                                                    member->device, "type", type, "who", slot->who,
                                                    "device", slot->device));
    }
    return rows;
}

/* Why one parent gives none; appended to @text, its occupants to @occupied. */
static void
explain_parent(const FerryMember *member, const char *type, GString *text, json_t *occupied)
{
    g_autoptr(GString) occupants = g_string_new(NULL);
    g_autoptr(GString) known = g_string_new(NULL);
    json_t *rows = NULL;

    if (text->len > 0)
        g_string_append(text, "; ");
    for (guint i = 0; i < member->types->len; i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "",
                               ((const FerrySlotType *)g_ptr_array_index(member->types, i))->id);
    if (member->device == NULL) {
        g_string_append_printf(text, "%s is not there", member->name);
        return;
    }
    if (known->len == 0) {
        g_string_append_printf(text,
                               "%s is there, but publishes no types yet: does its vendor's service "
                               "run?",
                               member->name);
        return;
    }
    if (ferry_member_type(member, type) == NULL) {
        g_string_append_printf(text, "%s has no type %s, but %s", member->name, type, known->str);
        return;
    }
    rows = list_occupants(member, occupants);
    (void)json_array_extend(occupied, rows);
    json_decref(rows);
    g_string_append_printf(text, "%s has no %s left: it carries %s", member->name, type,
                           occupants->len > 0 ? occupants->str : "nothing that is seen");
}

static bool
is_asked(const FerryMember *member, const char *parent)
{
    return parent == NULL || g_strcmp0(member->device, parent) == 0;
}

static bool
was_asked(const FerryPoolView *view, const char *parent, const char *device)
{
    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (is_asked(member, parent) && g_strcmp0(member->device, device) == 0)
            return true;
    }
    return false;
}

/* Parents of the whole host that have one of that type left, whatever pool they are in. */
static json_t *
list_others(const FerryLook *look,
            const FerryPoolView *view,
            const char *parent,
            const char *type,
            GString *text)
{
    const unsigned n_devices = ferry_inventory_n_devices(look->inventory);
    json_t *rows = json_array();

    for (unsigned i = 0; i < n_devices; i++) {
        const FerryHostDevice *device = ferry_inventory_device(look->inventory, i);
        g_autoptr(FerryMember) member = NULL;
        const FerrySlotType *row = NULL;

        if ((device->roles & FERRY_HOST_PARENT) == 0 || was_asked(view, parent, device->name))
            continue;
        member = ferry_member_of_parent(look, device->name);
        row = ferry_member_type(member, type);
        if (row == NULL || row->available == 0)
            continue;
        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", device->name);
        (void)json_array_append_new(rows, json_string(device->name));
    }
    return rows;
}

json_t *
ferry_reasons_no_mdev(const FerryLook *look,
                      const FerryPoolView *view,
                      const char *parent,
                      const char *type)
{
    g_autoptr(GString) why = g_string_new(NULL);
    g_autoptr(GString) others = g_string_new(NULL);
    g_autofree char *remedy = NULL;
    const char *pool = view->pool->name;
    json_t *occupied = json_array();
    json_t *would_do = list_others(look, view, parent, type, others);
    json_t *values = NULL;

    for (guint i = 0; i < view->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(view->members, i);

        if (is_asked(member, parent))
            explain_parent(member, type, why, occupied);
    }
    remedy = others->len > 0
                 ? g_strdup_printf("These would do: %s.", others->str)
                 : g_strdup("No other parent here would do: remove a device, or add a parent.");
    values = json_pack("{s:s, s:o, s:o}", "type", type, "occupied", occupied, "would_do", would_do);
    if (pool[0] != '\0')
        (void)json_object_set_new(values, "pool", json_string(pool));
    add_newest(values, newest_claim(view, NULL));
    add_passing(values, is_passing(view, NULL));
    return reason("no-free-slot",
                  g_strdup_printf("%s%s%s%s", pool[0] != '\0' ? "pool " : "", pool,
                                  pool[0] != '\0' ? ": " : "", why->str),
                  remedy, values);
}

json_t *
ferry_reasons_held(const FerryClaimRow *holder, const char *alias)
{
    const bool releasing = holder->state == FERRY_CLAIM_RELEASING;
    g_autofree char *who = ferry_claim_describe(holder);
    g_autofree char *job =
        holder->job[0] != '\0' ? g_strdup_printf(", of job %s", holder->job) : g_strdup("");
    json_t *values = json_pack("{s:o}", "claim", ferry_claim_to_json(holder));
    const char *what = holder->device[0] != '\0' ? holder->device : holder->slot;

    add_passing(values, releasing);
    if (releasing)
        return reason("still-releasing",
                      g_strdup_printf("%s is still being given back by %s", what, who),
                      "Try again in a moment: \"ferry pool show\" tells when it is free.", values);
    if (strcmp(holder->alias, alias) == 0)
        return reason("already-claimed",
                      g_strdup_printf("%s holds %s already, by claim %" G_GINT64_FORMAT "%s", who,
                                      holder->slot, holder->generation, job),
                      "Wait for that start or job to end, or stop the guest.", values);
    return reason("already-claimed", g_strdup_printf("%s is claimed by %s%s", what, who, job),
                  "Give this device another UUID, or stop that guest.", values);
}

json_t *
ferry_reasons_exists(const FerryHostDevice *mdev)
{
    return reason("mdev-exists",
                  g_strdup_printf("mdev %s is there already, of type %s on %s, and it was not made "
                                  "for this: it was left alone",
                                  mdev->name, mdev->type, mdev->parent),
                  "Remove it if it is nobody's (\"ferry mdev remove\"), or give this device "
                  "another UUID.",
                  json_pack("{s:s, s:s, s:s}", "device", mdev->name, "type", mdev->type, "parent",
                            mdev->parent));
}

json_t *
ferry_reasons_shared(const char *other_pool, const GPtrArray *slots)
{
    json_t *rows = json_array();

    for (guint i = 0; i < slots->len; i++)
        (void)json_array_append_new(rows, json_string(g_ptr_array_index(slots, i)));
    return reason("vf-in-two-pools",
                  g_strdup_printf("%s%s belongs to pool %s already",
                                  (const char *)g_ptr_array_index(slots, 0),
                                  slots->len > 1 ? " and more" : "", other_pool),
                  "A VF is in one pool only: leave it out here, or undefine that pool.",
                  json_pack("{s:s, s:o}", "pool", other_pool, "slots", rows));
}

json_t *
ferry_reasons_pool_in_use(const char *pool, const GPtrArray *claims)
{
    g_autoptr(GString) who = g_string_new(NULL);
    json_t *rows = json_array();

    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);
        g_autofree char *one = ferry_claim_describe(claim);

        g_string_append_printf(who, "%s%s", i > 0 ? ", " : "", one);
        (void)json_array_append_new(rows, ferry_claim_to_json(claim));
    }
    return reason("pool-in-use", g_strdup_printf("pool %s is used by %s", pool, who->str),
                  "Stop those guests first, or release their claims.",
                  json_pack("{s:s, s:o}", "pool", pool, "claims", rows));
}
