/*
 * Edits work on the text's own tree, so that everything ferry has no name for stays as it was:
 * libvirt compares the source's domain with the target's (ABI check), other programs' metadata and
 * qemu:commandline must arrive.
 */
#include "xml/edit.h"

#include <string.h>

#include "base/error.h"
#include "xml/document.h"
#include "xml/domain.h"
#include "xml/splice.h"

static bool
open_domain(const char *xml, xmlDoc **ret, GError **error)
{
    return ferry_document_parse(xml, FERRY_DOMAIN_MAX_BYTES, "domain XML", "domain", ret, error);
}

static char *
close_domain(const xmlDoc *document)
{
    return ferry_document_format(xmlDocGetRootElement((xmlDoc *)document));
}

static xmlNode *
find_device(const xmlDoc *document, const char *alias)
{
    const xmlNode *devices =
        ferry_document_child(xmlDocGetRootElement((xmlDoc *)document), "devices");

    for (xmlNode *node = ferry_document_first(devices); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *name =
            ferry_document_attribute(ferry_document_child(node, "alias"), "name");

        if (g_strcmp0(name, alias) == 0)
            return node;
    }
    return NULL;
}

/* With the white space before it, so that no empty line stays. */
static void
remove_node(xmlNode *node)
{
    xmlNode *before = node->prev;

    if (before != NULL && xmlIsBlankNode(before)) {
        xmlUnlinkNode(before);
        xmlFreeNode(before);
    }
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

bool
ferry_domain_xml_without(const char *xml, const char *const *aliases, char **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;

    if (!open_domain(xml, &document, error))
        return false;
    for (; *aliases != NULL; aliases++) {
        xmlNode *node = find_device(document, *aliases);

        if (node != NULL)
            remove_node(node);
    }
    *ret = close_domain(document);
    return true;
}

/* Where each kind of edit finds its place: on which device, in which element and attribute. */
static const struct {
    const char *article;
    const char *device;
    const char *type;
    const char *within;    /* (nullable) of <source>; NULL is <source> itself */
    const char *attribute; /* NULL: the four of a PCI address */
} places[] = {
    [FERRY_EDIT_SOURCE_DEV] = { "an", "interface", "direct", NULL, "dev" },
    [FERRY_EDIT_MDEV_UUID] = { "a", "hostdev", "mdev", "address", "uuid" },
    [FERRY_EDIT_PCI_ADDRESS] = { "a", "hostdev", "pci", "address", NULL },
};
G_STATIC_ASSERT(G_N_ELEMENTS(places) == FERRY_EDIT_N_KINDS);

/* A VF is plugged as a hostdev, or as an interface that libvirt sets a MAC on. */
static bool
is_place(const xmlNode *node, FerryEditKind kind)
{
    g_autofree char *type = ferry_document_attribute(node, "type");

    if (kind == FERRY_EDIT_PCI_ADDRESS && ferry_document_is(node, "interface"))
        return g_strcmp0(type, "hostdev") == 0;
    return ferry_document_is(node, places[kind].device) && g_strcmp0(type, places[kind].type) == 0;
}

static bool
set_address(xmlNode *place, const FerryEdit *edit, GError **error)
{
    static const char *const parts[] = { "domain", "bus", "slot", "function" };
    g_auto(GStrv) values = g_strsplit_set(edit->value, ":.", -1);

    if (g_strv_length(values) != G_N_ELEMENTS(parts)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "%s: \"%s\" is not a PCI address (0000:03:10.2)", edit->alias, edit->value);
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *value = g_strconcat("0x", values[i], NULL);

        (void)xmlSetProp(place, (const xmlChar *)parts[i], (const xmlChar *)value);
    }
    return true;
}

static bool
apply(xmlDoc *document, const FerryEdit *edit, GError **error)
{
    xmlNode *node = find_device(document, edit->alias);
    xmlNode *place = NULL;

    if (node == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "no device has the alias %s",
                    edit->alias);
        return false;
    }
    place = ferry_document_child(node, "source");
    if (places[edit->kind].within != NULL)
        place = ferry_document_child(place, places[edit->kind].within);
    if (!is_place(node, edit->kind) || place == NULL)
        return ferry_document_refuse(error, node, "%s is not %s <%s type='%s'> with a source",
                                     edit->alias, places[edit->kind].article,
                                     places[edit->kind].device, places[edit->kind].type);
    if (places[edit->kind].attribute == NULL)
        return set_address(place, edit, error);
    (void)xmlSetProp(place, (const xmlChar *)places[edit->kind].attribute,
                     (const xmlChar *)edit->value);
    return true;
}

bool
ferry_domain_xml_for_target(const char *xml,
                            const FerryEdit *edits,
                            size_t n_edits,
                            char **ret,
                            GError **error)
{
    g_autoptr(xmlDoc) document = NULL;

    if (!open_domain(xml, &document, error))
        return false;
    for (size_t i = 0; i < n_edits; i++)
        if (!apply(document, &edits[i], error))
            return false;
    *ret = close_domain(document);
    return true;
}

/* ---- changes that leave the rest of the text as it is ---- */

/* What virDomainAttachDeviceFlags takes, but for what is part of the board. */
static const char *const addable[] = { "disk",    "interface",  "hostdev",  "input", "filesystem",
                                       "channel", "rng",        "memory",   "shmem", "redirdev",
                                       "vsock",   "controller", "watchdog", "tpm" };

static bool
check_device(const char *text, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autofree char *whole = g_strconcat("<device>", text, "</device>", NULL);
    const xmlNode *device = NULL;

    if (!ferry_document_parse(whole, FERRY_DOMAIN_MAX_BYTES, "the device's XML", "device",
                              &document, error))
        return false;
    device = ferry_document_first(xmlDocGetRootElement(document));
    for (size_t i = 0; device != NULL && i < G_N_ELEMENTS(addable); i++)
        if (ferry_document_is(device, addable[i]) && ferry_document_next(device) == NULL)
            return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "the device's XML has to be one element like <hostdev> or <interface>, and is %s%s",
                device == NULL ? "none" : "not: it begins with ",
                device == NULL ? "" : (const char *)device->name);
    return false;
}

/* A declaration or comments before the element do not belong into a guest. */
static const char *
skip_prolog(const char *text)
{
    for (const char *end = ""; end != NULL;) {
        text += strspn(text, " \t\r\n\xEF\xBB\xBF");
        end = NULL;
        if (g_str_has_prefix(text, "<?") && (end = strstr(text, "?>")) != NULL)
            text = end + 2;
        else if (g_str_has_prefix(text, "<!--") && (end = strstr(text, "-->")) != NULL)
            text = end + 3;
    }
    return text;
}

bool
ferry_domain_xml_with(const char *xml, const char *device, char **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(FerrySplice) splice = NULL;
    g_autofree char *text = g_strdup(skip_prolog(device));
    const xmlNode *devices = NULL;

    if (!check_device(g_strchomp(text), error) || !open_domain(xml, &document, error))
        return false;
    devices = ferry_document_child(xmlDocGetRootElement(document), "devices");
    if (devices == NULL)
        return ferry_document_refuse(error, xmlDocGetRootElement(document),
                                     "there are no <devices> to add one to");
    splice = ferry_splice_new(xml, document, error);
    if (splice == NULL)
        return false;
    ferry_splice_append(splice, devices, text);
    *ret = ferry_splice_finish(splice);
    return true;
}

/* Returns: (transfer full): "ua-gpu0, ua-net0" */
static char *
list_aliases(const xmlDoc *document)
{
    const xmlNode *devices =
        ferry_document_child(xmlDocGetRootElement((xmlDoc *)document), "devices");
    g_autoptr(GString) list = g_string_new(NULL);

    for (xmlNode *node = ferry_document_first(devices); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *name =
            ferry_document_attribute(ferry_document_child(node, "alias"), "name");

        if (name != NULL)
            g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", name);
    }
    return g_string_free(g_steal_pointer(&list), FALSE);
}

bool
ferry_domain_xml_mark_ephemeral(const char *xml, const char *alias, char **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(FerrySplice) splice = NULL;
    const xmlNode *node = NULL;

    if (!open_domain(xml, &document, error))
        return false;
    node = find_device(document, alias);
    if (node == NULL) {
        g_autofree char *list = list_aliases(document);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "no device of the guest's definition has the alias %s; %s%s", alias,
                    list[0] != '\0'
                        ? "there are: "
                        : "none has any: \"virsh edit\" gives it one, beginning with ua-",
                    list);
        return false;
    }
    splice = ferry_splice_new(xml, document, error);
    if (splice == NULL)
        return false;
    ferry_splice_set(splice, node, "ephemeral", "yes");
    *ret = ferry_splice_finish(splice);
    return true;
}

bool
ferry_domain_xml_name(const char *xml, char **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autofree char *name = NULL;

    if (!open_domain(xml, &document, error))
        return false;
    name = ferry_document_text(ferry_document_child(xmlDocGetRootElement(document), "name"));
    if (name == NULL || name[0] == '\0')
        return ferry_document_refuse(error, xmlDocGetRootElement(document),
                                     "the guest has no name: write <name>");
    *ret = g_steal_pointer(&name);
    return true;
}
