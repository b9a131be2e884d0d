#include "xml/network.h"

#include <string.h>

#include "xml/address.h"
#include "xml/document.h"

/* 0 and 4095 are reserved by 802.1Q. */
#define VLAN_MAX 4094

static const struct {
    const char *name;
    FerryNetworkMode mode;
} modes[] = {
    { "hostdev", FERRY_NETWORK_HOSTDEV },   { "hostdev-hybrid", FERRY_NETWORK_HYBRID },
    { "bridge", FERRY_NETWORK_BRIDGE },     { "nat", FERRY_NETWORK_OTHER },
    { "route", FERRY_NETWORK_OTHER },       { "open", FERRY_NETWORK_OTHER },
    { "private", FERRY_NETWORK_OTHER },     { "vepa", FERRY_NETWORK_OTHER },
    { "passthrough", FERRY_NETWORK_OTHER },
};

static FerryNetwork *
network_new(void)
{
    FerryNetwork *self = g_new0(FerryNetwork, 1);

    self->mode = FERRY_NETWORK_OTHER;
    self->pfs = g_ptr_array_new_with_free_func(g_free);
    self->addresses = g_ptr_array_new_with_free_func(g_free);
    self->interfaces = g_ptr_array_new_with_free_func(g_free);
    return self;
}

void
ferry_network_free(FerryNetwork *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->uuid);
    g_free(self->driver_model);
    g_ptr_array_unref(self->pfs);
    g_ptr_array_unref(self->addresses);
    g_ptr_array_unref(self->interfaces);
    g_free(self->bridge);
    g_free(self->virtualport);
    g_free(self->profile);
    g_free(self);
}

static bool
parse_mode(const xmlNode *forward, FerryNetworkMode *ret, GError **error)
{
    g_autofree char *name = ferry_document_attribute(forward, "mode");

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        /* libvirt's default */
        if (strcmp(name != NULL ? name : "nat", modes[i].name) == 0) {
            *ret = modes[i].mode;
            return true;
        }
    }
    return ferry_document_refuse(error, forward, "mode=\"%s\" is none that libvirt or ferry knows",
                                 name);
}

/* yes or no; absent is no. */
static bool
parse_flag(const xmlNode *node, const char *name, bool *ret, GError **error)
{
    g_autofree char *text = ferry_document_attribute(node, name);

    if (text != NULL && strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        return ferry_document_refuse(error, node, "%s=\"%s\" is neither yes nor no", name, text);
    *ret = g_strcmp0(text, "yes") == 0;
    return true;
}

/* @text: (transfer full): one member of @list, which must not be in it yet; @seen knows all. */
static bool
add_member(GPtrArray *list, GHashTable *seen, const xmlNode *node, char *text, GError **error)
{
    g_ptr_array_add(list, text);
    if (!g_hash_table_add(seen, text))
        return ferry_document_refuse(error, node, "%s stands here twice: take one out", text);
    if (list->len > FERRY_NETWORK_MAX_MEMBERS)
        return ferry_document_refuse(error, node, "more than %d of these",
                                     FERRY_NETWORK_MAX_MEMBERS);
    return true;
}

static bool
parse_netdev(const xmlNode *node, GPtrArray *list, GHashTable *seen, GError **error)
{
    g_autofree char *dev = ferry_document_attribute(node, "dev");

    if (dev == NULL || dev[0] == '\0')
        return ferry_document_refuse(error, node, "the attribute \"dev\" is missing");
    /* the kernel's rule for names, IFNAMSIZ with its 0; "/" would leave sysfs */
    if (strlen(dev) > 15 || strpbrk(dev, "/ \t\n") != NULL || strcmp(dev, ".") == 0 ||
        strcmp(dev, "..") == 0)
        return ferry_document_refuse(error, node, "dev=\"%s\" is no name of a netdev", dev);
    return add_member(list, seen, node, g_steal_pointer(&dev), error);
}

static bool
parse_address(const xmlNode *node, GPtrArray *list, GHashTable *seen, GError **error)
{
    g_autofree char *type = ferry_document_attribute(node, "type");
    char *address = NULL;

    if (g_strcmp0(type, "pci") != 0)
        return ferry_document_refuse(error, node, "type=\"%s\" is not pci", type ? type : "");
    if (!ferry_address_parse(node, &address, error))
        return false;
    return add_member(list, seen, node, address, error);
}

static bool
parse_member(const xmlNode *node, FerryNetwork *self, GHashTable *seen, GError **error)
{
    if (ferry_document_is(node, "pf"))
        return parse_netdev(node, self->pfs, seen, error);
    if (ferry_document_is(node, "interface"))
        return parse_netdev(node, self->interfaces, seen, error);
    if (ferry_document_is(node, "address"))
        return parse_address(node, self->addresses, seen, error);
    if (ferry_document_is(node, "driver") && self->driver_model == NULL)
        self->driver_model = ferry_document_attribute(node, "model");
    return true;
}

static bool
check_members(const xmlNode *forward, const FerryNetwork *self, GError **error)
{
    const bool hybrid = self->mode == FERRY_NETWORK_HYBRID;

    if (!hybrid && self->mode != FERRY_NETWORK_HOSTDEV)
        return true;
    if (hybrid && self->addresses->len > 0)
        return ferry_document_refuse(
            error, forward, "a hybrid's virtio half needs its VF's PF: name PFs, not addresses");
    if (self->pfs->len + self->addresses->len == 0)
        return ferry_document_refuse(error, forward, "no VFs: name PFs, <pf dev='…'/>%s",
                                     hybrid ? "" : ", or addresses");
    if (self->interfaces->len > 0)
        return ferry_document_refuse(error, forward, "<interface> is for macvtap: name PFs");
    return true;
}

static bool
parse_forward(const xmlNode *forward, FerryNetwork *self, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    if (forward == NULL) /* isolated */
        return true;
    if (!parse_mode(forward, &self->mode, error) ||
        !parse_flag(forward, "managed", &self->managed, error) ||
        !parse_flag(forward, "ephemeral", &self->ephemeral, error))
        return false;
    for (xmlNode *node = ferry_document_first(forward); node != NULL;
         node = ferry_document_next(node))
        if (!parse_member(node, self, seen, error))
            return false;
    if (!check_members(forward, self, error))
        return false;
    /* the XML of a running libvirt network lists the VFs of its <pf> beside it */
    if (self->pfs->len > 0)
        g_ptr_array_set_size(self->addresses, 0);
    return true;
}

static bool
parse_vlan(const xmlNode *vlan, FerryNetwork *self, GError **error)
{
    const xmlNode *tag = ferry_document_child(vlan, "tag");
    g_autofree char *id = ferry_document_attribute(tag, "id");
    g_autofree char *trunk = ferry_document_attribute(vlan, "trunk");
    guint64 number = 0;

    if (vlan == NULL || self->mode == FERRY_NETWORK_OTHER || self->mode == FERRY_NETWORK_BRIDGE)
        return true;
    if (tag == NULL)
        return ferry_document_refuse(error, vlan, "<tag id='…'/> is missing");
    for (const xmlNode *node = ferry_document_next(tag); node != NULL;
         node = ferry_document_next(node))
        if (ferry_document_is(node, "tag"))
            return ferry_document_refuse(error, node, "a VF takes one VLAN tag and no trunk");
    if (g_strcmp0(trunk, "yes") == 0)
        return ferry_document_refuse(error, vlan, "a VF takes one VLAN tag and no trunk");
    if (id == NULL || !g_ascii_string_to_unsigned(id, 10, 1, VLAN_MAX, &number, NULL))
        return ferry_document_refuse(error, tag, "id=\"%s\" is not a VLAN from 1 to %d",
                                     id != NULL ? id : "", VLAN_MAX);
    self->vlan = (unsigned)number;
    return true;
}

static bool
parse_virtualport(const xmlNode *port, FerryNetwork *self, GError **error)
{
    self->virtualport = ferry_document_attribute(port, "type");
    self->profile = ferry_document_attribute(ferry_document_child(port, "parameters"), "profileid");
    if (port != NULL && self->mode == FERRY_NETWORK_HYBRID)
        return ferry_document_refuse(error, port,
                                     "a hybrid takes no port profile: its virtio half "
                                     "would be outside of it");
    /* libvirt's own rule: "direct setting of the vlan tag is not allowed" */
    if (port != NULL && self->mode == FERRY_NETWORK_HOSTDEV && self->vlan != 0)
        return ferry_document_refuse(error, port, "a port profile and a VLAN: the profile sets it");
    return true;
}

static bool
parse_names(const xmlNode *root, FerryNetwork *self, GError **error)
{
    const xmlNode *name = ferry_document_child(root, "name");
    const xmlNode *uuid = ferry_document_child(root, "uuid");
    g_autofree char *text = ferry_document_text(uuid);

    self->name = ferry_document_text(name);
    if (self->name == NULL || self->name[0] == '\0' || strpbrk(self->name, "/\n") != NULL)
        return ferry_document_refuse(error, name != NULL ? name : root,
                                     "the network's name is missing, or has a \"/\" in it");
    if (uuid != NULL && !g_uuid_string_is_valid(text))
        return ferry_document_refuse(error, uuid, "\"%s\" is not a UUID", text);
    self->uuid = text != NULL ? g_ascii_strdown(text, -1) : NULL;
    self->bridge = ferry_document_attribute(ferry_document_child(root, "bridge"), "name");
    return true;
}

bool
ferry_network_parse(const char *xml, FerryNetwork **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(FerryNetwork) self = network_new();
    const xmlNode *root = NULL;

    if (!ferry_document_parse(xml, FERRY_NETWORK_MAX_BYTES, "network XML", "network", &document,
                              error))
        return false;
    root = xmlDocGetRootElement(document);
    if (!parse_names(root, self, error) ||
        !parse_forward(ferry_document_child(root, "forward"), self, error) ||
        !parse_vlan(ferry_document_child(root, "vlan"), self, error) ||
        !parse_virtualport(ferry_document_child(root, "virtualport"), self, error))
        return false;
    *ret = g_steal_pointer(&self);
    return true;
}

char *
ferry_network_format_companion(const char *name, const GPtrArray *interfaces)
{
    g_autofree char *escaped = g_markup_escape_text(name, -1);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_printf(text, "<network>\n  <name>%s</name>\n  <forward mode='bridge'>\n", escaped);
    for (guint i = 0; i < interfaces->len; i++) {
        g_autofree char *dev = g_markup_escape_text(g_ptr_array_index(interfaces, i), -1);

        g_string_append_printf(text, "    <interface dev='%s'/>\n", dev);
    }
    g_string_append(text, "  </forward>\n</network>\n");
    return g_string_free(g_steal_pointer(&text), FALSE);
}
