#include "host/json.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "host/port.h"

static const struct {
    FerryHostRoles role;
    const char *name;
} roles[] = {
    { FERRY_HOST_PARENT, "parent" }, { FERRY_HOST_MDEV, "mdev" }, { FERRY_HOST_PF, "pf" },
    { FERRY_HOST_VF, "vf" },         { FERRY_HOST_VGPU, "vgpu" },
};

static void
add_text(json_t *json, const char *key, const char *text)
{
    if (text != NULL)
        (void)json_object_set_new(json, key, json_string(text));
}

static void
add_number(json_t *json, const char *key, int number)
{
    if (number >= 0)
        (void)json_object_set_new(json, key, json_integer(number));
}

static json_t *
roles_of(const FerryHostDevice *device)
{
    json_t *list = json_array();

    for (size_t i = 0; i < G_N_ELEMENTS(roles); i++)
        if ((device->roles & roles[i].role) != 0)
            (void)json_array_append_new(list, json_string(roles[i].name));
    return list;
}

static json_t *
types_of(const FerryHostDevice *device)
{
    json_t *list = json_array();

    for (guint i = 0; device->types != NULL && i < device->types->len; i++) {
        const FerryHostType *type = g_ptr_array_index(device->types, i);
        json_t *row = json_pack("{s:s, s:i}", "type", type->id, "available", (int)type->available);

        add_text(row, "name", type->name);
        add_text(row, "description", type->description);
        add_text(row, "device_api", type->device_api);
        (void)json_array_append_new(list, row);
    }
    return list;
}

static json_t *
vfs_of(const FerryHostDevice *pf)
{
    json_t *list = json_array();

    for (guint i = 0; i < pf->vfs->len; i++) {
        const char *name = g_ptr_array_index(pf->vfs, i);

        (void)json_array_append_new(list, name != NULL ? json_string(name) : json_null());
    }
    return list;
}

static json_t *
ports_of(const FerryHostDevice *device)
{
    json_t *list = json_array();

    for (guint i = 0; i < device->ports->len; i++) {
        const FerryPort *port = g_ptr_array_index(device->ports, i);

        (void)json_array_append_new(
            list, json_pack("{s:s, s:i}", "netdev", port->netdev, "port", (int)port->number));
    }
    return list;
}

static void
add_role_parts(json_t *json, const FerryHostDevice *device)
{
    if ((device->roles & FERRY_HOST_PF) != 0) {
        add_number(json, "total_vfs", (int)device->total_vfs);
        add_number(json, "n_vfs", (int)ferry_host_device_n_vfs(device));
        (void)json_object_set_new(json, "vfs", vfs_of(device));
        (void)json_object_set_new(json, "autoprobe", json_boolean(device->autoprobe));
    }
    if ((device->roles & (FERRY_HOST_PARENT | FERRY_HOST_VGPU)) != 0) {
        (void)json_object_set_new(json, "types", types_of(device));
        (void)json_object_set_new(json, "capacity", json_string("one_of"));
    }
    if (device->ports != NULL)
        (void)json_object_set_new(json, "ports", ports_of(device));
    add_text(json, "pf", device->pf);
    add_text(json, "pf_netdev", device->pf_netdev);
    add_number(json, "vf_index", device->vf_index);
    add_text(json, "parent", device->parent);
    add_text(json, "type", device->type);
}

json_t *
ferry_host_json(const FerryHostDevice *device, const FerryUser *user)
{
    json_t *json = json_pack("{s:s, s:s}", "name", device->name, "bus", device->bus);
    g_autofree char *who = user != NULL ? ferry_user_describe(user) : NULL;

    (void)json_object_set_new(json, "roles", roles_of(device));
    add_text(json, "path", device->path);
    add_text(json, "driver", device->driver);
    add_text(json, "device_id", device->device_id);
    add_number(json, "iommu_group", device->iommu_group);
    add_number(json, "numa_node", device->numa_node);
    add_text(json, "cdev", device->cdev);
    add_text(json, "netdev", device->netdev);
    add_text(json, "link", device->link);
    add_role_parts(json, device);
    add_text(json, "used_by", who);
    return json;
}

/* What a row of settings is in JSON; @bits at most fit its field. */
typedef struct {
    const char *key;
    FerryVfFields field;
    size_t offset;
    size_t bytes;
    json_int_t most;
} Row;

#define ROW(key, field, member, most)                                                              \
    {                                                                                              \
        key, field, offsetof(FerryVfSettings, member), sizeof(((FerryVfSettings *)NULL)->member),  \
            most                                                                                   \
    }

static const Row rows[] = {
    ROW("vlan", FERRY_VF_VLAN, vlan, 4095),
    ROW("vlan_priority", FERRY_VF_VLAN, vlan_priority, 7),
    ROW("vlan_protocol", FERRY_VF_VLAN, vlan_protocol, 0xffff),
    ROW("spoof_check", FERRY_VF_SPOOF_CHECK, spoof_check, 1),
    ROW("trust", FERRY_VF_TRUST, trust, 1),
    ROW("link_state", FERRY_VF_LINK_STATE, link_state, 2),
    ROW("min_rate_mbps", FERRY_VF_RATE, min_rate_mbps, G_MAXUINT32),
    ROW("max_rate_mbps", FERRY_VF_RATE, max_rate_mbps, G_MAXUINT32),
    ROW("rss_query", FERRY_VF_RSS_QUERY, rss_query, 1),
};

static json_int_t
get_field(const FerryVfSettings *settings, const Row *row)
{
    const char *field = (const char *)settings + row->offset;

    if (row->bytes == sizeof(uint32_t))
        return *(const uint32_t *)(const void *)field;
    if (row->bytes == sizeof(uint16_t))
        return *(const uint16_t *)(const void *)field;
    return *(const uint8_t *)field;
}

static void
set_field(FerryVfSettings *settings, const Row *row, json_int_t number)
{
    char *field = (char *)settings + row->offset;

    if (row->bytes == sizeof(uint32_t))
        *(uint32_t *)(void *)field = (uint32_t)number;
    else if (row->bytes == sizeof(uint16_t))
        *(uint16_t *)(void *)field = (uint16_t)number;
    else
        *(uint8_t *)field = (uint8_t)number;
}

json_t *
ferry_vf_json(const FerryVfSettings *settings)
{
    json_t *json = json_object();
    const uint8_t *mac = settings->mac;
    g_autofree char *text = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                                            mac[3], mac[4], mac[5]);

    if ((settings->known & FERRY_VF_MAC) != 0)
        add_text(json, "mac", text);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if ((settings->known & rows[i].field) != 0)
            (void)json_object_set_new(json, rows[i].key,
                                      json_integer(get_field(settings, &rows[i])));
    return json;
}

static bool
refuse(GError **error, const char *key)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT,
                "saved VF settings: \"%s\" is not what it should be", key);
    return false;
}

static bool
take_mac(const json_t *json, FerryVfSettings *ret, GError **error)
{
    const json_t *value = json_object_get(json, "mac");
    const char *text = json_string_value(value);
    unsigned parts[6] = { 0 };
    int n_bytes = 0;

    if (value == NULL)
        return true;
    if (text == NULL || strlen(text) != 17 ||
        sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &parts[0], &parts[1], &parts[2], &parts[3],
               &parts[4], &parts[5], &n_bytes) != 6 ||
        n_bytes != 17)
        return refuse(error, "mac");
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        ret->mac[i] = (uint8_t)parts[i];
    ret->known |= FERRY_VF_MAC;
    return true;
}

bool
ferry_vf_from_json(const json_t *json, FerryVfSettings *ret, GError **error)
{
    FerryVfSettings settings = { 0 };

    if (!json_is_object(json))
        return refuse(error, "(all of it)");
    if (!take_mac(json, &settings, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const json_t *value = json_object_get(json, rows[i].key);
        const json_int_t number = json_integer_value(value);

        if (value == NULL)
            continue;
        if (!json_is_integer(value) || number < 0 || number > rows[i].most)
            return refuse(error, rows[i].key);
        set_field(&settings, &rows[i], number);
        settings.known |= rows[i].field;
    }
    *ret = settings;
    return true;
}
