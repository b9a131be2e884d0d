/*
 * libvirt keeps only what it knows of a domain XML, so what is read here is what it wrote itself,
 * or what a user or a peer claims it did.  Elements that ferry has no use for are skipped; what is
 * used is checked.  Three rules are ours, for libvirt 11.3 lets all pass: one alias names one
 * device, one mdev UUID stands in one device, and both halves of a teaming pair are there, with one
 * MAC.
 */
#include "xml/domain.h"

#include <string.h>

#include "base/error.h"
#include "xml/document.h"

void
ferry_domain_free(FerryDomain *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->uuid);
    g_free(self->type);
    g_free(self->arch);
    g_free(self->machine);
    g_free(self->emulator);
    g_free(self->loader);
    g_free(self->nvram);
    g_free(self->nvram_template);
    g_ptr_array_unref(self->kernel_files);
    g_free(self->tpm_state);
    g_free(self->cpu_xml);
    g_clear_pointer(&self->disks, g_ptr_array_unref);
    g_clear_pointer(&self->devices, g_ptr_array_unref);
    g_clear_pointer(&self->page_bytes, g_array_unref);
    g_clear_pointer(&self->obstacles, g_ptr_array_unref);
    ferry_metadata_free(self->metadata);
    g_free(self);
}

/* libvirt's units: without B or iB a power of 1024, KiB unless said otherwise (its formatdomain).
 */
/* clang-format off */
static const struct {
    const char *name;
    uint64_t bytes;
} units[] = {
    { "b", 1 },                    { "bytes", 1 },
    { "KB", 1000 },                { "k", UINT64_C(1) << 10 }, { "KiB", UINT64_C(1) << 10 },
    { "MB", 1000000 },             { "M", UINT64_C(1) << 20 }, { "MiB", UINT64_C(1) << 20 },
    { "GB", 1000000000 },          { "G", UINT64_C(1) << 30 }, { "GiB", UINT64_C(1) << 30 },
    { "TB", UINT64_C(1000000000000) }, { "T", UINT64_C(1) << 40 }, { "TiB", UINT64_C(1) << 40 },
};
/* clang-format on */

static bool
parse_size(const xmlNode *node, const char *text, uint64_t *ret, GError **error)
{
    g_autofree char *unit = ferry_document_attribute(node, "unit");
    uint64_t number = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(unit != NULL ? unit : "KiB", units[i].name) != 0)
            continue;
        if (!g_ascii_string_to_unsigned(text, 10, 1, UINT64_MAX / units[i].bytes, &number, NULL))
            return ferry_document_refuse(error, node, "\"%s\" is not a size", text);
        *ret = number * units[i].bytes;
        return true;
    }
    return ferry_document_refuse(error, node, "\"%s\" is not a unit", unit);
}

static bool
parse_memory(const xmlNode *domain, uint64_t *ret, GError **error)
{
    const xmlNode *node = ferry_document_child(domain, "memory");
    g_autofree char *text = ferry_document_text(node);

    if (node == NULL)
        return ferry_document_refuse(error, domain, "there is no <memory> in it");
    return parse_size(node, text, ret, error);
}

/* <memoryBacking><hugepages><page size='2048' unit='KiB'/>: without a <page> the host's default. */
static bool
parse_pages(const xmlNode *domain, GArray **ret, GError **error)
{
    const xmlNode *backing = ferry_document_child(domain, "memoryBacking");
    const xmlNode *huge = ferry_document_child(backing, "hugepages");
    uint64_t size = 0;

    if (huge == NULL)
        return true;
    *ret = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (const xmlNode *page = huge->children; page != NULL; page = page->next) {
        g_autofree char *text = NULL;

        if (!ferry_document_is(page, "page"))
            continue;
        text = ferry_document_attribute(page, "size");
        if (text == NULL)
            return ferry_document_refuse(error, page, "the attribute size is missing");
        if (!parse_size(page, text, &size, error))
            return false;
        g_array_append_val(*ret, size);
    }
    size = 0;
    if ((*ret)->len == 0)
        g_array_append_val(*ret, size);
    return true;
}

static bool
parse_uuid(const xmlNode *domain, char **ret, GError **error)
{
    const xmlNode *node = ferry_document_child(domain, "uuid");
    g_autofree char *text = ferry_document_text(node);

    if (node == NULL)
        return ferry_document_refuse(error, domain, "there is no <uuid> in it");
    if (!g_uuid_string_is_valid(text))
        return ferry_document_refuse(error, node, "\"%s\" is not a UUID", text);
    *ret = g_ascii_strdown(text, -1);
    return true;
}

/* A name becomes a word in messages and file names; libvirt itself forbids "/" and line ends. */
static bool
parse_name(const xmlNode *domain, char **ret, GError **error)
{
    const xmlNode *node = ferry_document_child(domain, "name");
    g_autofree char *text = ferry_document_text(node);

    if (node == NULL)
        return ferry_document_refuse(error, domain, "there is no <name> in it");
    if (text[0] == '\0' || strpbrk(text, "/\n\r\t") != NULL)
        return ferry_document_refuse(
            error, node,
            "a guest's name is neither empty nor has it \"/\", tabs or line ends in it");
    *ret = g_steal_pointer(&text);
    return true;
}

/* A path as text or, since libvirt 8.5, in <source file=…>; what is on a device or over the network
 * has none. */
static char *
file_of(const xmlNode *node)
{
    g_autofree char *type = ferry_document_attribute(node, "type");

    if (type == NULL)
        return ferry_document_text(node);
    return g_str_equal(type, "file")
               ? ferry_document_attribute(ferry_document_child(node, "source"), "file")
               : NULL;
}

static void
parse_boot_files(const xmlNode *os, FerryDomain *self)
{
    static const char *const names[] = { "kernel", "initrd", "dtb" };
    const xmlNode *loader = ferry_document_child(os, "loader");
    const xmlNode *nvram = ferry_document_child(os, "nvram");
    g_autofree char *format = ferry_document_attribute(loader, "format");

    self->loader = ferry_document_text(loader);
    self->loader_is_raw = format == NULL || g_str_equal(format, "raw");
    self->nvram = file_of(nvram);
    self->nvram_template = ferry_document_attribute(nvram, "template");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        char *path = ferry_document_text(ferry_document_child(os, names[i]));

        if (path != NULL)
            g_ptr_array_add(self->kernel_files, path);
    }
}

static bool
parse_head(const xmlNode *domain, FerryDomain *self, GError **error)
{
    const xmlNode *os = ferry_document_child(domain, "os");
    const xmlNode *type = ferry_document_child(os, "type");
    const xmlNode *cpu = ferry_document_child(domain, "cpu");

    if (!parse_name(domain, &self->name, error) || !parse_uuid(domain, &self->uuid, error) ||
        !parse_memory(domain, &self->memory_bytes, error) ||
        !parse_pages(domain, &self->page_bytes, error))
        return false;
    self->type = ferry_document_attribute(domain, "type");
    if (self->type == NULL)
        return ferry_document_refuse(error, domain, "the attribute type is missing");
    self->arch = ferry_document_attribute(type, "arch");
    self->machine = ferry_document_attribute(type, "machine");
    parse_boot_files(os, self);
    if (cpu != NULL)
        self->cpu_xml = ferry_document_format(cpu);
    return true;
}

/* libvirt shows the first serial port a second time, as a <console> with the port's own alias. */
static bool
check_alias(const xmlNode *node, const FerryDevice *device, GHashTable *aliases, GError **error)
{
    if (device->alias == NULL || ferry_document_is(node, "console") ||
        g_hash_table_add(aliases, device->alias))
        return true;
    return ferry_document_refuse(error, node, "the alias %s is another device's already",
                                 device->alias);
}

static bool
check_mdev_uuid(const xmlNode *node, const FerryDevice *device, GHashTable *uuids, GError **error)
{
    if (g_strcmp0(device->type, "mdev") != 0 || device->source == NULL)
        return true;
    if (g_hash_table_add(uuids, device->source))
        return true;
    return ferry_document_refuse(error, node, "the mdev %s is another device's already",
                                 device->source);
}

/* Where libvirt has it unless told otherwise (swtpmStorageDir of qemu:///system). */
static char *
find_tpm_state(const FerryDomain *self, const xmlNode *backend)
{
    char *path = ferry_document_attribute(ferry_document_child(backend, "source"), "path");

    return path != NULL ? path : g_strconcat("/var/lib/libvirt/swtpm/", self->uuid, NULL);
}

static void
parse_device_facts(const xmlNode *node, FerryDomain *self)
{
    const xmlNode *backend = ferry_document_child(node, "backend");
    g_autofree char *type = ferry_document_attribute(backend, "type");

    if (ferry_document_is(node, "emulator") && self->emulator == NULL)
        self->emulator = ferry_document_text(node);
    if (ferry_document_is(node, "disk"))
        g_ptr_array_add(self->disks, ferry_disk_parse(node));
    if (ferry_document_is(node, "tpm") && g_strcmp0(type, "emulator") == 0 &&
        self->tpm_state == NULL)
        self->tpm_state = find_tpm_state(self, backend);
}

static bool
parse_devices(const xmlNode *domain, FerryDomain *self, GError **error)
{
    g_autoptr(GHashTable) aliases = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) uuids = g_hash_table_new(g_str_hash, g_str_equal);
    const xmlNode *devices = ferry_document_child(domain, "devices");

    for (const xmlNode *node = ferry_document_first(devices); node != NULL;
         node = ferry_document_next(node)) {
        FerryDevice *device = NULL;

        parse_device_facts(node, self);
        if (ferry_document_is(node, "emulator"))
            continue;
        if (!ferry_device_parse(node, &device, error))
            return false;
        g_ptr_array_add(self->devices, device);
        if (!check_alias(node, device, aliases, error) ||
            !check_mdev_uuid(node, device, uuids, error))
            return false;
    }
    return true;
}

const FerryDevice *
ferry_domain_device(const FerryDomain *self, const char *alias)
{
    for (size_t i = 0; i < self->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(self->devices, i);

        if (g_strcmp0(device->alias, alias) == 0)
            return device;
    }
    return NULL;
}

static bool
refuse_device(GError **error, const FerryDevice *device, const char *why, const char *name)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "line %ld, <%s>: %s %s", device->line,
                device->kind, why, name);
    return false;
}

/* After all devices are read: the other half may stand further down. */
static bool
check_pair(const FerryDomain *self, const FerryDevice *half, GError **error)
{
    const FerryDevice *other = ferry_domain_device(self, half->teaming_partner);

    if (other == NULL)
        return refuse_device(error, half, "no device has the alias of its other half,",
                             half->teaming_partner);
    if (half->mac != NULL && g_strcmp0(half->mac, other->mac) != 0)
        return refuse_device(error, half, "its MAC address is not that of its other half,",
                             half->teaming_partner);
    return true;
}

/* An endpoint on q35's own bus is part of the board: "Bus 'pcie.0' does not support hotplugging".
 */
static void
fix_to_board(const FerryDomain *self, FerryDevice *device)
{
    const bool is_q35 = self->machine != NULL && strstr(self->machine, "q35") != NULL;

    if (is_q35 && device->address != NULL && g_str_has_prefix(device->address, "0000:00:"))
        device->plug = FERRY_PLUG_NO;
}

static bool
check_devices(FerryDomain *self, GError **error)
{
    for (size_t i = 0; i < self->devices->len; i++) {
        FerryDevice *device = g_ptr_array_index(self->devices, i);

        fix_to_board(self, device);
        if (device->teaming_partner != NULL && !check_pair(self, device, error))
            return false;
    }
    return true;
}

bool
ferry_domain_parse(const char *xml, FerryDomain **ret, GError **error)
{
    g_autoptr(xmlDoc) document = NULL;
    g_autoptr(FerryDomain) self = NULL;
    const xmlNode *domain = NULL;

    if (!ferry_document_parse(xml, FERRY_DOMAIN_MAX_BYTES, "domain XML", "domain", &document,
                              error))
        return false;
    domain = xmlDocGetRootElement(document);
    self = g_new0(FerryDomain, 1);
    self->kernel_files = g_ptr_array_new_with_free_func(g_free);
    self->disks = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_disk_free);
    self->devices = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_device_free);
    if (!ferry_metadata_parse(domain, &self->metadata, error) || !parse_head(domain, self, error) ||
        !parse_devices(domain, self, error) || !check_devices(self, error))
        return false;
    self->obstacles = ferry_obstacles_find(document);
    *ret = g_steal_pointer(&self);
    return true;
}
