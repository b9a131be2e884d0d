#include "xml/nodedev-parse.h"

#include <string.h>

#include "xml/address.h"
#include "xml/document.h"

/* Text of an optional child element; an empty one counts as absent. */
static char *
child_text(const xmlNode *parent, const char *name)
{
    g_autofree char *text = ferry_document_text(ferry_document_child(parent, name));

    return text != NULL && text[0] != '\0' ? g_steal_pointer(&text) : NULL;
}

/* @text: what stands at @node; a number in decimal, as all of libvirt's but addresses are. */
static bool
parse_number(const xmlNode *node, const char *text, unsigned limit, unsigned *ret, GError **error)
{
    guint64 number = 0;

    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 0, limit, &number, NULL))
        return ferry_document_refuse(error, node, "\"%s\" is not a number from 0 to %u",
                                     text != NULL ? text : "", limit);
    *ret = (unsigned)number;
    return true;
}

static bool
refuse_too_many(const xmlNode *node, const GPtrArray *array, GError **error)
{
    if (array->len < FERRY_NODEDEV_MAX_ITEMS)
        return true;
    return ferry_document_refuse(error, node, "more than %d of these", FERRY_NODEDEV_MAX_ITEMS);
}

static bool
parse_type(const xmlNode *node, GPtrArray *types, GError **error)
{
    g_autofree char *id = ferry_document_attribute(node, "id");
    g_autofree char *available = child_text(node, "availableInstances");
    FerryNodedevType *type = NULL;
    unsigned number = 0;

    if (id == NULL || id[0] == '\0')
        return ferry_document_refuse(error, node, "the attribute \"id\" is missing");
    if (!refuse_too_many(node, types, error) ||
        !parse_number(node, available != NULL ? available : "0", G_MAXINT32, &number, error))
        return false;
    type = g_new0(FerryNodedevType, 1);
    type->id = g_steal_pointer(&id);
    type->name = child_text(node, "name");
    type->device_api = child_text(node, "deviceAPI");
    type->available = number;
    g_ptr_array_add(types, type);
    return true;
}

/* Names are looked up in a set so that a long list takes no square time. */
static bool
parse_types(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (xmlNode *node = ferry_document_first(capability); node != NULL;
         node = ferry_document_next(node)) {
        const FerryNodedevType *type = NULL;

        if (!ferry_document_is(node, "type"))
            continue;
        if (!parse_type(node, self->types, error))
            return false;
        type = g_ptr_array_index(self->types, self->types->len - 1);
        if (!g_hash_table_add(seen, type->id))
            return ferry_document_refuse(error, node, "the type \"%s\" stands here twice",
                                         type->id);
    }
    return true;
}

static bool
parse_vfs(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    g_autofree char *most = ferry_document_attribute(capability, "maxCount");
    unsigned number = 0;

    if (most != NULL) {
        if (!parse_number(capability, most, 0xffff, &number, error))
            return false;
        self->max_vfs = (int)number;
    }
    if (self->vfs == NULL)
        self->vfs = g_ptr_array_new_with_free_func(g_free);
    for (xmlNode *node = ferry_document_first(capability); node != NULL;
         node = ferry_document_next(node)) {
        char *address = NULL;

        if (!ferry_document_is(node, "address"))
            continue;
        if (!refuse_too_many(node, self->vfs, error) || !ferry_address_parse(node, &address, error))
            return false;
        g_ptr_array_add(self->vfs, address);
    }
    return true;
}

static bool
parse_pf(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    const xmlNode *address = ferry_document_child(capability, "address");

    if (address == NULL)
        return ferry_document_refuse(error, capability, "the VF's PF is missing, an <address>");
    g_clear_pointer(&self->pf, g_free);
    return ferry_address_parse(address, &self->pf, error);
}

typedef struct {
    const char *type;
    bool (*parse)(const xmlNode *capability, FerryNodedev *self, GError **error);
} Inner;

static const Inner inners[] = {
    { "mdev_types", parse_types },
    { "virt_functions", parse_vfs },
    { "phys_function", parse_pf },
};

/* Capabilities within one: a parent of any bus has its types there.  Others say nothing to us. */
static bool
parse_inner(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    for (xmlNode *node = ferry_document_first(capability); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *type = ferry_document_attribute(node, "type");

        if (!ferry_document_is(node, "capability"))
            continue;
        for (size_t i = 0; i < G_N_ELEMENTS(inners); i++)
            if (g_strcmp0(type, inners[i].type) == 0 && !inners[i].parse(node, self, error))
                return false;
    }
    return true;
}

/* <slot>16</slot> is 0x10: these four are decimal, unlike every <address>. */
static bool
parse_pci_address(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    static const struct {
        const char *name;
        unsigned limit;
    } parts[] = { { "domain", G_MAXINT32 }, { "bus", 0xff }, { "slot", 0x1f }, { "function", 7 } };
    unsigned values[G_N_ELEMENTS(parts)] = { 0 };

    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const xmlNode *node = ferry_document_child(capability, parts[i].name);
        g_autofree char *text = ferry_document_text(node);

        if (node == NULL)
            return ferry_document_refuse(error, capability, "<%s> is missing", parts[i].name);
        if (!parse_number(node, text, parts[i].limit, &values[i], error))
            return false;
    }
    self->address =
        g_strdup_printf("%04x:%02x:%02x.%x", values[0], values[1], values[2], values[3]);
    return true;
}

/* An optional element's number in an attribute, <numa node='1'/>; -1 when there is none. */
static bool
parse_place(const xmlNode *capability,
            const char *element,
            const char *attribute,
            int *ret,
            GError **error)
{
    const xmlNode *node = ferry_document_child(capability, element);
    g_autofree char *text = ferry_document_attribute(node, attribute);
    unsigned number = 0;

    if (text == NULL)
        return true;
    if (!parse_number(node, text, G_MAXINT32, &number, error))
        return false;
    *ret = (int)number;
    return true;
}

static bool
parse_pci(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    if (!parse_pci_address(capability, self, error) ||
        !parse_place(capability, "numa", "node", &self->numa_node, error))
        return false;
    self->class_code = child_text(capability, "class");
    self->vendor = ferry_document_attribute(ferry_document_child(capability, "vendor"), "id");
    self->product = ferry_document_attribute(ferry_document_child(capability, "product"), "id");
    return true;
}

static bool
parse_attr(const xmlNode *node, FerryNodedev *self, GError **error)
{
    g_autofree char *name = ferry_document_attribute(node, "name");
    g_autofree char *value = ferry_document_attribute(node, "value");

    if (name == NULL || name[0] == '\0' || value == NULL)
        return ferry_document_refuse(error, node,
                                     "the attribute \"name\" or \"value\" is missing or empty");
    if (!refuse_too_many(node, self->attrs, error))
        return false;
    ferry_nodedev_add_attr(self, name, value);
    return true;
}

static bool
parse_start(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    const xmlNode *node = ferry_document_child(capability, "start");
    g_autofree char *type = ferry_document_attribute(node, "type");

    if (node == NULL)
        return true;
    if (g_strcmp0(type, "auto") != 0 && g_strcmp0(type, "manual") != 0)
        return ferry_document_refuse(error, node, "type=\"%s\" is neither auto nor manual",
                                     type != NULL ? type : "");
    self->autostart = strcmp(type, "auto") == 0;
    return true;
}

static bool
parse_uuid(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    const xmlNode *node = ferry_document_child(capability, "uuid");
    g_autofree char *text = ferry_document_text(node);

    if (node == NULL)
        return true;
    if (!g_uuid_string_is_valid(text))
        return ferry_document_refuse(error, node, "\"%s\" is not a UUID", text);
    self->uuid = g_ascii_strdown(text, -1);
    return true;
}

static bool
parse_mdev(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    const xmlNode *type = ferry_document_child(capability, "type");

    self->type = ferry_document_attribute(type, "id");
    if (self->type == NULL || self->type[0] == '\0')
        return ferry_document_refuse(error, type != NULL ? type : capability,
                                     "the mdev's type is missing: <type id='…'/>");
    for (xmlNode *node = ferry_document_first(capability); node != NULL;
         node = ferry_document_next(node))
        if (ferry_document_is(node, "attr") && !parse_attr(node, self, error))
            return false;
    return parse_uuid(capability, self, error) && parse_start(capability, self, error);
}

/* "mdev_c2177883_f1bb_47f0_914d_32a22e3a8804", perhaps with "_0000_00_02_0" after it. */
static void
take_uuid_from_name(FerryNodedev *self)
{
    g_autofree char *uuid = NULL;

    if (self->uuid != NULL || self->name == NULL || !g_str_has_prefix(self->name, "mdev_"))
        return;
    uuid = g_strndup(self->name + strlen("mdev_"), 36);
    g_strdelimit(uuid, "_", '-');
    if (g_uuid_string_is_valid(uuid))
        self->uuid = g_ascii_strdown(uuid, -1);
}

static bool
parse_capability(const xmlNode *capability, FerryNodedev *self, GError **error)
{
    if (!parse_inner(capability, self, error) ||
        !parse_place(capability, "iommuGroup", "number", &self->iommu_group, error))
        return false;
    if (strcmp(self->capability, "pci") == 0)
        return parse_pci(capability, self, error);
    if (strcmp(self->capability, "mdev") == 0)
        return parse_mdev(capability, self, error);
    return true;
}

/* Without what only a document that libvirt wrote has: its names.  @ret_document: where they are */
static bool
parse_device(const char *xml, xmlDoc **ret_document, FerryNodedev **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    const xmlNode *root = NULL;
    const xmlNode *capability = NULL;
    g_autofree char *type = NULL;
    g_autoptr(FerryNodedev) self = NULL;

    if (!ferry_document_parse(xml, FERRY_NODEDEV_MAX_BYTES, "node device XML", "device", &document,
                              error))
        return false;
    root = xmlDocGetRootElement(document);
    capability = ferry_document_child(root, "capability");
    type = ferry_document_attribute(capability, "type");
    if (type == NULL || type[0] == '\0')
        return ferry_document_refuse(error, capability != NULL ? capability : root,
                                     "no capability: <capability type='…'>");
    self = ferry_nodedev_new(type);
    self->parent = child_text(root, "parent");
    if (!parse_capability(capability, self, error))
        return false;
    *ret_document = g_steal_pointer(&document);
    *ret = g_steal_pointer(&self);
    return true;
}

bool
ferry_nodedev_parse(const char *xml, FerryNodedev **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(FerryNodedev) self = NULL;
    const xmlNode *root = NULL;

    if (!parse_device(xml, &document, &self, error))
        return false;
    root = xmlDocGetRootElement(document);
    self->name = child_text(root, "name");
    self->path = child_text(root, "path");
    self->driver = child_text(ferry_document_child(root, "driver"), "name");
    if (strcmp(self->capability, "mdev") == 0)
        take_uuid_from_name(self);
    *ret = g_steal_pointer(&self);
    return true;
}

bool
ferry_nodedev_parse_create(const char *xml, FerryNodedev **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(FerryNodedev) self = NULL;
    const xmlNode *root = NULL;

    if (!parse_device(xml, &document, &self, error))
        return false;
    root = xmlDocGetRootElement(document);
    if (strcmp(self->capability, "mdev") != 0)
        return ferry_document_refuse(error, ferry_document_child(root, "capability"),
                                     "only an mdev can be created, and this is \"%s\"",
                                     self->capability);
    if (self->parent == NULL)
        return ferry_document_refuse(error, root, "the mdev's <parent> is missing");
    *ret = g_steal_pointer(&self);
    return true;
}
