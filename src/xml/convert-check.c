/*
 * What concerns more than one device: libvirt 11.3 lets one mdev UUID stand in two devices and
 * takes a pair whose halves do not fit, and none of these guests would work.
 */
#include <string.h>

#include "xml/address.h"
#include "xml/conversion.h"
#include "xml/device.h"
#include "xml/document.h"

static char *
device_alias(const xmlNode *device)
{
    return ferry_document_attribute(ferry_document_child(device, "alias"), "name");
}

/* Returns: (nullable) */
static const xmlNode *
find_device(const FerryConversion *self, const char *alias)
{
    for (const xmlNode *node = ferry_document_first(self->devices); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *name = device_alias(node);

        if (g_strcmp0(name, alias) == 0)
            return node;
    }
    return NULL;
}

static bool
attribute_is(const xmlNode *node, const char *name, const char *value)
{
    g_autofree char *found = ferry_document_attribute(node, name);

    return g_strcmp0(found, value) == 0;
}

/* ---- ferry's metadata ---- */

static const FerryMdevMeta *
find_mdev_meta(const FerryMetadata *metadata, const char *alias)
{
    for (guint i = 0; i < metadata->mdevs->len; i++) {
        const FerryMdevMeta *mdev = g_ptr_array_index(metadata->mdevs, i);

        if (strcmp(mdev->alias, alias) == 0)
            return mdev;
    }
    g_assert_not_reached();
}

static void
warn_of_parent(FerryConversion *self, const xmlNode *node, const FerryMdevMeta *mdev)
{
    g_autofree char *parent = self->host->find_parent(self->host->data, mdev->parent);

    if (parent == NULL)
        ferry_conversion_note(self, node, FERRY_NOTE_WARNING,
                              "this host has no parent %s now: the guest can only start once it is "
                              "there",
                              mdev->parent);
    else if (self->host->has_type(self->host->data, parent, mdev->type) == FERRY_CONVERT_NO)
        ferry_conversion_note(self, node, FERRY_NOTE_WARNING,
                              "the parent %s does not offer the type %s now: the guest can only "
                              "start once it does",
                              mdev->parent, mdev->type);
}

static bool
check_mdev(FerryConversion *self, const xmlNode *node, const char *alias, GError **error)
{
    const FerryMdevMeta *mdev = find_mdev_meta(self->metadata, alias);
    const xmlNode *device = find_device(self, alias);

    if (device == NULL || !ferry_document_is(device, "hostdev") ||
        !attribute_is(device, "type", "mdev"))
        return ferry_document_refuse(error, node,
                                     "no <hostdev type='mdev'> of this guest has the alias %s: "
                                     "write it there, or take this out",
                                     alias);
    if (mdev->pool != NULL &&
        ferry_conversion_pool(self, node, mdev->pool, 1u << FERRY_CONVERT_MDEVS, error) == NULL)
        return false;
    if (mdev->parent != NULL)
        warn_of_parent(self, node, mdev);
    return true;
}

static FerryHybridMeta *
find_hybrid_meta(const FerryMetadata *metadata, const char *alias)
{
    for (guint i = 0; i < metadata->hybrids->len; i++) {
        FerryHybridMeta *hybrid = g_ptr_array_index(metadata->hybrids, i);

        if (strcmp(hybrid->alias, alias) == 0)
            return hybrid;
    }
    g_assert_not_reached();
}

/* The place that was to stay free for the VF: when a device has it, the next one. */
static bool
check_place(FerryConversion *self,
            const xmlNode *node,
            const FerryHybridMeta *hybrid,
            GError **error)
{
    g_autofree char *place = NULL;

    if (ferry_ports_is_free(self->ports, hybrid->vf_address)) {
        ferry_ports_take(self->ports, hybrid->vf_address);
        return true;
    }
    place = ferry_ports_take_highest(self->ports);
    if (place == NULL)
        return ferry_document_refuse(error, node,
                                     "nothing can be plugged at %s of this guest, and it has no "
                                     "other free PCI slot for the VF",
                                     hybrid->vf_address);
    ferry_splice_set(self->splice, node, "vf-address", place);
    ferry_conversion_note(self, node, FERRY_NOTE_CHANGED,
                          "nothing can be plugged at %s of this guest: %s is kept free for the VF "
                          "instead",
                          hybrid->vf_address, place);
    return true;
}

static bool
check_hybrid(FerryConversion *self, const xmlNode *node, const char *alias, GError **error)
{
    const FerryHybridMeta *hybrid = find_hybrid_meta(self->metadata, alias);
    const xmlNode *device = find_device(self, alias);
    const xmlNode *source = ferry_document_child(device, "source");

    if (device == NULL || !ferry_document_is(device, "interface") ||
        !attribute_is(device, "type", "network") || !attribute_is(source, "network", hybrid->pool))
        return ferry_document_refuse(
            error, node,
            "no <interface type='network'> with <source network='%s'/> has the alias %s: a "
            "running guest's XML is no definition, use \"virsh dumpxml --inactive\"",
            hybrid->pool, alias);
    if (find_device(self, hybrid->vf_alias) != NULL)
        return ferry_document_refuse(error, node,
                                     "the VF %s stands among the devices: ferry plugs it while the "
                                     "guest runs, take it out",
                                     hybrid->vf_alias);
    return ferry_conversion_pool(self, node, hybrid->pool, 1u << FERRY_CONVERT_HYBRIDS, error) !=
               NULL &&
           check_place(self, node, hybrid, error);
}

/* The device may be off just now; one that is there must be able to go. */
static bool
check_ephemeral(FerryConversion *self, const xmlNode *node, const char *alias, GError **error)
{
    const xmlNode *device = find_device(self, alias);
    g_autofree char *pool = ferry_document_attribute(node, "pool");
    const unsigned kinds = 1u << FERRY_CONVERT_VFS | 1u << FERRY_CONVERT_MDEVS;

    if (device != NULL && ferry_device_plug(device) == FERRY_PLUG_NO)
        return ferry_document_refuse(error, node,
                                     "%s is a %s, which cannot be taken off a running guest: take "
                                     "this out",
                                     alias, (const char *)device->name);
    return pool == NULL || ferry_conversion_pool(self, node, pool, kinds, error) != NULL;
}

static const struct {
    const char *name;
    bool (*check)(FerryConversion *self, const xmlNode *node, const char *alias, GError **error);
} elements[] = {
    { "mdev", check_mdev },
    { "hybrid", check_hybrid },
    { "ephemeral", check_ephemeral },
};

static bool
check_element(FerryConversion *self, const xmlNode *node, GError **error)
{
    g_autofree char *alias = ferry_document_attribute(node, "alias");

    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++)
        if (strcmp((const char *)node->name, elements[i].name) == 0)
            return elements[i].check(self, node, alias, error);
    g_assert_not_reached(); /* ferry_metadata_parse() knows the same names */
}

bool
ferry_convert_check_metadata(FerryConversion *self, GError **error)
{
    const xmlNode *metadata = ferry_document_child(self->domain, "metadata");

    for (const xmlNode *guest = ferry_document_first(metadata); guest != NULL;
         guest = ferry_document_next(guest)) {
        if (guest->ns == NULL ||
            !xmlStrEqual(guest->ns->href, (const xmlChar *)FERRY_METADATA_NAMESPACE))
            continue;
        for (const xmlNode *node = ferry_document_first(guest); node != NULL;
             node = ferry_document_next(node))
            if (!check_element(self, node, error))
                return false;
    }
    return true;
}

/* ---- devices ---- */

/* libvirt takes UUIDs in any case, and with or without dashes. */
static char *
canonical_uuid(const char *text)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (; *text != '\0'; text++)
        if (*text != '-' && !g_ascii_isspace(*text))
            g_string_append_c(out, g_ascii_tolower(*text));
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static bool
check_uuid(const xmlNode *device, GHashTable *uuids, GError **error)
{
    const xmlNode *address =
        ferry_document_child(ferry_document_child(device, "source"), "address");
    g_autofree char *written = ferry_document_attribute(address, "uuid");
    char *uuid = NULL;

    if (!ferry_document_is(device, "hostdev") || !attribute_is(device, "type", "mdev") ||
        written == NULL)
        return true;
    uuid = canonical_uuid(written);
    if (strlen(uuid) != 32 || uuid[strspn(uuid, "0123456789abcdef")] != '\0') {
        g_free(uuid);
        return ferry_document_refuse(error, address, "uuid=\"%s\" is not a UUID", written);
    }
    if (g_hash_table_add(uuids, uuid))
        return true;
    return ferry_document_refuse(error, address,
                                 "the mdev %s is in another device of this guest already: give "
                                 "each its own",
                                 written);
}

/* Only the user's own: others, as in the XML of a running guest, libvirt makes anew. */
static bool
check_alias(const xmlNode *device, GHashTable *aliases, GError **error)
{
    char *alias = device_alias(device);

    if (alias == NULL || !g_str_has_prefix(alias, "ua-") || ferry_document_is(device, "console")) {
        g_free(alias);
        return true;
    }
    if (g_hash_table_add(aliases, alias))
        return true;
    return ferry_document_refuse(error, device,
                                 "its alias is another device's already: give each its own");
}

static char *
device_mac(const xmlNode *device)
{
    return ferry_document_attribute(ferry_document_child(device, "mac"), "address");
}

/* A plain <hostdev> has no MAC in the XML: whoever wrote it has set the VF's. */
static bool
check_macs(const xmlNode *half, const xmlNode *other, const char *partner, GError **error)
{
    g_autofree char *mac = device_mac(half);
    g_autofree char *others = device_mac(other);

    if (!ferry_document_is(half, "interface"))
        return true;
    if (mac != NULL && others != NULL && g_ascii_strcasecmp(mac, others) == 0)
        return true;
    return ferry_document_refuse(error, half,
                                 "both halves of a pair need one MAC address, but this has %s and "
                                 "%s has %s: write the same <mac address='…'/> in both",
                                 mac != NULL ? mac : "none", partner,
                                 others != NULL ? others : "none");
}

static bool
check_pf(const FerryConversion *self, const xmlNode *half, const xmlNode *other, GError **error)
{
    const xmlNode *address = ferry_document_child(ferry_document_child(half, "source"), "address");
    g_autofree char *netdev =
        ferry_document_attribute(ferry_document_child(other, "source"), "dev");
    g_autofree char *vf = NULL;

    if (address == NULL || netdev == NULL || !attribute_is(other, "type", "direct") ||
        attribute_is(address, "type", "drive"))
        return true;
    if (!ferry_address_parse(address, &vf, NULL)) /* libvirt's to judge: it is its form */
        return true;
    if (self->host->shares_pf(self->host->data, netdev, vf) != FERRY_CONVERT_NO)
        return true;
    return ferry_document_refuse(
        error, half,
        "the VF %s is not one of %s, which its other half sits on: after a "
        "failover the guest would be elsewhere; take a VF of that PF",
        vf, netdev);
}

static bool
check_pair(const FerryConversion *self, const xmlNode *half, GError **error)
{
    const xmlNode *teaming = ferry_document_child(half, "teaming");
    g_autofree char *partner = ferry_document_attribute(teaming, "persistent");
    const xmlNode *other = NULL;

    if (!attribute_is(teaming, "type", "transient") || partner == NULL)
        return true;
    other = find_device(self, partner);
    if (other == NULL)
        return ferry_document_refuse(
            error, teaming, "no device of this guest has the alias %s of its other half", partner);
    return check_macs(half, other, partner, error) && check_pf(self, half, other, error);
}

bool
ferry_convert_check_devices(const FerryConversion *self, GError **error)
{
    g_autoptr(GHashTable) uuids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (const xmlNode *node = ferry_document_first(self->devices); node != NULL;
         node = ferry_document_next(node))
        if (!check_alias(node, aliases, error) || !check_uuid(node, uuids, error) ||
            !check_pair(self, node, error))
            return false;
    return true;
}
