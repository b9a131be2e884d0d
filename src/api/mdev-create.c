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
#include "xml/nodedev-parse.h"

/* The kernel tells when a vendor's service has published its types; it may take that long. */
#define TYPES_LIMIT_MS 5000
#define MAX_ATTRS      256

/* What is asked for; texts belong to the request or to @nodedev. */
typedef struct {
    const char *parent, *type;
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
    ret->parent = ferry_fields_string(&fields, "parent");
    ret->type = ferry_fields_string(&fields, "type");
    ret->uuid = g_strdup(ferry_fields_string_or(&fields, "uuid", NULL));
    if (json_object_get(request->body, "attrs") != NULL)
        attrs = ferry_fields_value(&fields, "attrs", JSON_ARRAY);
    return ferry_fields_end(&fields, error) && take_attrs(ret, attrs, error);
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
        (void)ferry_watch_wait(api->watch, generation, 500);
    }
}

static bool
create(const FerryApi *api, const FerryHostDevice *parent, const Wanted *wanted, GError **error)
{
    const FerryMdevRequest request = { .parent = parent->name,
                                       .type = wanted->type,
                                       .uuid = wanted->uuid,
                                       .attrs = (const FerryMdevAttr *)(void *)wanted->attrs->data,
                                       .n_attrs = wanted->attrs->len };

    if ((parent->roles & FERRY_HOST_PARENT) != 0)
        return ferry_mdev_create(api->kernel, &request, error);
    if (wanted->attrs->len == 0)
        return ferry_vgpu_set(api->kernel, parent->name, wanted->type, error);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                "cannot make a vGPU of VF %s with attributes: its driver takes a type only",
                parent->name);
    return false;
}

/* Who has what there is on a parent, as rows and in words. */
static json_t *
occupants_of(const FerryDeviceView *view, const char *parent, GString *words)
{
    json_t *occupants = json_array();

    for (unsigned i = 0; i < ferry_inventory_n_devices(view->inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(view->inventory, i);
        g_autofree char *who = NULL;

        if (g_strcmp0(device->parent, parent) != 0)
            continue;
        (void)ferry_device_view_use(view, device, &who);
        (void)json_array_append_new(occupants, json_pack("{s:s, s:s, s:s?}", "name", device->name,
                                                         "type", device->type, "used_by", who));
        if (json_array_size(occupants) <= 4) /* more would be no sentence any more */
            g_string_append_printf(words, "%s%s (%s, %s)", words->len > 0 ? ", " : "", device->name,
                                   device->type, who != NULL ? who : "not in use");
    }
    if (json_array_size(occupants) > 4)
        g_string_append_printf(words, " and %zu more", json_array_size(occupants) - 4);
    return occupants;
}

/* Which other parents would do. */
static json_t *
alternatives_to(const FerryDeviceView *view,
                const FerryHostDevice *parent,
                const char *type,
                GString *words)
{
    json_t *alternatives = json_array();

    for (unsigned i = 0; i < ferry_inventory_n_devices(view->inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(view->inventory, i);
        const FerryHostType *there = ferry_host_device_type(device, type);

        if (device == parent || there == NULL || there->available == 0)
            continue;
        (void)json_array_append_new(alternatives, json_pack("{s:s, s:i}", "parent", device->name,
                                                            "available", (int)there->available));
        g_string_append_printf(words, "%s%s (%u left)", words->len > 0 ? " or " : "", device->name,
                               there->available);
    }
    return alternatives;
}

static void
refuse_full(FerryResponse *response,
            const FerryDeviceView *view,
            const FerryHostDevice *parent,
            const char *type)
{
    g_autoptr(GString) held = g_string_new(NULL);
    g_autoptr(GString) others = g_string_new(NULL);
    json_t *occupants = occupants_of(view, parent->name, held);
    json_t *alternatives = alternatives_to(view, parent, type, others);
    g_autofree char *detail =
        g_strdup_printf("cannot create a device of type %s on %s", type, parent->name);
    g_autofree char *message = g_strdup_printf("%s has nothing left for %s%s%s", parent->name, type,
                                               held->len > 0 ? ": it carries " : "", held->str);
    g_autofree char *remedy =
        others->len > 0 ? g_strdup_printf("name another parent: %s", others->str)
                        : g_strdup("remove a device that nobody uses, or stop a guest: no other "
                                   "parent here has that type to give");

    ferry_response_refused(response, detail,
                           json_pack("[{s:s, s:s, s:s, s:s, s:o, s:o, s:s}]", "code", "no-instance",
                                     "message", message, "parent", parent->name, "type", type,
                                     "occupants", occupants, "alternatives", alternatives, "remedy",
                                     remedy));
}

static void
refuse_no_types(FerryResponse *response, const char *parent)
{
    g_autofree char *message =
        g_strdup_printf("%s is there, but publishes no types of mediated devices yet", parent);

    ferry_response_refused(
        response, "the device cannot be made yet",
        json_pack("[{s:s, s:s, s:s, s:s}]", "code", "types-not-published", "message", message,
                  "parent", parent, "remedy",
                  "start its vendor's service (nvidia-vgpud, for one), and try again"));
}

/* Drivers answer with what they like when a type does not fit beside another: the count tells. */
static bool
is_full(const FerryHostDevice *parent, const char *type, const GError *failure)
{
    const FerryHostType *there = ferry_host_device_type(parent, type);

    return g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_EXHAUSTED) ||
           (g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_IO) && there != NULL &&
            there->available == 0);
}

/* After a failure: an answer with reasons, or the error itself. */
static bool
explain(const FerryApi *api,
        const Wanted *wanted,
        const char *parent_name,
        GError *failure, /* (transfer full) */
        FerryResponse *response,
        GError **error)
{
    g_autoptr(GError) why = failure;
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *parent = NULL;

    if (!ferry_device_view_look(api, &view, error))
        return false;
    parent = ferry_inventory_find(view->inventory, parent_name);
    if (parent != NULL && has_no_types(parent) && (parent->roles & FERRY_HOST_PARENT) != 0) {
        refuse_no_types(response, parent_name);
        return true;
    }
    if (parent == NULL || !is_full(parent, wanted->type, why)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    refuse_full(response, view, parent, wanted->type);
    return true;
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

bool
ferry_mdevs_create(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    g_auto(Wanted) wanted = { .attrs = g_array_new(FALSE, FALSE, sizeof(FerryMdevAttr)) };
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *parent = NULL;
    GError *failure = NULL;

    if (!read_request(request, &wanted, error) || !ferry_device_view_look(api, &view, error))
        return false;
    parent = find_parent(view, wanted.parent, error);
    if (parent == NULL)
        return false;
    if (wanted.uuid == NULL)
        wanted.uuid = api->clock->uuid(api->clock);
    if ((parent->roles & FERRY_HOST_PARENT) != 0 && has_no_types(parent))
        await_types(api, request, parent->name);
    if (!create(api, parent, &wanted, &failure))
        return explain(api, &wanted, parent->name, failure, response, error);
    return answer(api, (parent->roles & FERRY_HOST_PARENT) != 0 ? wanted.uuid : parent->name,
                  response, error);
}
