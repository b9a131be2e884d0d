#include "api/guest-devices.h"

#include <string.h>

/* Returns: (nullable): why the device keeps the guest from moving */
static const char *
why_not(const FerryDevice *device, const json_t *reasons)
{
    const char *name = device->alias != NULL ? device->alias : device->kind;
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(reasons, i, reason)
    {
        const char *alias = json_string_value(json_object_get(reason, "alias"));

        if (g_strcmp0(alias, name) == 0)
            return json_string_value(json_object_get(reason, "message"));
    }
    return NULL;
}

json_t *
ferry_guest_devices_json(const FerryDomain *domain, const json_t *reasons)
{
    json_t *devices = json_array();

    for (unsigned i = 0; i < domain->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(domain->devices, i);
        const bool ephemeral =
            device->alias != NULL && ferry_metadata_is_ephemeral(domain->metadata, device->alias);
        const char *reason = why_not(device, reasons);

        json_array_append_new(devices,
                              json_pack("{s:s?, s:s, s:s?, s:s?, s:b, s:b, s:s?}", "alias",
                                        device->alias, "kind", device->kind, "type", device->type,
                                        "address", device->address, "ephemeral", ephemeral,
                                        "movable", reason == NULL, "reason", reason));
    }
    return devices;
}

static json_t *
attrs_json(const FerryMdevMeta *mdev)
{
    json_t *attrs = json_array();

    for (guint i = 0; i < mdev->attrs->len; i++) {
        const FerryMetaAttr *attr = g_ptr_array_index(mdev->attrs, i);

        json_array_append_new(attrs,
                              json_pack("{s:s, s:s}", "name", attr->name, "value", attr->value));
    }
    return attrs;
}

json_t *
ferry_guest_mdevs_json(const FerryDomain *domain, const FerryInventory *inventory)
{
    json_t *mdevs = json_array();

    for (guint i = 0; i < domain->metadata->mdevs->len; i++) {
        const FerryMdevMeta *mdev = g_ptr_array_index(domain->metadata->mdevs, i);
        const FerryDevice *device = ferry_domain_device(domain, mdev->alias);
        const char *uuid = device != NULL ? device->source : NULL;
        const FerryHostDevice *made = uuid != NULL ? ferry_inventory_find(inventory, uuid) : NULL;

        json_array_append_new(
            mdevs, json_pack("{s:s, s:s, s:s?, s:s?, s:b, s:s?, s:s?, s:s?, s:b, s:o}", "alias",
                             mdev->alias, "type", mdev->type, "pool", mdev->pool, "parent",
                             mdev->parent, "managed", mdev->managed, "uuid", uuid, "vendor_id",
                             mdev->vendor_id, "product_id", mdev->product_id, "made", made != NULL,
                             "attrs", attrs_json(mdev)));
    }
    return mdevs;
}
