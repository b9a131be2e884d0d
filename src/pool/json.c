#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "pool/pool.h"
#include "pool/view.h"

/* ---- definitions ---- */

static const struct {
    const char *key;
    size_t offset;
} lists[] = {
    { "pfs", offsetof(FerryPool, pfs) },
    { "addresses", offsetof(FerryPool, addresses) },
    { "parents", offsetof(FerryPool, parents) },
    { "types", offsetof(FerryPool, types) },
};

static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    { "driver_model", offsetof(FerryPool, driver_model) },
    { "port_profile", offsetof(FerryPool, port_profile) },
};

static const struct {
    const char *key;
    size_t offset;
} flags[] = {
    { "hybrid", offsetof(FerryPool, hybrid) },
    { "ephemeral", offsetof(FerryPool, ephemeral) },
};

/* The member of a pool that a row of the tables above stands for. */
#define MEMBER(type, pool, row) ((type *)(void *)((char *)(pool) + (row).offset))

static void
add_text(json_t *json, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        (void)json_object_set_new(json, key, json_string(text));
}

json_t *
ferry_pool_to_json(const FerryPool *self)
{
    json_t *json = json_pack("{s:s, s:s, s:s}", "name", self->name, "kind",
                             self->kind == FERRY_POOL_VF ? "vf" : "mdev", "policy",
                             ferry_policy_name(self->policy));

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        const GPtrArray *list = *MEMBER(GPtrArray *const, self, lists[i]);
        json_t *array = json_array();

        for (guint n = 0; n < list->len; n++)
            (void)json_array_append_new(array, json_string(g_ptr_array_index(list, n)));
        if (list->len > 0)
            (void)json_object_set_new(json, lists[i].key, array);
        else
            json_decref(array);
    }
    if (self->vlan != 0)
        (void)json_object_set_new(json, "vlan", json_integer(self->vlan));
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        if (*MEMBER(const bool, self, flags[i]))
            (void)json_object_set_new(json, flags[i].key, json_true());
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        add_text(json, texts[i].key, *MEMBER(char *const, self, texts[i]));
    return json;
}

static bool
refuse(GError **error, const char *key, const char *why)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "field \"%s\" %s", key, why);
    return false;
}

static bool
take_text(const char *key, const json_t *value, char **ret, GError **error)
{
    if (!json_is_string(value) || json_string_value(value)[0] == '\0')
        return refuse(error, key, "is not a text, or is empty");
    g_free(*ret);
    *ret = g_strdup(json_string_value(value));
    return true;
}

static bool
take_list(const char *key, const json_t *value, GPtrArray *list, GError **error)
{
    const json_t *element = NULL;
    size_t i = 0;

    if (!json_is_array(value) || json_array_size(value) > FERRY_POOL_MAX_MEMBERS)
        return refuse(error, key, "is not an array, or too long");
    g_ptr_array_set_size(list, 0);
    json_array_foreach(value, i, element)
    {
        char *text = NULL;

        if (!take_text(key, element, &text, error))
            return false;
        g_ptr_array_add(list, text);
    }
    return true;
}

static bool
take_kind(const json_t *value, FerryPool *self, GError **error)
{
    const char *text = json_string_value(value);

    if (g_strcmp0(text, "vf") != 0 && g_strcmp0(text, "mdev") != 0)
        return refuse(error, "kind", "is neither \"vf\" nor \"mdev\"");
    self->kind = strcmp(text, "vf") == 0 ? FERRY_POOL_VF : FERRY_POOL_MDEV;
    return true;
}

static bool
take_policy(const json_t *value, FerryPool *self, GError **error)
{
    const char *text = json_string_value(value);

    if (text == NULL || !ferry_policy_parse(text, &self->policy))
        return refuse(error, "policy", "is none of \"first\", \"pack\" and \"spread\"");
    return true;
}

static bool
take_vlan(const json_t *value, FerryPool *self, GError **error)
{
    const json_int_t vlan = json_integer_value(value);

    if (!json_is_integer(value) || vlan < 1 || vlan > 4094)
        return refuse(error, "vlan", "is not a VLAN from 1 to 4094");
    self->vlan = (unsigned)vlan;
    return true;
}

static bool
take(const char *key, const json_t *value, FerryPool *self, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (strcmp(key, lists[i].key) == 0)
            return take_list(key, value, *MEMBER(GPtrArray *, self, lists[i]), error);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (strcmp(key, texts[i].key) == 0)
            return take_text(key, value, MEMBER(char *, self, texts[i]), error);
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        if (strcmp(key, flags[i].key) != 0)
            continue;
        *MEMBER(bool, self, flags[i]) = json_is_true(value);
        return json_is_boolean(value) || refuse(error, key, "is neither true nor false");
    }
    if (strcmp(key, "name") == 0)
        return take_text(key, value, &self->name, error);
    if (strcmp(key, "kind") == 0)
        return take_kind(value, self, error);
    if (strcmp(key, "policy") == 0)
        return take_policy(value, self, error);
    if (strcmp(key, "vlan") == 0)
        return take_vlan(value, self, error);
    return refuse(error, key, "is unknown here");
}

bool
ferry_pool_from_json(const json_t *json, FerryPool **ret, GError **error)
{
    g_autoptr(FerryPool) self = ferry_pool_new("", FERRY_POOL_VF);
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(json))
        return refuse(error, "(all of it)", "is not an object");
    if (json_object_get(json, "name") == NULL)
        return refuse(error, "name", "is missing");
    if (json_object_get(json, "parents") != NULL)
        self->kind = FERRY_POOL_MDEV;
    json_object_foreach((json_t *)json, key, value)
    {
        if (!json_is_null(value) && !take(key, value, self, error))
            return false;
    }
    if (!ferry_pool_check(self, error))
        return false;
    *ret = g_steal_pointer(&self);
    return true;
}

/* ---- what is there ---- */

json_t *
ferry_claim_to_json(const FerryClaimRow *claim)
{
    g_autofree char *since = ferry_clock_format(claim->since_us);
    json_t *json = json_pack("{s:I, s:s, s:s, s:s}", "generation", (json_int_t)claim->generation,
                             "slot", claim->slot, "alias", claim->alias, "state",
                             ferry_claim_state_name(claim->state));
    json_t *saved = json_loads(claim->saved_settings, 0, NULL);

    add_text(json, "pool", claim->pool);
    add_text(json, "device", claim->device);
    if (claim->guest_uuid[0] != '\0')
        (void)json_object_set_new(
            json, "guest",
            json_pack("{s:s, s:s}", "name", claim->guest_name, "uuid", claim->guest_uuid));
    add_text(json, "job", claim->job);
    if (saved != NULL)
        (void)json_object_set_new(json, "saved_settings", saved);
    add_text(json, "since", since);
    return json;
}

static json_t *
slot_to_json(const FerrySlot *slot)
{
    json_t *json =
        json_pack("{s:s, s:s}", "slot", slot->id, "state", ferry_slot_state_name(slot->state));

    add_text(json, "device", slot->device);
    add_text(json, "who", slot->who);
    if (slot->claim != NULL)
        (void)json_object_set_new(json, "claim", ferry_claim_to_json(slot->claim));
    return json;
}

static json_t *
member_to_json(const FerryMember *member)
{
    json_t *json = json_pack("{s:s, s:b, s:i}", "name", member->name, "present",
                             member->device != NULL, "used", (int)member->used);
    json_t *slots = json_array();
    json_t *types = json_array();

    add_text(json, "device", member->device);
    add_text(json, "netdev", member->netdev);
    add_text(json, "link", member->link);
    for (guint i = 0; i < member->slots->len; i++)
        (void)json_array_append_new(slots, slot_to_json(g_ptr_array_index(member->slots, i)));
    for (guint i = 0; member->types != NULL && i < member->types->len; i++) {
        const FerrySlotType *type = g_ptr_array_index(member->types, i);

        (void)json_array_append_new(
            types, json_pack("{s:s, s:i}", "type", type->id, "available", (int)type->available));
    }
    if (member->types == NULL) {
        (void)json_object_set_new(json, "total", json_integer(member->total));
        (void)json_object_set_new(json, "free", json_integer(member->total - member->used));
        json_decref(types);
    } else {
        (void)json_object_set_new(json, "types", types);
        (void)json_object_set_new(json, "capacity", json_string("one_of"));
    }
    (void)json_object_set_new(json, "slots", slots);
    return json;
}

json_t *
ferry_pool_view_to_json(const FerryPoolView *self)
{
    json_t *json = ferry_pool_to_json(self->pool);
    json_t *members = json_array();
    g_autofree char *degraded = ferry_pool_view_degraded(self);

    (void)json_object_set_new(json, "used", json_integer(self->used));
    if (self->pool->kind == FERRY_POOL_VF) {
        (void)json_object_set_new(json, "total", json_integer(self->total));
        (void)json_object_set_new(json, "free", json_integer(self->total - self->used));
    }
    add_text(json, "degraded", degraded);
    for (guint i = 0; i < self->members->len; i++)
        (void)json_array_append_new(members, member_to_json(g_ptr_array_index(self->members, i)));
    (void)json_object_set_new(json, "members", members);
    return json;
}
