#include "xml/device.h"

#include <string.h>

#include "xml/address.h"
#include "xml/document.h"

/*
 * What QEMU 10.0 and libvirt 11.3 can unplug, by element and (where it matters) bus.  Whatever has
 * no row cannot: a device that is wrongly called fixed is only not offered as ephemeral.
 */
/* clang-format off */
static const struct {
    const char *kind;
    const char *bus; /* NULL: any */
} pluggable[] = {
    { "interface",  NULL     },
    { "hostdev",    NULL     },
    { "disk",       "virtio" },
    { "disk",       "scsi"   },
    { "disk",       "usb"    },
    { "input",      "usb"    },
    { "input",      "virtio" },
    { "channel",    NULL     },
    { "filesystem", NULL     },
    { "memory",     NULL     },
    { "redirdev",   NULL     },
    { "rng",        NULL     },
    { "shmem",      NULL     },
    { "vsock",      NULL     },
};
/* clang-format on */

void
ferry_device_free(FerryDevice *self)
{
    if (self == NULL)
        return;
    g_free(self->kind);
    g_free(self->type);
    g_free(self->model);
    g_free(self->alias);
    g_free(self->address);
    g_free(self->mac);
    g_free(self->network);
    g_free(self->listen);
    g_free(self->source);
    g_free(self->teaming_partner);
    g_free(self->rom_file);
    g_free(self->xml);
    g_free(self);
}

FerryPlug
ferry_device_plug(const xmlNode *node)
{
    const xmlNode *target = ferry_document_child(node, "target");
    g_autofree char *bus =
        ferry_document_attribute(ferry_document_is(node, "disk") ? target : node, "bus");

    for (size_t i = 0; i < G_N_ELEMENTS(pluggable); i++)
        if (ferry_document_is(node, pluggable[i].kind) &&
            (pluggable[i].bus == NULL || g_strcmp0(bus, pluggable[i].bus) == 0))
            return FERRY_PLUG_YES;
    return FERRY_PLUG_NO;
}

/* The guest's side: a device need not have an address, nor one on PCI, nor a whole one in a file
 * that leaves the choice to libvirt. */
static bool
parse_guest_address(const xmlNode *node, char **ret, GError **error)
{
    const xmlNode *address = ferry_document_child(node, "address");
    g_autofree char *type = ferry_document_attribute(address, "type");
    g_autofree char *slot = ferry_document_attribute(address, "slot");

    return g_strcmp0(type, "pci") != 0 || slot == NULL || ferry_address_parse(address, ret, error);
}

/* First of the attributes that <source> has; what each kind of device puts there is disjoint. */
static char *
find_source_name(const xmlNode *source)
{
    static const char *const names[] = { "network", "file",   "dev", "bridge",
                                         "name",    "volume", "dir", "path" };
    char *value = NULL;

    for (size_t i = 0; value == NULL && i < G_N_ELEMENTS(names); i++)
        value = ferry_document_attribute(source, names[i]);
    return value;
}

static bool
parse_source(const xmlNode *node, const char *type, char **ret, GError **error)
{
    const xmlNode *source = ferry_document_child(node, "source");
    const xmlNode *address = ferry_document_child(source, "address");
    g_autofree char *uuid = ferry_document_attribute(address, "uuid");
    const bool is_mdev = ferry_document_is(node, "hostdev") && g_strcmp0(type, "mdev") == 0;
    const bool is_pci = (ferry_document_is(node, "hostdev") && g_strcmp0(type, "pci") == 0) ||
                        (ferry_document_is(node, "interface") && g_strcmp0(type, "hostdev") == 0);

    if (is_mdev && (uuid == NULL || !g_uuid_string_is_valid(uuid)))
        return ferry_document_refuse(
            error, node, "an mdev is named by its UUID, <source><address uuid='…'/></source>");
    if (is_pci && address != NULL)
        return ferry_address_parse(address, ret, error);
    *ret = is_mdev ? g_ascii_strdown(uuid, -1) : find_source_name(source);
    return true;
}

static char *
find_model(const xmlNode *node)
{
    char *model = ferry_document_attribute(ferry_document_child(node, "model"), "type");

    return model != NULL ? model : ferry_document_attribute(node, "model");
}

static char *
find_mac(const xmlNode *node)
{
    g_autofree char *mac = ferry_document_attribute(ferry_document_child(node, "mac"), "address");

    return mac != NULL ? g_ascii_strdown(mac, -1) : NULL;
}

/* One that a network or nothing but a socket stands for is no address of the definition's. */
static char *
find_listen(const xmlNode *node)
{
    const xmlNode *listen = ferry_document_child(node, "listen");
    g_autofree char *type = ferry_document_attribute(listen, "type");

    return ferry_document_is(node, "graphics") && g_strcmp0(type, "address") == 0
               ? ferry_document_attribute(listen, "address")
               : NULL;
}

static void
read_rom(const xmlNode *node, FerryDevice *device)
{
    const xmlNode *rom = ferry_document_child(node, "rom");
    g_autofree char *enabled = ferry_document_attribute(rom, "enabled");
    g_autofree char *bar = ferry_document_attribute(rom, "bar");

    device->rom_file = ferry_document_attribute(rom, "file");
    device->rom_off = g_strcmp0(enabled, "no") == 0 || g_strcmp0(bar, "off") == 0;
}

bool
ferry_device_parse(const xmlNode *node, FerryDevice **ret, GError **error)
{
    g_autoptr(FerryDevice) self = g_new0(FerryDevice, 1);

    self->kind = g_strdup((const char *)node->name);
    self->type = ferry_document_attribute(node, "type");
    self->model = find_model(node);
    self->alias = ferry_document_attribute(ferry_document_child(node, "alias"), "name");
    self->mac = find_mac(node);
    self->network = ferry_document_attribute(ferry_document_child(node, "source"), "network");
    self->teaming_partner =
        ferry_document_attribute(ferry_document_child(node, "teaming"), "persistent");
    self->listen = find_listen(node);
    read_rom(node, self);
    self->plug = ferry_device_plug(node);
    self->line = xmlGetLineNo(node);
    self->xml = ferry_document_format(node);
    if (!parse_guest_address(node, &self->address, error) ||
        !parse_source(node, self->type, &self->source, error))
        return false;
    *ret = g_steal_pointer(&self);
    return true;
}

void
ferry_disk_free(FerryDisk *self)
{
    if (self == NULL)
        return;
    g_free(self->target);
    g_free(self->device);
    g_free(self->type);
    g_free(self->source);
    g_free(self);
}

/* libvirt's defaults where an attribute is missing. */
static char *
attribute_or(const xmlNode *node, const char *name, const char *otherwise)
{
    char *value = ferry_document_attribute(node, name);

    return value != NULL ? value : g_strdup(otherwise);
}

FerryDisk *
ferry_disk_parse(const xmlNode *node)
{
    FerryDisk *self = g_new0(FerryDisk, 1);

    self->target = ferry_document_attribute(ferry_document_child(node, "target"), "dev");
    self->device = attribute_or(node, "device", "disk");
    self->type = attribute_or(node, "type", "file");
    self->source = find_source_name(ferry_document_child(node, "source"));
    self->readonly = ferry_document_child(node, "readonly") != NULL;
    self->shareable = ferry_document_child(node, "shareable") != NULL;
    return self;
}
