/*
 * Hybrid NICs: the definition holds the virtio half alone, on the pool's network of the same name,
 * so that plain "virsh start" works; ferry plugs the VF while the guest runs, at a place that is
 * kept free for it.  The older form is one element for both halves, <interface
 * type='hostdev-hybrid'> (libvir-list, August 2012), or a plain <interface type='network'> whose
 * network is a hybrid one.
 */
#include <string.h>

#include "xml/address.h"
#include "xml/conversion.h"
#include "xml/document.h"

static char *
interface_network(const xmlNode *device)
{
    return ferry_document_attribute(ferry_document_child(device, "source"), "network");
}

/* The pool that has the VF which an older form names by its address. */
static const FerryConvertPool *
find_pool_of_vf(const FerryConversion *self, const xmlNode *device, GError **error)
{
    const xmlNode *address =
        ferry_document_child(ferry_document_child(device, "source"), "address");
    g_autofree char *vf = NULL;
    g_auto(GStrv) names = NULL;

    if (address == NULL) {
        (void)ferry_document_refuse(error, device,
                                    "a hybrid needs a pool, <source network='…'/>, or a VF, "
                                    "<source><address type='pci' …/></source>");
        return NULL;
    }
    if (!ferry_address_parse(address, &vf, error))
        return NULL;
    names = self->host->pools_of_vf(self->host->data, vf);
    if (names[0] == NULL)
        (void)ferry_document_refuse(error, address,
                                    "no pool has the VF %s: define one with \"ferry pool define\", "
                                    "or name a pool, <source network='…'/>",
                                    vf);
    else if (names[1] != NULL)
        (void)ferry_document_refuse(error, address,
                                    "the VF %s is in the pools %s and %s: name the one that is "
                                    "meant, <source network='…'/>",
                                    vf, names[0], names[1]);
    else
        return ferry_conversion_pool(self, address, names[0], 1u << FERRY_CONVERT_HYBRIDS, error);
    return NULL;
}

static const FerryConvertPool *
find_pool(const FerryConversion *self, const xmlNode *device, GError **error)
{
    g_autofree char *name = interface_network(device);

    return name != NULL
               ? ferry_conversion_pool(self, device, name, 1u << FERRY_CONVERT_HYBRIDS, error)
               : find_pool_of_vf(self, device, error);
}

/* libvirt tags only the VF, and refuses a VLAN on a macvtap: the tag is the pool's. */
static bool
check_vlan(const xmlNode *device, const FerryConvertPool *pool, GError **error)
{
    const xmlNode *vlan = ferry_document_child(device, "vlan");
    const xmlNode *tag = ferry_document_child(vlan, "tag");
    g_autofree char *id = ferry_document_attribute(tag, "id");
    g_autofree char *pools = g_strdup_printf("%u", pool->vlan);

    if (vlan == NULL)
        return true;
    if (tag != NULL && ferry_document_next(tag) == NULL && g_strcmp0(id, pools) == 0)
        return true;
    return ferry_document_refuse(error, vlan,
                                 "the VLAN of a hybrid is its pool's, and %s has %s%s: after a "
                                 "failover the guest would be in another network; take <vlan> out, "
                                 "or use a pool with this VLAN",
                                 pool->name, pool->vlan == 0 ? "none" : "VLAN ",
                                 pool->vlan == 0 ? "" : pools);
}

static bool
check_virtualport(const xmlNode *device, GError **error)
{
    const xmlNode *port = ferry_document_child(device, "virtualport");
    g_autofree char *type = ferry_document_attribute(port, "type");

    if (port == NULL)
        return true;
    return ferry_document_refuse(error, port,
                                 "a hybrid takes no port profile (%s): its virtio half would be "
                                 "outside of it; use a VF alone, <interface type='hostdev'>",
                                 type != NULL ? type : "of any type");
}

static bool
check_model(const xmlNode *device, GError **error)
{
    const xmlNode *element = ferry_document_child(device, "model");
    g_autofree char *model = ferry_document_attribute(element, "type");

    if (element == NULL || (model != NULL && g_str_has_prefix(model, "virtio")))
        return true;
    return ferry_document_refuse(error, element,
                                 "the half of a hybrid that is always there is a virtio NIC: write "
                                 "<model type='virtio'/>");
}

static bool
check_teaming(const xmlNode *device, GError **error)
{
    const xmlNode *element = ferry_document_child(device, "teaming");
    g_autofree char *type = ferry_document_attribute(element, "type");

    if (element == NULL || g_strcmp0(type, "persistent") == 0)
        return true;
    return ferry_document_refuse(error, element,
                                 "a hybrid is both halves of a pair: write <teaming "
                                 "type='persistent'/>, or take it out");
}

/* refuse is the default: a guest that asked for a VF and runs without one should not surprise. */
static bool
read_on_no_vf(const xmlNode *device, char **ret, GError **error)
{
    g_autofree char *word = ferry_document_attribute(device, "on-no-vf");

    if (word != NULL && strcmp(word, "refuse") != 0 && strcmp(word, "degrade") != 0)
        return ferry_document_refuse(error, device,
                                     "on-no-vf is \"%s\", it can be refuse or degrade", word);
    *ret = word != NULL ? g_steal_pointer(&word) : g_strdup("refuse");
    return true;
}

/* libvirt's own prefix for addresses that it makes up, and 24 random bits. */
static char *
make_mac(const FerryConversion *self)
{
    g_autofree char *uuid = self->host->clock->uuid(self->host->clock);

    return g_strdup_printf("52:54:00:%.2s:%.2s:%.2s", uuid, uuid + 2, uuid + 4);
}

static void
complete_mac(FerryConversion *self, const xmlNode *device)
{
    const xmlNode *element = ferry_document_child(device, "mac");
    g_autofree char *old = ferry_document_attribute(element, "address");
    g_autofree char *mac = NULL;
    g_autofree char *text = NULL;

    if (old != NULL)
        return;
    if (element != NULL)
        ferry_splice_remove(self->splice, element);
    mac = make_mac(self);
    text = g_strdup_printf("<mac address='%s'/>", mac);
    ferry_splice_append(self->splice, device, text);
    ferry_conversion_note(self, device, FERRY_NOTE_CHANGED,
                          "gave it the MAC address %s, which both halves keep", mac);
}

static void
complete_element(FerryConversion *self, const xmlNode *device, const char *name, const char *xml)
{
    if (ferry_document_child(device, name) == NULL)
        ferry_splice_append(self->splice, device, xml);
}

/* The virtio half's place in the guest is fixed, like the VF's. */
static bool
complete_address(FerryConversion *self, const xmlNode *device, GError **error)
{
    const xmlNode *element = ferry_document_child(device, "address");
    g_autofree char *type = ferry_document_attribute(element, "type");
    g_autofree char *slot = ferry_document_attribute(element, "slot");
    g_autofree char *place = NULL;
    g_autoptr(GString) text = g_string_new("<address type='pci'");

    if (element != NULL && g_strcmp0(type, "pci") != 0)
        return ferry_document_refuse(error, element,
                                     "a hybrid's halves find each other on the guest's PCI bus "
                                     "only: write type='pci', or take it out");
    if (slot != NULL)
        return true;
    place = ferry_ports_take_lowest(self->ports);
    if (place == NULL)
        return ferry_document_refuse(error, device, "the guest has no free PCI slot for it");
    if (element != NULL)
        ferry_splice_remove(self->splice, element);
    ferry_address_append(text, place);
    g_string_append(text, "/>");
    ferry_splice_append(self->splice, device, text->str);
    return true;
}

/* What the virtio half of a hybrid needs, whoever wrote it. */
static bool
complete_nic(FerryConversion *self, const xmlNode *device, GError **error)
{
    const xmlNode *vlan = ferry_document_child(device, "vlan");

    if (vlan != NULL) /* the pool's own: check_vlan() */
        ferry_splice_remove(self->splice, vlan);
    complete_mac(self, device);
    complete_element(self, device, "model", "<model type='virtio'/>");
    complete_element(self, device, "teaming", "<teaming type='persistent'/>");
    return complete_address(self, device, error);
}

/* What only the VF, or only an older form had. */
static void
take_out_older_form(FerryConversion *self, const xmlNode *device, const FerryConvertPool *pool)
{
    static const char *const attributes[] = { "managed", "ephemeral", "on-no-vf" };
    const xmlNode *source = ferry_document_child(device, "source");
    const xmlNode *driver = ferry_document_child(device, "driver");
    g_autofree char *driver_name = ferry_document_attribute(driver, "name");
    g_autofree char *network = interface_network(device);

    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
        ferry_splice_set(self->splice, device, attributes[i], NULL);
    ferry_splice_set(self->splice, device, "type", "network");
    if (network == NULL) {
        g_autofree char *escaped = g_markup_escape_text(pool->name, -1);
        g_autofree char *text = g_strdup_printf("<source network='%s'/>", escaped);

        ferry_splice_remove(self->splice, source);
        ferry_splice_append(self->splice, device, text);
    }
    if (g_strcmp0(driver_name, "vfio") == 0)
        ferry_splice_remove(self->splice, driver);
}

static char *
take_vf_place(FerryConversion *self, const xmlNode *device, GError **error)
{
    char *place = ferry_ports_take_highest(self->ports);

    if (place == NULL)
        (void)ferry_document_refuse(error, device,
                                    "the guest has no PCI slot that could stay free for the VF: a "
                                    "hybrid needs one that takes a device while the guest runs");
    return place;
}

static bool
check_nic(const xmlNode *device, const FerryConvertPool *pool, GError **error)
{
    return check_vlan(device, pool, error) && check_virtualport(device, error) &&
           check_model(device, error) && check_teaming(device, error);
}

static bool
make_hybrid(FerryConversion *self,
            const xmlNode *device,
            const FerryConvertPool *pool,
            GError **error)
{
    g_autofree char *on_no_vf = NULL;
    g_autofree char *place = NULL;
    g_autofree char *alias = NULL;
    g_autofree char *wish = NULL;
    g_autofree char *vf_alias = NULL;
    GString *element = NULL;

    if (!check_nic(device, pool, error) || !read_on_no_vf(device, &on_no_vf, error))
        return false;
    take_out_older_form(self, device, pool);
    alias = ferry_conversion_alias(self, device);
    if (!complete_nic(self, device, error))
        return false;
    place = take_vf_place(self, device, error);
    if (place == NULL)
        return false;
    wish = g_strconcat(alias, "-vf", NULL);
    vf_alias = ferry_conversion_free_alias(self, wish);
    element = ferry_conversion_element(self, "hybrid");
    ferry_conversion_attribute(element, "alias", alias);
    ferry_conversion_attribute(element, "pool", pool->name);
    ferry_conversion_attribute(element, "vf-alias", vf_alias);
    ferry_conversion_attribute(element, "vf-address", place);
    ferry_conversion_attribute(element, "on-no-vf", on_no_vf);
    ferry_conversion_add(self, element);
    ferry_conversion_note(
        self, device, FERRY_NOTE_CHANGED,
        "turned it into the hybrid NIC %s of the pool %s: a virtio NIC, and the VF "
        "%s that ferry plugs at %s of the guest, which stays free for it",
        alias, pool->name, vf_alias, place);
    return true;
}

/* Returns: (transfer none) (nullable) */
static const FerryConvertPool *
pool_named(const FerryConversion *self, const char *name)
{
    for (size_t i = 0; i < self->host->n_pools; i++)
        if (g_strcmp0(self->host->pools[i].name, name) == 0)
            return &self->host->pools[i];
    return NULL;
}

static bool
is_partner(const FerryConversion *self, const char *alias)
{
    for (const xmlNode *node = ferry_document_first(self->devices); node != NULL;
         node = ferry_document_next(node)) {
        g_autofree char *partner =
            ferry_document_attribute(ferry_document_child(node, "teaming"), "persistent");

        if (alias != NULL && g_strcmp0(partner, alias) == 0)
            return true;
    }
    return false;
}

static bool
is_in_metadata(const FerryConversion *self, const char *alias)
{
    for (guint i = 0; i < self->metadata->hybrids->len; i++) {
        const FerryHybridMeta *hybrid = g_ptr_array_index(self->metadata->hybrids, i);

        if (g_strcmp0(hybrid->alias, alias) == 0)
            return true;
    }
    return false;
}

static bool
make_ephemeral(FerryConversion *self, const xmlNode *device, const FerryConvertPool *pool)
{
    g_autofree char *alias =
        ferry_document_attribute(ferry_document_child(device, "alias"), "name");
    GString *element = NULL;

    if (alias != NULL && ferry_metadata_is_ephemeral(self->metadata, alias))
        return true;
    g_free(alias);
    alias = ferry_conversion_alias(self, device);
    element = ferry_conversion_element(self, "ephemeral");
    ferry_conversion_attribute(element, "alias", alias);
    ferry_conversion_attribute(element, "pool", pool->name);
    ferry_conversion_add(self, element);
    ferry_splice_set(self->splice, device, "ephemeral", NULL);
    ferry_conversion_note(self, device, FERRY_NOTE_CHANGED,
                          "%s is ephemeral, as its pool %s is: taken off for migration and save",
                          alias, pool->name);
    return true;
}

/* A pair that somebody built by hand on a hybrid's network stays what it is. */
static bool
convert_by_network(FerryConversion *self, const xmlNode *device, GError **error)
{
    g_autofree char *name = interface_network(device);
    g_autofree char *alias =
        ferry_document_attribute(ferry_document_child(device, "alias"), "name");
    const FerryConvertPool *pool = pool_named(self, name);

    if (pool == NULL || is_partner(self, alias))
        return true;
    if (is_in_metadata(self, alias))
        return check_nic(device, pool, error) && complete_nic(self, device, error);
    if (pool->kind == FERRY_CONVERT_HYBRIDS)
        return make_hybrid(self, device, pool, error);
    return !pool->ephemeral || make_ephemeral(self, device, pool);
}

bool
ferry_convert_interface(FerryConversion *self, const xmlNode *device, GError **error)
{
    g_autofree char *type = ferry_document_attribute(device, "type");
    const FerryConvertPool *pool = NULL;

    if (g_strcmp0(type, "network") == 0)
        return convert_by_network(self, device, error);
    if (g_strcmp0(type, "hostdev-hybrid") != 0)
        return true;
    pool = find_pool(self, device, error);
    return pool != NULL && make_hybrid(self, device, pool, error);
}
