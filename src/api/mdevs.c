/*
 * /v1/mdevs: mediated devices that are there, and those that mdevctl or libvirt has defined.  VFs
 * that take a vGPU type by themselves (NVIDIA from kernel 6.8 on) are among them, by their address.
 */
#include "api/mdevs.h"

#include <string.h>

#include <microhttpd.h>

#include "base/error.h"
#include "host/definition.h"
#include "host/mdev.h"
#include "host/vgpu.h"
#include "migrate/objection.h"
#include "xml/nodedev.h"

/* One call waits for a slow driver for this long; who wants to wait longer asks again. */
#define REMOVE_LIMIT_MS 5000

bool
ferry_mdevs_is_one(const FerryHostDevice *device)
{
    return (device->roles & FERRY_HOST_MDEV) != 0 ||
           ((device->roles & FERRY_HOST_VGPU) != 0 && device->type != NULL);
}

static const FerryDefinition *
find_definition(const GPtrArray *definitions, const char *parent, const char *uuid)
{
    for (guint i = 0; i < definitions->len; i++) {
        const FerryDefinition *definition = g_ptr_array_index(definitions, i);

        if (strcmp(definition->uuid, uuid) == 0 && g_strcmp0(definition->parent, parent) == 0)
            return definition;
    }
    return NULL;
}

static void
add_definition(json_t *json, const FerryDefinition *definition)
{
    json_t *attrs = json_array();

    for (guint i = 0; i < definition->attrs->len; i++) {
        const FerryDefinitionAttr *attr = g_ptr_array_index(definition->attrs, i);

        (void)json_array_append_new(
            attrs, json_pack("{s:s, s:s}", "name", attr->name, "value", attr->value));
    }
    (void)json_object_set_new(json, "autostart", json_boolean(definition->autostart));
    (void)json_object_set_new(json, "attrs", attrs);
    if (definition->problem != NULL)
        (void)json_object_set_new(json, "problem", json_string(definition->problem));
}

json_t *
ferry_mdevs_json(const FerryDeviceView *view,
                 const FerryHostDevice *device,
                 const GPtrArray *definitions)
{
    json_t *json = ferry_device_view_json(view, device);
    const FerryDefinition *definition = find_definition(definitions, device->parent, device->name);

    if ((device->roles & FERRY_HOST_MDEV) != 0)
        (void)json_object_set_new(json, "uuid", json_string(device->name));
    (void)json_object_set_new(json, "active", json_true());
    (void)json_object_set_new(json, "defined", json_boolean(definition != NULL));
    if (definition != NULL)
        add_definition(json, definition);
    return json;
}

/* One that is only defined: whoever defined it, starts it. */
static json_t *
inactive_json(const FerryDefinition *definition)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:s?, s:b, s:b, s:s}", "name", definition->uuid,
                             "uuid", definition->uuid, "parent", definition->parent, "type",
                             definition->type, "active", 0, "defined", 1, "state", "defined");

    add_definition(json, definition);
    return json;
}

static bool
is_active(const FerryDeviceView *view, const FerryDefinition *definition)
{
    const FerryHostDevice *device = ferry_inventory_find(view->inventory, definition->uuid);

    return device != NULL && g_strcmp0(device->parent, definition->parent) == 0;
}

static bool
list_mdevs(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    g_autoptr(GPtrArray) definitions = ferry_definition_read_all(api->kernel->root);
    g_autoptr(FerryDeviceView) view = NULL;
    json_t *mdevs = NULL;

    (void)request;
    if (!ferry_device_view_new(api, &view, error))
        return false;
    mdevs = json_array();
    for (unsigned i = 0; i < ferry_inventory_n_devices(view->inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(view->inventory, i);

        if (ferry_mdevs_is_one(device))
            (void)json_array_append_new(mdevs, ferry_mdevs_json(view, device, definitions));
    }
    for (guint i = 0; i < definitions->len; i++) {
        const FerryDefinition *definition = g_ptr_array_index(definitions, i);

        if (!is_active(view, definition))
            (void)json_array_append_new(mdevs, inactive_json(definition));
    }
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "mdevs", mdevs));
    return true;
}

static bool
list_types(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(FerryDeviceView) view = NULL;
    json_t *parents = NULL;

    (void)request;
    if (!ferry_device_view_new(data, &view, error))
        return false;
    parents = json_array();
    for (unsigned i = 0; i < ferry_inventory_n_devices(view->inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(view->inventory, i);

        if ((device->roles & (FERRY_HOST_PARENT | FERRY_HOST_VGPU)) != 0)
            (void)json_array_append_new(parents, ferry_device_view_json(view, device));
    }
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "parents", parents));
    return true;
}

static const FerryHostDevice *
find_mdev(const FerryDeviceView *view, const char *name, GError **error)
{
    const FerryHostDevice *device = ferry_device_view_find(view, name, NULL);

    if (device != NULL && ferry_mdevs_is_one(device))
        return device;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "there is no mediated device %s: see \"ferry mdev list\"", name);
    return NULL;
}

/* As libvirt writes it; a vGPU's VF is no mdev to libvirt, but a PCI device. */
static char *
xml_of(const FerryDeviceView *view, const FerryHostDevice *mdev, const FerryDefinition *definition)
{
    g_autoptr(FerryNodedev) nodedev = ferry_nodedev_new("mdev");
    const FerryHostDevice *parent = ferry_inventory_find(view->inventory, mdev->parent);
    g_autofree char *with_parent = g_strconcat(mdev->name, "_", mdev->parent, NULL);

    nodedev->name = ferry_nodedev_name("mdev", with_parent); /* as libvirt does since 8.0 */
    nodedev->path = g_strconcat("/sys/", mdev->path, NULL);
    nodedev->parent = ferry_nodedev_name(parent != NULL ? parent->bus : "virtual", mdev->parent);
    nodedev->driver = g_strdup(mdev->driver);
    nodedev->type = g_strdup(mdev->type);
    nodedev->uuid = g_strdup(mdev->name);
    nodedev->iommu_group = mdev->iommu_group;
    nodedev->autostart = definition != NULL && definition->autostart;
    for (guint i = 0; definition != NULL && i < definition->attrs->len; i++) {
        const FerryDefinitionAttr *attr = g_ptr_array_index(definition->attrs, i);

        ferry_nodedev_add_attr(nodedev, attr->name, attr->value);
    }
    return ferry_nodedev_format_mdev(nodedev);
}

static bool
get_mdev(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    g_autoptr(GPtrArray) definitions = ferry_definition_read_all(api->kernel->root);
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *mdev = NULL;
    g_autofree char *xml = NULL;
    json_t *body = NULL;

    if (!ferry_device_view_new(api, &view, error))
        return false;
    mdev = find_mdev(view, request->segments[0], error);
    if (mdev == NULL)
        return false;
    body = ferry_mdevs_json(view, mdev, definitions);
    if ((mdev->roles & FERRY_HOST_MDEV) != 0) {
        xml = xml_of(view, mdev, find_definition(definitions, mdev->parent, mdev->name));
        (void)json_object_set_new(body, "xml", json_string(xml));
    }
    ferry_response_json(response, MHD_HTTP_OK, body);
    return true;
}

/* @code: "in-use" or "claimed" */
static void
refuse_remove(FerryResponse *response, const char *name, const char *code, const char *who)
{
    g_autofree char *detail = g_strdup_printf("%s cannot be removed now", name);
    json_t *reasons = ferry_objection(code, "it is used by %s", who);

    ferry_object_value(reasons, "used_by", json_string(who));
    ferry_object_remedy(reasons, "stop the guest, or take the device off it, then try again");
    ferry_response_refused(response, detail, reasons);
}

static bool
remove_one(const FerryApi *api, const FerryHostDevice *mdev, GError **error)
{
    if ((mdev->roles & FERRY_HOST_MDEV) == 0)
        return ferry_vgpu_clear(api->kernel, mdev->name, mdev->type, error);
    return ferry_mdev_remove(api->kernel, mdev->name, REMOVE_LIMIT_MS, error);
}

static bool
remove_mdev(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *mdev = NULL;
    g_autofree char *who = NULL;
    FerryDeviceUse use = FERRY_DEVICE_FREE;

    if (!ferry_device_view_look(api, &view, error))
        return false;
    mdev = find_mdev(view, request->segments[0], error);
    if (mdev == NULL)
        return false;
    use = ferry_device_view_use(view, mdev, &who);
    if (use != FERRY_DEVICE_FREE) {
        refuse_remove(response, mdev->name, use == FERRY_DEVICE_CLAIMED ? "claimed" : "in-use",
                      who);
        return true;
    }
    if (!remove_one(api, mdev, error))
        return false;
    ferry_inventory_unref(ferry_watch_look(api->watch));
    ferry_response_json(response, MHD_HTTP_NO_CONTENT, NULL);
    return true;
}

const FerryRoute ferry_mdev_routes[] = {
    { "GET", "/v1/mdevs", FERRY_ROLE_VIEW, list_mdevs },
    { "POST", "/v1/mdevs", FERRY_ROLE_OPERATE, ferry_mdevs_create },
    { "GET", "/v1/mdevs/types", FERRY_ROLE_VIEW, list_types },
    { "GET", "/v1/mdevs/{}", FERRY_ROLE_VIEW, get_mdev },
    { "DELETE", "/v1/mdevs/{}", FERRY_ROLE_OPERATE, remove_mdev },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
