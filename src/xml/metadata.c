/*
 * ferry's metadata is read strictly, unlike the rest of a domain XML: libvirt keeps it word for
 * word and checks nothing in it, so a misspelt attribute would lose its meaning unnoticed.
 */
#include "xml/metadata.h"

#include <string.h>

#include "xml/document.h"

static void
attr_free(void *data)
{
    FerryMetaAttr *self = data;

    g_free(self->name);
    g_free(self->value);
    g_free(self);
}

static void
mdev_free(void *data)
{
    FerryMdevMeta *self = data;

    g_free(self->alias);
    g_free(self->type);
    g_free(self->pool);
    g_free(self->parent);
    g_free(self->vendor_id);
    g_free(self->product_id);
    g_clear_pointer(&self->attrs, g_ptr_array_unref);
    g_free(self);
}

static void
hybrid_free(void *data)
{
    FerryHybridMeta *self = data;

    g_free(self->alias);
    g_free(self->pool);
    g_free(self->vf_alias);
    g_free(self->vf_address);
    g_free(self);
}

static void
ephemeral_free(void *data)
{
    FerryEphemeralMeta *self = data;

    g_free(self->alias);
    g_free(self->pool);
    g_free(self);
}

void
ferry_metadata_free(FerryMetadata *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->mdevs);
    g_ptr_array_unref(self->hybrids);
    g_ptr_array_unref(self->ephemerals);
    g_free(self);
}

static FerryMetadata *
metadata_new(void)
{
    FerryMetadata *self = g_new0(FerryMetadata, 1);

    self->mdevs = g_ptr_array_new_with_free_func(mdev_free);
    self->hybrids = g_ptr_array_new_with_free_func(hybrid_free);
    self->ephemerals = g_ptr_array_new_with_free_func(ephemeral_free);
    return self;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryMetaAttr, attr_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryMdevMeta, mdev_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryHybridMeta, hybrid_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryEphemeralMeta, ephemeral_free)

/* One attribute that an element may have, and where its value goes. */
typedef struct {
    const char *name;
    enum { OPTIONAL, REQUIRED } need;
    char **value;
} AttributeRow;

static bool
is_ours(const xmlNode *node)
{
    return node->ns != NULL &&
           xmlStrEqual(node->ns->href, (const xmlChar *)FERRY_METADATA_NAMESPACE);
}

static bool
take_attribute(const xmlNode *node,
               const xmlAttr *attribute,
               const AttributeRow *rows,
               GError **error)
{
    for (const AttributeRow *row = rows; row->name != NULL; row++) {
        if (attribute->ns != NULL || !xmlStrEqual(attribute->name, (const xmlChar *)row->name))
            continue;
        *row->value = ferry_document_attribute(node, row->name);
        if ((*row->value)[0] == '\0')
            return ferry_document_refuse(error, node, "%s is empty", row->name);
        return true;
    }
    return ferry_document_refuse(error, node, "ferry knows no attribute \"%s\" here",
                                 (const char *)attribute->name);
}

/* @rows ends with a row without a name; XML itself forbids the same attribute twice. */
static bool
take_attributes(const xmlNode *node, const AttributeRow *rows, GError **error)
{
    for (const xmlAttr *attribute = node->properties; attribute != NULL;
         attribute = attribute->next)
        if (!take_attribute(node, attribute, rows, error))
            return false;
    for (const AttributeRow *row = rows; row->name != NULL; row++)
        if (row->need == REQUIRED && *row->value == NULL)
            return ferry_document_refuse(error, node, "the attribute %s is missing", row->name);
    return true;
}

static bool
refuse_children(const xmlNode *node, GError **error)
{
    const xmlNode *child = ferry_document_first(node);

    return child == NULL || ferry_document_refuse(error, child, "ferry knows no such element here");
}

static bool
parse_attr(const xmlNode *node, GPtrArray *attrs, GError **error)
{
    g_autoptr(FerryMetaAttr) attr = g_new0(FerryMetaAttr, 1);
    const AttributeRow rows[] = {
        { "name", REQUIRED, &attr->name },
        { "value", REQUIRED, &attr->value },
        { NULL, OPTIONAL, NULL },
    };

    if (!is_ours(node) || strcmp((const char *)node->name, "attr") != 0)
        return ferry_document_refuse(error, node, "ferry knows no such element here");
    if (!take_attributes(node, rows, error) || !refuse_children(node, error))
        return false;
    g_ptr_array_add(attrs, g_steal_pointer(&attr));
    return true;
}

/* A word of two, as libvirt's own attributes have them. */
static bool
take_choice(const xmlNode *node,
            const char *name,
            const char *value,
            const char *const words[2],
            bool *ret,
            GError **error)
{
    if (value != NULL && strcmp(value, words[0]) != 0 && strcmp(value, words[1]) != 0)
        return ferry_document_refuse(error, node, "%s is \"%s\", it can be %s or %s", name, value,
                                     words[0], words[1]);
    *ret = value != NULL && strcmp(value, words[1]) == 0;
    return true;
}

/* examples README: exactly one of pool and parent when managed, neither when somebody else makes
 * it. */
static bool
check_mdev_place(const xmlNode *node, const FerryMdevMeta *mdev, GError **error)
{
    if (mdev->managed && (mdev->pool == NULL) == (mdev->parent == NULL))
        return ferry_document_refuse(
            error, node, "a managed mdev needs a pool or a parent, exactly one of them");
    if (!mdev->managed && (mdev->pool != NULL || mdev->parent != NULL))
        return ferry_document_refuse(
            error, node,
            "pool and parent are for managed='yes' only: without it somebody else makes the mdev");
    if (!mdev->managed && mdev->attrs->len > 0)
        return ferry_document_refuse(
            error, node,
            "attributes are for managed='yes' only: without it somebody else makes the mdev");
    return true;
}

static bool
parse_mdev(const xmlNode *node, FerryMetadata *self, GError **error)
{
    static const char *const no_yes[] = { "no", "yes" };
    g_autoptr(FerryMdevMeta) mdev = g_new0(FerryMdevMeta, 1);
    g_autofree char *managed = NULL;
    const AttributeRow rows[] = {
        { "alias", REQUIRED, &mdev->alias },
        { "type", REQUIRED, &mdev->type },
        { "pool", OPTIONAL, &mdev->pool },
        { "parent", OPTIONAL, &mdev->parent },
        { "managed", OPTIONAL, &managed },
        { "vendor-id", OPTIONAL, &mdev->vendor_id },
        { "product-id", OPTIONAL, &mdev->product_id },
        { NULL, OPTIONAL, NULL },
    };

    mdev->attrs = g_ptr_array_new_with_free_func(attr_free);
    if (!take_attributes(node, rows, error) ||
        !take_choice(node, "managed", managed, no_yes, &mdev->managed, error))
        return false;
    for (const xmlNode *child = ferry_document_first(node); child != NULL;
         child = ferry_document_next(child))
        if (!parse_attr(child, mdev->attrs, error))
            return false;
    if (!check_mdev_place(node, mdev, error))
        return false;
    g_ptr_array_add(self->mdevs, g_steal_pointer(&mdev));
    return true;
}

static bool
parse_hybrid(const xmlNode *node, FerryMetadata *self, GError **error)
{
    static const char *const words[] = { "refuse", "degrade" };
    g_autoptr(FerryHybridMeta) hybrid = g_new0(FerryHybridMeta, 1);
    g_autofree char *on_no_vf = NULL;
    bool degrade = false;
    const AttributeRow rows[] = {
        { "alias", REQUIRED, &hybrid->alias },
        { "pool", REQUIRED, &hybrid->pool },
        { "vf-alias", REQUIRED, &hybrid->vf_alias },
        { "vf-address", REQUIRED, &hybrid->vf_address },
        { "on-no-vf", OPTIONAL, &on_no_vf },
        { NULL, OPTIONAL, NULL },
    };

    if (!take_attributes(node, rows, error) || !refuse_children(node, error) ||
        !take_choice(node, "on-no-vf", on_no_vf, words, &degrade, error))
        return false;
    hybrid->on_no_vf = degrade ? FERRY_NO_VF_DEGRADE : FERRY_NO_VF_REFUSE;
    g_ptr_array_add(self->hybrids, g_steal_pointer(&hybrid));
    return true;
}

static bool
parse_ephemeral(const xmlNode *node, FerryMetadata *self, GError **error)
{
    g_autoptr(FerryEphemeralMeta) ephemeral = g_new0(FerryEphemeralMeta, 1);
    const AttributeRow rows[] = {
        { "alias", REQUIRED, &ephemeral->alias },
        { "pool", OPTIONAL, &ephemeral->pool },
        { NULL, OPTIONAL, NULL },
    };

    if (!take_attributes(node, rows, error) || !refuse_children(node, error))
        return false;
    g_ptr_array_add(self->ephemerals, g_steal_pointer(&ephemeral));
    return true;
}

static const struct {
    const char *name;
    bool (*parse)(const xmlNode *node, FerryMetadata *self, GError **error);
} elements[] = {
    { "mdev", parse_mdev },
    { "hybrid", parse_hybrid },
    { "ephemeral", parse_ephemeral },
};

static bool
parse_element(const xmlNode *node, FerryMetadata *self, GError **error)
{
    for (size_t i = 0; is_ours(node) && i < G_N_ELEMENTS(elements); i++)
        if (strcmp((const char *)node->name, elements[i].name) == 0)
            return elements[i].parse(node, self, error);
    return ferry_document_refuse(error, node, "ferry knows no such element here");
}

/* An mdev may be ephemeral too, but two elements of one kind would say two things of one device. */
static bool
parse_elements(const xmlNode *guest, FerryMetadata *self, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (const xmlNode *node = ferry_document_first(guest); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *alias = NULL;
        g_autofree char *key = NULL;

        if (!parse_element(node, self, error))
            return false;
        alias = ferry_document_attribute(node, "alias");
        key = g_strconcat((const char *)node->name, " ", alias, NULL);
        if (!g_hash_table_add(seen, g_steal_pointer(&key)))
            return ferry_document_refuse(error, node, "there is one for the alias %s already",
                                         alias);
    }
    return true;
}

bool
ferry_metadata_parse(const xmlNode *domain, FerryMetadata **ret, GError **error)
{
    g_autoptr(FerryMetadata) self = metadata_new();
    const AttributeRow no_attributes[] = { { NULL, OPTIONAL, NULL } };
    bool seen = false;

    for (const xmlNode *node = ferry_document_first(ferry_document_child(domain, "metadata"));
         node != NULL; node = ferry_document_next(node)) {
        if (!is_ours(node))
            continue;
        if (strcmp((const char *)node->name, "guest") != 0)
            return ferry_document_refuse(error, node, "ferry knows only <guest> here");
        if (seen)
            return ferry_document_refuse(error, node, "ferry's metadata is there twice");
        if (!take_attributes(node, no_attributes, error) || !parse_elements(node, self, error))
            return false;
        seen = true;
    }
    *ret = g_steal_pointer(&self);
    return true;
}

bool
ferry_metadata_is_ephemeral(const FerryMetadata *self, const char *alias)
{
    for (size_t i = 0; i < self->ephemerals->len; i++) {
        const FerryEphemeralMeta *ephemeral = g_ptr_array_index(self->ephemerals, i);

        if (strcmp(ephemeral->alias, alias) == 0)
            return true;
    }
    return false;
}
