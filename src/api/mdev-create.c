/*
 * POST /v1/mdevs.  Whether a parent has something left is known only from trying: what it counts is
 * a hint that another may make wrong at any time.  So the kernel is asked, and when it says no, the
 * answer says who has what there is.
 */
#include <string.h>

#include <microhttpd.h>

#include "api/json.h"
#include "api/mdevs.h"
#include "base/error.h"
#include "host/definition.h"
#include "host/mdev.h"
#include "host/vgpu.h"
#include "pool/choose.h"
#include "pool/reasons.h"
#include "xml/nodedev-parse.h"

/* The kernel tells when a vendor's service has published its types; it may take that long. */
#define TYPES_LIMIT_MS 5000
#define MAX_ATTRS      256

/* What is asked for; texts belong to the request or to @nodedev. */
typedef struct {
    const char *parent, *pool, *type;
    char *uuid;
    GArray *attrs; /* of FerryMdevAttr */
    FerryNodedev *nodedev;
} Wanted;

static void
wanted_clear(Wanted *self)
{
    g_free(self->uuid);
    g_array_unref(self->attrs);
    ferry_nodedev_free(self->nodedev);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wanted, wanted_clear)

static bool
refuse_attrs(GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "field \"attrs\" is not an array of at most %d objects of name and value, both "
                "strings",
                MAX_ATTRS);
    return false;
}

static bool
take_attrs(Wanted *self, const json_t *attrs, GError **error)
{
    const json_t *object = NULL;
    size_t i = 0;

    if (json_array_size(attrs) > MAX_ATTRS)
        return refuse_attrs(error);
    json_array_foreach(attrs, i, object)
    {
        const FerryMdevAttr attr = { json_string_value(json_object_get(object, "name")),
                                     json_string_value(json_object_get(object, "value")) };

        if (attr.name == NULL || attr.value == NULL || json_object_size(object) != 2)
            return refuse_attrs(error);
        g_array_append_val(self->attrs, attr);
    }
    return true;
}

static bool
take_xml(Wanted *self, const char *xml, GError **error)
{
    if (!ferry_nodedev_parse_create(xml, &self->nodedev, error))
        return false;
    self->parent = self->nodedev->parent;
    self->type = self->nodedev->type;
    self->uuid = g_strdup(self->nodedev->uuid);
    for (guint i = 0; i < self->nodedev->attrs->len; i++) {
        const FerryNodedevAttr *from = g_ptr_array_index(self->nodedev->attrs, i);
        const FerryMdevAttr attr = { from->name, from->value };

        g_array_append_val(self->attrs, attr);
    }
    return true;
}

static bool
read_request(const FerryRequest *request, Wanted *ret, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    const char *xml = ferry_fields_string_or(&fields, "xml", NULL);
    const json_t *attrs = NULL;

    if (xml != NULL)
        return ferry_fields_end(&fields, error) && take_xml(ret, xml, error);
    ret->parent = ferry_fields_string_or(&fields, "parent", NULL);
    ret->pool = ferry_fields_string_or(&fields, "pool", NULL);
    ret->type = ret->pool != NULL ? ferry_fields_string_or(&fields, "type", NULL)
                                  : ferry_fields_string(&fields, "type");
    ret->uuid = g_strdup(ferry_fields_string_or(&fields, "uuid", NULL));
    if (json_object_get(request->body, "attrs") != NULL)
        attrs = ferry_fields_value(&fields, "attrs", JSON_ARRAY);
    if (!ferry_fields_end(&fields, error))
        return false;
    if ((ret->parent == NULL) != (ret->pool == NULL))
        return take_attrs(ret, attrs, error);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "exactly one of the fields \"parent\" and \"pool\" is needed");
    return false;
}

static const FerryHostDevice *
find_parent(const FerryDeviceView *view, const char *name, GError **error)
{
    const FerryHostDevice *device = ferry_device_view_find(view, name, NULL);

    if (device != NULL && (device->roles & (FERRY_HOST_PARENT | FERRY_HOST_VGPU)) != 0)
        return device;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "no device \"%s\" offers mediated devices here: \"ferry mdev types\" lists those "
                "that do",
                name);
    return NULL;
}

static bool
has_no_types(const FerryHostDevice *parent)
{
    return parent->types == NULL || parent->types->len == 0;
}

/* A parent may be there long before its types are: waits for them a while. */
static void
await_types(const FerryApi *api, const FerryRequest *request, const char *parent)
{
    const int64_t deadline_ms = api->clock->now_ms(api->clock) + TYPES_LIMIT_MS;

    while (api->clock->now_ms(api->clock) < deadline_ms && !ferry_request_is_over(request)) {
        uint64_t generation = 0;
        g_autoptr(FerryInventory) inventory = ferry_watch_inventory(api->watch, &generation);
        const FerryHostDevice *device = ferry_inventory_find(inventory, parent);

        if (device == NULL || !has_no_types(device))
            return;
        (void)ferry_watch_wait(api->watch, generation, 100);
    }
}

static bool
is_of_vgpus(const FerryHostDevice *parent)
{
    return (parent->roles & FERRY_HOST_PARENT) == 0;
}

static bool
set_vgpu(const FerryApi *api, const char *vf, const Wanted *wanted, GError **error)
{
    if (wanted->attrs->len == 0)
        return ferry_vgpu_set(api->kernel, vf, wanted->type, error);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                "cannot make a vGPU of VF %s with attributes: its driver takes a type only", vf);
    return false;
}

static bool
create_mdev(const FerryApi *api, const char *parent, const Wanted *wanted, GError **error)
{
    const FerryMdevRequest request = { .parent = parent,
                                       .type = wanted->type,
                                       .uuid = wanted->uuid,
                                       .attrs = (const FerryMdevAttr *)(void *)wanted->attrs->data,
                                       .n_attrs = wanted->attrs->len };

    return ferry_mdev_create(api->kernel, &request, error);
}

static bool
answer(const FerryApi *api, const char *name, FerryResponse *response, GError **error)
{
    g_autoptr(GPtrArray) definitions = ferry_definition_read_all(api->kernel->root);
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *device = NULL;

    if (!ferry_device_view_look(api, &view, error))
        return false;
    device = ferry_device_view_find(view, name, error);
    if (device == NULL)
        return false;
    ferry_response_json(response, MHD_HTTP_CREATED, ferry_mdevs_json(view, device, definitions));
    return true;
}

/* A parent that is named is a pool of its own. */
static bool
find_pool(const FerryApi *api, const Wanted *wanted, FerryPool **ret, GError **error)
{
    FerryPool *pool = NULL;

    if (wanted->pool == NULL) {
        pool = ferry_pool_new("", FERRY_POOL_MDEV);
        g_ptr_array_add(pool->parents, g_strdup(wanted->parent));
        g_ptr_array_add(pool->types, g_strdup(wanted->type));
    } else if (!ferry_pools_find(api->pools, wanted->pool, &pool, error)) {
        return false;
    }
    if (pool == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no pool %s: \"ferry pool list\" shows those there are", wanted->pool);
    *ret = pool;
    return pool != NULL;
}

/* The type that is asked for, or a pool's only one. */
static bool
choose_type(Wanted *wanted, const FerryPool *pool, GError **error)
{
    if (pool->kind != FERRY_POOL_MDEV) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "pool %s is one of VFs: there is nothing to create in it", pool->name);
        return false;
    }
    if (wanted->type == NULL && pool->types->len == 1)
        wanted->type = g_ptr_array_index(pool->types, 0);
    if (wanted->type != NULL)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "pool %s has several types: name the one that is wanted", pool->name);
    return false;
}

/* One that was named is tried whatever it says to have left: that is a hint. */
static const FerryMember *
choose_parent(const FerryPoolView *view, const Wanted *wanted, const GPtrArray *tried)
{
    const FerryMember *only = g_ptr_array_index(view->members, 0);

    if (wanted->pool != NULL)
        return ferry_choose_parent(view, FERRY_POLICY_OF_POOL, wanted->type, tried);
    return tried->len == 0 && ferry_member_type(only, wanted->type) != NULL ? only : NULL;
}

/* Drivers answer with what they like when a type does not fit beside another: the count tells. */
static bool
is_full(const FerryMember *parent, const char *type, const GError *failure)
{
    const FerrySlotType *there = ferry_member_type(parent, type);

    return g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_EXHAUSTED) ||
           (g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_IO) && there != NULL &&
            there->available == 0);
}

/* Returns: whether another parent is to be tried; otherwise @ret_ok is what to return */
static bool
try_next(const FerryApi *api,
         const Wanted *wanted,
         const FerryPool *pool,
         GPtrArray *tried,
         FerryResponse *response,
         bool *ret_ok,
         GError **error)
{
    g_autoptr(FerryDeviceView) view = NULL;
    g_autoptr(FerryPoolView) slots = NULL;
    const FerryMember *parent = NULL;
    g_autoptr(GError) failure = NULL;
    FerryLook look = { .root = api->kernel->root };

    *ret_ok = false;
    if (!ferry_device_view_look(api, &view, error))
        return false;
    look.inventory = view->inventory;
    look.users = view->users;
    look.claims = view->claims;
    slots = ferry_pool_view_new(&look, ferry_pool_copy(pool));
    parent = choose_parent(slots, wanted, tried);
    if (parent == NULL) {
        ferry_response_refused(response, "the mediated device cannot be made",
                               ferry_reasons_no_mdev(&look, slots, NULL, wanted->type));
        *ret_ok = true;
        return false;
    }
    if (create_mdev(api, parent->device, wanted, &failure)) {
        *ret_ok = answer(api, wanted->uuid, response, error);
        return false;
    }
    if (is_full(parent, wanted->type, failure)) {
        g_ptr_array_add(tried, g_strdup(parent->device));
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/* @wanted's parent, if there is one, is the kernel's name from here on. */
static bool
create(const FerryApi *api,
       const FerryRequest *request,
       Wanted *wanted,
       FerryResponse *response,
       GError **error)
{
    g_autoptr(GPtrArray) tried = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(FerryPool) pool = NULL;
    bool ok = false;

    if (!find_pool(api, wanted, &pool, error) || !choose_type(wanted, pool, error))
        return false;
    for (guint i = 0; i < pool->parents->len; i++)
        await_types(api, request, g_ptr_array_index(pool->parents, i));
    if (wanted->uuid == NULL)
        wanted->uuid = api->clock->uuid(api->clock);
    while (try_next(api, wanted, pool, tried, response, &ok, error))
        continue; /* each round tries one more parent */
    return ok;
}

bool
ferry_mdevs_create(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    g_auto(Wanted) wanted = { .attrs = g_array_new(FALSE, FALSE, sizeof(FerryMdevAttr)) };
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *parent = NULL;

    if (!read_request(request, &wanted, error) || !ferry_device_view_look(api, &view, error))
        return false;
    if (wanted.parent == NULL)
        return create(api, request, &wanted, response, error);
    parent = find_parent(view, wanted.parent, error);
    if (parent == NULL)
        return false;
    wanted.parent = parent->name;
    if (!is_of_vgpus(parent))
        return create(api, request, &wanted, response, error);
    return set_vgpu(api, parent->name, &wanted, error) &&
           answer(api, parent->name, response, error);
}
