/*
 * Mediated devices: libvirt's own form names one by UUID, and somebody has to make it before.  The
 * proposals of 2017 and 2018 name a parent and a type instead, or beside it the facts that are
 * expected of it.  In libvirt 11.3 "managed" is accepted here and means nothing, so it is the
 * elements in <source> that make the older form.
 */
#include <stdio.h>
#include <string.h>

#include "xml/address.h"
#include "xml/conversion.h"
#include "xml/document.h"

/* What an older form has in its <source>. */
typedef struct {
    char *uuid; /* (nullable) */
    char *parent;
    char *pool;
    char *type; /* <type id=> or <mdevtype> */
    char *vendor;
    char *product;
    GPtrArray *attrs;    /* of const xmlNode * */
    GPtrArray *elements; /* of const xmlNode *: all that is not libvirt's */
} Source;

static void
source_clear(Source *self)
{
    g_free(self->uuid);
    g_free(self->parent);
    g_free(self->pool);
    g_free(self->type);
    g_free(self->vendor);
    g_free(self->product);
    g_clear_pointer(&self->attrs, g_ptr_array_unref);
    g_clear_pointer(&self->elements, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

/* libvirt's and mdevctl's "pci_0000_41_00_0" is the kernel's "0000:41:00.0". */
static char *
kernel_name(const char *name)
{
    unsigned domain = 0, bus = 0, slot = 0, function = 0;
    char more = '\0';

    if (strcmp(name, "ap_matrix") == 0)
        return g_strdup("matrix");
    if (sscanf(name, "pci_%4x_%2x_%2x_%1x%c", &domain, &bus, &slot, &function, &more) == 4)
        return g_strdup_printf("%04x:%02x:%02x.%x", domain, bus, slot, function);
    if (sscanf(name, "css_%2x_%1x_%4x%c", &bus, &slot, &function, &more) == 3)
        return g_strdup_printf("%x.%x.%04x", bus, slot, function);
    return g_strdup(name);
}

static bool
take_parent(Source *self, const xmlNode *node, GError **error)
{
    const xmlNode *address = ferry_document_child(node, "address");
    g_autofree char *name = ferry_document_text(node);

    if (address != NULL)
        return ferry_address_parse(address, &self->parent, error);
    if (name[0] == '\0' || strchr(name, '/') != NULL)
        return ferry_document_refuse(error, node,
                                     "name the parent, as \"ferry device list\" does, or give its "
                                     "<address domain='…' bus='…' slot='…' function='…'/>");
    self->parent = g_steal_pointer(&name);
    return true;
}

static bool
take_type(Source *self, const xmlNode *node, GError **error)
{
    const bool is_new = ferry_document_is(node, "type");
    g_autofree char *type =
        is_new ? ferry_document_attribute(node, "id") : ferry_document_text(node);

    if (type == NULL || type[0] == '\0')
        return ferry_document_refuse(error, node, "name the type: %s",
                                     is_new ? "<type id='…'/>" : "<mdevtype>…</mdevtype>");
    if (self->type != NULL && strcmp(self->type, type) != 0)
        return ferry_document_refuse(error, node, "the type is %s, but %s stands here too",
                                     self->type, type);
    g_free(self->type);
    self->type = g_steal_pointer(&type);
    return true;
}

static bool
take_text(const xmlNode *node, char **ret, GError **error)
{
    *ret = ferry_document_text(node);
    return (*ret)[0] != '\0' || ferry_document_refuse(error, node, "it is empty");
}

static bool
take_pool(Source *self, const xmlNode *node, GError **error)
{
    return take_text(node, &self->pool, error);
}

static bool
take_vendor(Source *self, const xmlNode *node, GError **error)
{
    return take_text(node, &self->vendor, error);
}

static bool
take_product(Source *self, const xmlNode *node, GError **error)
{
    return take_text(node, &self->product, error);
}

static bool
take_attr(Source *self, const xmlNode *node, GError **error)
{
    g_autofree char *name = ferry_document_attribute(node, "name");
    g_autofree char *value = ferry_document_attribute(node, "value");

    if (name == NULL || name[0] == '\0' || value == NULL || value[0] == '\0')
        return ferry_document_refuse(error, node, "an attribute has a name and a value");
    g_ptr_array_add(self->attrs, (void *)node);
    return true;
}

/* clang-format off */
static const struct {
    const char *name;
    enum { ONCE, OFTEN } times;
    bool (*take)(Source *self, const xmlNode *node, GError **error);
} elements[] = {
    { "parent",    ONCE,  take_parent  },
    { "pool",      ONCE,  take_pool    },
    { "type",      ONCE,  take_type    },
    { "attr",      OFTEN, take_attr    },
    { "mdevtype",  ONCE,  take_type    },
    { "vendorid",  ONCE,  take_vendor  },
    { "productid", ONCE,  take_product },
};
/* clang-format on */

static bool
take_element(Source *self, const xmlNode *node, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        if (!ferry_document_is(node, elements[i].name))
            continue;
        for (guint j = 0; elements[i].times == ONCE && j < self->elements->len; j++)
            if (ferry_document_is(g_ptr_array_index(self->elements, j), elements[i].name))
                return ferry_document_refuse(error, node, "it is there twice: take one out");
        g_ptr_array_add(self->elements, (void *)node);
        return elements[i].take(self, node, error);
    }
    return true; /* somebody else's: libvirt passes over it, and so do we */
}

static bool
read_source(const xmlNode *device, Source *self, GError **error)
{
    const xmlNode *source = ferry_document_child(device, "source");

    self->attrs = g_ptr_array_new();
    self->elements = g_ptr_array_new();
    self->uuid = ferry_document_attribute(ferry_document_child(source, "address"), "uuid");
    for (const xmlNode *node = ferry_document_first(source); node != NULL;
         node = ferry_document_next(node))
        if (!take_element(self, node, error))
            return false;
    return true;
}

static bool
check_managed(const xmlNode *device, const Source *source, GError **error)
{
    if (source->type == NULL)
        return ferry_document_refuse(error, device,
                                     "a managed mdev needs its type, <type id='…'/> in <source>: "
                                     "ferry does not choose one; see \"ferry mdev types\"");
    if ((source->pool == NULL) == (source->parent == NULL))
        return ferry_document_refuse(
            error, device,
            "a managed mdev needs a parent or a pool, exactly one of <parent> and "
            "<pool> in <source>");
    return true;
}

static bool
check_facts(const xmlNode *device, const Source *source, GError **error)
{
    if (source->parent != NULL || source->pool != NULL || source->attrs->len > 0)
        return ferry_document_refuse(error, device,
                                     "only a managed mdev is made by ferry: write managed='yes', "
                                     "or take <parent>, <pool> and <attr> out");
    if (source->type == NULL)
        return ferry_document_refuse(
            error, device,
            "<vendorid> and <productid> are compared along with the type: add "
            "<mdevtype>");
    if (source->uuid == NULL)
        return ferry_document_refuse(error, device,
                                     "who makes this mdev?  Name it by UUID, <address uuid='…'/>, "
                                     "or write managed='yes' with <parent> and <type>");
    return true;
}

static bool
check_address(const xmlNode *device, const Source *source, GError **error)
{
    const xmlNode *address =
        ferry_document_child(ferry_document_child(device, "source"), "address");

    if (source->uuid == NULL && address != NULL)
        return ferry_document_refuse(
            error, address,
            "an mdev has no PCI address on the host: name it by UUID, or write "
            "managed='yes' with <parent> and <type>");
    return true;
}

/* libvirt's own form is libvirt's to judge, but for what it would say without line and element. */
static bool
check_plain(const xmlNode *device, const Source *source, GError **error)
{
    if (source->uuid == NULL)
        return ferry_document_refuse(
            error, device,
            "an mdev is named by its UUID, <source><address uuid='…'/></source>, or "
            "managed='yes' with <parent> and <type> in <source>");
    return true;
}

static void
add_attrs(const FerryConversion *self, const Source *source, GString *element)
{
    if (source->attrs->len == 0)
        return;
    g_string_append_c(element, '>');
    for (guint i = 0; i < source->attrs->len; i++) {
        const xmlNode *node = g_ptr_array_index(source->attrs, i);
        g_autofree char *name = ferry_document_attribute(node, "name");
        g_autofree char *value = ferry_document_attribute(node, "value");
        GString *attr = ferry_conversion_element(self, "attr");

        ferry_conversion_attribute(attr, "name", name);
        ferry_conversion_attribute(attr, "value", value);
        g_string_append_printf(element, "\n  %s/>", attr->str);
        (void)g_string_free(attr, TRUE);
    }
    g_string_append_printf(element, "\n</%s%smdev>", self->prefix,
                           self->prefix[0] != '\0' ? ":" : "");
}

static void
add_metadata(FerryConversion *self, const Source *source, const char *alias, const char *managed)
{
    GString *element = ferry_conversion_element(self, "mdev");

    ferry_conversion_attribute(element, "alias", alias);
    ferry_conversion_attribute(element, "type", source->type);
    ferry_conversion_attribute(element, "pool", source->pool);
    ferry_conversion_attribute(element, "parent", source->parent);
    ferry_conversion_attribute(element, "managed", managed);
    ferry_conversion_attribute(element, "vendor-id", source->vendor);
    ferry_conversion_attribute(element, "product-id", source->product);
    add_attrs(self, source, element);
    ferry_conversion_add(self, element);
}

/* The parent's name becomes the kernel's; one that is not there now may come at boot. */
static void
settle_parent(FerryConversion *self, const xmlNode *device, Source *source)
{
    g_autofree char *written = g_steal_pointer(&source->parent);

    source->parent = self->host->find_parent(self->host->data, written);
    if (source->parent == NULL) {
        source->parent = kernel_name(written);
        ferry_conversion_note(self, device, FERRY_NOTE_WARNING,
                              "this host has no parent %s now: the guest can only start once it is "
                              "there",
                              source->parent);
    } else if (self->host->has_type(self->host->data, source->parent, source->type) ==
               FERRY_CONVERT_NO) {
        ferry_conversion_note(self, device, FERRY_NOTE_WARNING,
                              "the parent %s does not offer the type %s now: the guest can only "
                              "start once it does",
                              source->parent, source->type);
    }
}

static void
write_libvirt_form(FerryConversion *self, const xmlNode *device, Source *source)
{
    for (guint i = 0; i < source->elements->len; i++)
        ferry_splice_remove(self->splice, g_ptr_array_index(source->elements, i));
    if (source->uuid == NULL) {
        g_autofree char *address = NULL;

        source->uuid = self->host->clock->uuid(self->host->clock);
        address = g_strdup_printf("<address uuid='%s'/>", source->uuid);
        ferry_splice_append(self->splice, ferry_document_child(device, "source"), address);
    }
}

static bool
convert_managed(FerryConversion *self, const xmlNode *device, Source *source, GError **error)
{
    g_autofree char *alias = NULL;

    if (!check_managed(device, source, error))
        return false;
    if (source->pool != NULL &&
        ferry_conversion_pool(self, device, source->pool, 1u << FERRY_CONVERT_MDEVS, error) == NULL)
        return false;
    if (source->parent != NULL)
        settle_parent(self, device, source);
    alias = ferry_conversion_alias(self, device);
    ferry_splice_set(self->splice, device, "managed", NULL);
    write_libvirt_form(self, device, source);
    add_metadata(self, source, alias, "yes");
    ferry_conversion_note(self, device, FERRY_NOTE_CHANGED,
                          "turned the managed mdev into %s with UUID %s; ferry makes it at start, "
                          "of type %s %s %s",
                          alias, source->uuid, source->type,
                          source->pool != NULL ? "from the pool" : "at",
                          source->pool != NULL ? source->pool : source->parent);
    return true;
}

static bool
convert_facts(FerryConversion *self, const xmlNode *device, Source *source, GError **error)
{
    g_autofree char *alias = NULL;

    if (!check_facts(device, source, error))
        return false;
    alias = ferry_conversion_alias(self, device);
    write_libvirt_form(self, device, source);
    add_metadata(self, source, alias, NULL);
    ferry_conversion_note(self, device, FERRY_NOTE_CHANGED,
                          "kept type %s, vendor %s and product %s of %s as expected facts, which a "
                          "check compares",
                          source->type, source->vendor != NULL ? source->vendor : "-",
                          source->product != NULL ? source->product : "-", alias);
    return true;
}

/* Its alias may have facts or a maker in ferry's metadata already. */
static bool
check_is_new(const FerryConversion *self, const xmlNode *device, GError **error)
{
    g_autofree char *alias =
        ferry_document_attribute(ferry_document_child(device, "alias"), "name");

    for (guint i = 0; i < self->metadata->mdevs->len; i++) {
        const FerryMdevMeta *mdev = g_ptr_array_index(self->metadata->mdevs, i);

        if (g_strcmp0(mdev->alias, alias) == 0)
            return ferry_document_refuse(error, device,
                                         "ferry's metadata says of %s already how it is made: take "
                                         "one of the two out",
                                         alias);
    }
    return true;
}

bool
ferry_convert_mdev(FerryConversion *self, const xmlNode *device, GError **error)
{
    g_autofree char *model = ferry_document_attribute(device, "model");
    g_autofree char *managed = ferry_document_attribute(device, "managed");
    g_auto(Source) source = { 0 };

    if (model == NULL)
        return ferry_document_refuse(error, device,
                                     "the attribute model is missing: vfio-pci, vfio-ccw or "
                                     "vfio-ap");
    if (!read_source(device, &source, error) || !check_address(device, &source, error))
        return false;
    if (source.elements->len == 0)
        return check_plain(device, &source, error);
    if (!check_is_new(self, device, error))
        return false;
    return g_strcmp0(managed, "yes") == 0 ? convert_managed(self, device, &source, error)
                                          : convert_facts(self, device, &source, error);
}
