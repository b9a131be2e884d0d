#include "xml/convert.h"

#include <string.h>

#include "xml/conversion.h"
#include "xml/document.h"
#include "xml/domain.h"

static void
note_free(void *data)
{
    FerryNote *note = data;

    g_free(note->text);
    g_free(note);
}

void
ferry_conversion_note(FerryConversion *self,
                      const xmlNode *node,
                      FerryNoteKind kind,
                      const char *format,
                      ...)
{
    FerryNote *note = g_new0(FerryNote, 1);
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    note->kind = kind;
    note->line = xmlGetLineNo(node);
    note->text = g_strdup_printf(
        "line %ld, <%s%s%s>: %s", note->line, node->ns != NULL ? (const char *)self->prefix : "",
        node->ns != NULL && self->prefix[0] != '\0' ? ":" : "", (const char *)node->name, what);
    g_ptr_array_add(self->notes, note);
}

char *
ferry_conversion_free_alias(FerryConversion *self, const char *wish)
{
    char *alias = g_strdup(wish);

    for (unsigned i = 0; g_hash_table_contains(self->aliases, alias); i++) {
        g_free(alias);
        alias = g_strdup_printf("ua-ferry%u", i);
    }
    g_hash_table_add(self->aliases, g_strdup(alias));
    return alias;
}

char *
ferry_conversion_alias(FerryConversion *self, const xmlNode *device)
{
    const xmlNode *element = ferry_document_child(device, "alias");
    g_autofree char *name = ferry_document_attribute(element, "name");
    g_autofree char *text = NULL;

    if (name != NULL && g_str_has_prefix(name, "ua-"))
        return g_steal_pointer(&name);
    if (g_hash_table_contains(self->given, device))
        return g_strdup(g_hash_table_lookup(self->given, device));
    if (element != NULL)
        ferry_splice_remove(self->splice, element);
    g_free(name);
    name = ferry_conversion_free_alias(self, "ua-ferry0");
    text = g_strdup_printf("<alias name='%s'/>", name);
    ferry_splice_append(self->splice, device, text);
    g_hash_table_insert(self->given, (void *)device, g_strdup(name));
    return g_steal_pointer(&name);
}

/* Returns: (transfer full): "; there are a, b and c" */
static char *
list_pools(const FerryConversion *self, unsigned kinds)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < self->host->n_pools; i++)
        if ((kinds & 1u << self->host->pools[i].kind) != 0)
            g_string_append_printf(text, "%s%s",
                                   text->len > 0 ? ", " : "there are: ", self->host->pools[i].name);
    return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE)
                         : g_strdup("there is none yet: see \"ferry pool define\"");
}

const FerryConvertPool *
ferry_conversion_pool(const FerryConversion *self,
                      const xmlNode *node,
                      const char *name,
                      unsigned kinds,
                      GError **error)
{
    static const char *const words[] = {
        [FERRY_CONVERT_MDEVS] = "mdevs",
        [FERRY_CONVERT_VFS] = "VFs alone",
        [FERRY_CONVERT_HYBRIDS] = "hybrids",
    };
    g_autofree char *others = list_pools(self, kinds);

    for (size_t i = 0; i < self->host->n_pools; i++) {
        const FerryConvertPool *pool = &self->host->pools[i];

        if (strcmp(pool->name, name) != 0)
            continue;
        if ((kinds & 1u << pool->kind) != 0)
            return pool;
        (void)ferry_document_refuse(error, node, "the pool %s is of %s, which this cannot use; %s",
                                    name, words[pool->kind], others);
        return NULL;
    }
    (void)ferry_document_refuse(error, node, "there is no pool %s; %s", name, others);
    return NULL;
}

GString *
ferry_conversion_element(const FerryConversion *self, const char *name)
{
    GString *element = g_string_new(NULL);

    g_string_printf(element, "<%s%s%s", self->prefix, self->prefix[0] != '\0' ? ":" : "", name);
    return element;
}

void
ferry_conversion_attribute(GString *element, const char *name, const char *value)
{
    g_autofree char *escaped = value != NULL ? g_markup_escape_text(value, -1) : NULL;

    if (value != NULL)
        g_string_append_printf(element, " %s='%s'", name, escaped);
}

void
ferry_conversion_add(FerryConversion *self, GString *element)
{
    if (!g_str_has_suffix(element->str, ">"))
        g_string_append(element, "/>");
    g_ptr_array_add(self->elements, g_string_free(element, FALSE));
}

static bool
is_mdev(const xmlNode *device)
{
    g_autofree char *type = ferry_document_attribute(device, "type");

    return ferry_document_is(device, "hostdev") && g_strcmp0(type, "mdev") == 0;
}

static bool
convert_device(FerryConversion *self, const xmlNode *device, GError **error)
{
    if (is_mdev(device) && !ferry_convert_mdev(self, device, error))
        return false;
    if (ferry_document_is(device, "interface") && !ferry_convert_interface(self, device, error))
        return false;
    return ferry_convert_ephemeral(self, device, error);
}

static void
collect_aliases(FerryConversion *self)
{
    for (const xmlNode *node = ferry_document_first(self->devices); node != NULL;
         node = ferry_document_next(node)) {
        char *name = ferry_document_attribute(ferry_document_child(node, "alias"), "name");

        if (name != NULL)
            g_hash_table_add(self->aliases, name);
    }
    for (guint i = 0; i < self->metadata->hybrids->len; i++) {
        const FerryHybridMeta *hybrid = g_ptr_array_index(self->metadata->hybrids, i);

        g_hash_table_add(self->aliases, g_strdup(hybrid->vf_alias));
    }
    for (guint i = 0; i < self->metadata->ephemerals->len; i++) {
        const FerryEphemeralMeta *ephemeral = g_ptr_array_index(self->metadata->ephemerals, i);

        g_hash_table_add(self->aliases, g_strdup(ephemeral->alias)); /* it may be off just now */
    }
}

/* Returns: (nullable): <ferry:guest> */
static const xmlNode *
find_guest(const xmlNode *domain)
{
    const xmlNode *node = ferry_document_first(ferry_document_child(domain, "metadata"));

    while (node != NULL && (node->ns == NULL ||
                            strcmp((const char *)node->ns->href, FERRY_METADATA_NAMESPACE) != 0))
        node = ferry_document_next(node);
    return node;
}

/* Returns: (transfer full): <ferry:guest> with all that is new in it, to be indented */
static char *
format_guest(const FerryConversion *self)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_printf(text, "<ferry:guest xmlns:ferry='%s'>", FERRY_METADATA_NAMESPACE);
    for (guint i = 0; i < self->elements->len; i++) {
        g_auto(GStrv) lines = g_strsplit(g_ptr_array_index(self->elements, i), "\n", -1);
        g_autofree char *indented = g_strjoinv("\n  ", lines);

        g_string_append_printf(text, "\n  %s", indented);
    }
    g_string_append(text, "\n</ferry:guest>");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Behind what libvirt itself writes before it, for people; the schema has no order. */
static const xmlNode *
place_of_metadata(const xmlNode *domain)
{
    static const char *const before[] = { "description", "title", "genid", "uuid", "name" };

    for (size_t i = 0; i < G_N_ELEMENTS(before); i++) {
        const xmlNode *node = ferry_document_child(domain, before[i]);

        if (node != NULL)
            return node;
    }
    return NULL;
}

static void
write_metadata(FerryConversion *self)
{
    const xmlNode *metadata = ferry_document_child(self->domain, "metadata");
    const xmlNode *guest = find_guest(self->domain);
    const xmlNode *before = place_of_metadata(self->domain);
    g_autofree char *text = format_guest(self);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char *indented = g_strjoinv("\n  ", lines);
    g_autofree char *whole = g_strdup_printf("<metadata>\n  %s\n</metadata>", indented);

    if (self->elements->len == 0)
        return;
    for (guint i = 0; guest != NULL && i < self->elements->len; i++)
        ferry_splice_append(self->splice, guest, g_ptr_array_index(self->elements, i));
    if (guest == NULL && metadata != NULL)
        ferry_splice_append(self->splice, metadata, text);
    else if (guest == NULL && before != NULL)
        ferry_splice_insert_after(self->splice, before, whole);
    else if (guest == NULL)
        ferry_splice_append(self->splice, self->domain, whole);
}

static void
write_controllers(FerryConversion *self)
{
    const GPtrArray *made = ferry_ports_made(self->ports);
    const xmlNode *last = NULL;

    for (const xmlNode *node = ferry_document_first(self->devices); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *type = ferry_document_attribute(node, "type");

        if (ferry_document_is(node, "controller") && g_strcmp0(type, "pci") == 0)
            last = node;
    }
    for (guint i = 0; i < made->len; i++) {
        if (last != NULL)
            ferry_splice_insert_after(self->splice, last, g_ptr_array_index(made, i));
        else
            ferry_splice_append(self->splice, self->devices, g_ptr_array_index(made, i));
    }
}

static bool
convert_all(FerryConversion *self, GError **error)
{
    if (!ferry_convert_check_metadata(self, error) || !ferry_convert_check_devices(self, error))
        return false;
    for (const xmlNode *node = ferry_document_first(self->devices); node != NULL;
         node = ferry_document_next(node))
        if (!convert_device(self, node, error))
            return false;
    write_metadata(self);
    write_controllers(self);
    return true;
}

static void
conversion_clear(FerryConversion *self)
{
    ferry_splice_free(self->splice);
    ferry_metadata_free(self->metadata);
    ferry_ports_free(self->ports);
    g_clear_pointer(&self->aliases, g_hash_table_unref);
    g_clear_pointer(&self->given, g_hash_table_unref);
    g_clear_pointer(&self->elements, g_ptr_array_unref);
    g_clear_pointer(&self->notes, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryConversion, conversion_clear)

bool
ferry_convert_domain(const char *xml,
                     const FerryConvertHost *host,
                     char **ret,
                     GPtrArray **ret_notes,
                     GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_auto(FerryConversion) self = { .host = host, .prefix = "ferry" };
    const xmlNode *guest = NULL;

    if (!ferry_document_parse(xml, FERRY_DOMAIN_MAX_BYTES, "domain XML", "domain", &document,
                              error))
        return false;
    self.domain = xmlDocGetRootElement(document);
    self.devices = ferry_document_child(self.domain, "devices");
    self.splice = ferry_splice_new(xml, document, error);
    if (self.splice == NULL || !ferry_metadata_parse(self.domain, &self.metadata, error))
        return false;
    guest = find_guest(self.domain);
    if (guest != NULL)
        self.prefix = guest->ns->prefix != NULL ? (const char *)guest->ns->prefix : "";
    self.ports = ferry_ports_new(self.domain);
    self.aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self.given = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    self.elements = g_ptr_array_new_with_free_func(g_free);
    self.notes = g_ptr_array_new_with_free_func(note_free);
    collect_aliases(&self);
    if (!convert_all(&self, error))
        return false;
    *ret = ferry_splice_finish(self.splice);
    *ret_notes = g_steal_pointer(&self.notes);
    return true;
}
