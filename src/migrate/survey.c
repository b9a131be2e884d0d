#include "migrate/survey.h"

#include <stdlib.h>
#include <string.h>

#include "compat/facts.h"
#include "migrate/expect.h"
#include "migrate/objection.h"
#include "migrate/state-size.h"
#include "xml/override.h"

/* One look at one guest. */
typedef struct {
    const FerryDomain *domain;
    const char *live_xml;
    const FerrySurveyHost *host;
    GPtrArray *needs;
    json_t *reasons;
} Look;

/* What a reason calls it. */
static const char *
name_of(const FerryDevice *device)
{
    return device->alias != NULL ? device->alias : device->kind;
}

static bool
is_interface(const FerryDevice *device)
{
    return g_str_equal(device->kind, "interface");
}

/* A USB or SCSI hostdev names no function of this host: it is plugged again as it is written. */
static bool
is_host_device(const FerryDevice *device)
{
    if (is_interface(device))
        return g_strcmp0(device->type, "hostdev") == 0;
    return g_str_equal(device->kind, "hostdev");
}

static bool
is_mdev(const FerryDevice *device)
{
    return !is_interface(device) && g_strcmp0(device->type, "mdev") == 0;
}

static const FerryHostDevice *
find_host_device(const Look *look, const FerryDevice *device)
{
    return look->host->inventory == NULL || device->source == NULL
               ? NULL
               : ferry_inventory_find(look->host->inventory, device->source);
}

/* Plain vfio-pci only passes registers through; every other VFIO driver is one that can migrate. */
static bool
is_variant(const FerryHostDevice *device)
{
    return device != NULL && (device->roles & FERRY_HOST_VF) != 0 && device->driver != NULL &&
           strstr(device->driver, "vfio") != NULL && !g_str_equal(device->driver, "vfio-pci");
}

static const FerryMdevMeta *
find_mdev_meta(const FerryMetadata *metadata, const char *alias)
{
    for (guint i = 0; i < metadata->mdevs->len; i++) {
        const FerryMdevMeta *meta = g_ptr_array_index(metadata->mdevs, i);

        if (g_strcmp0(meta->alias, alias) == 0)
            return meta;
    }
    return NULL;
}

static const FerryHybridMeta *
find_hybrid_meta(const FerryMetadata *metadata, const char *alias)
{
    for (guint i = 0; i < metadata->hybrids->len; i++) {
        const FerryHybridMeta *meta = g_ptr_array_index(metadata->hybrids, i);

        if (g_strcmp0(meta->alias, alias) == 0 || g_strcmp0(meta->vf_alias, alias) == 0)
            return meta;
    }
    return NULL;
}

static const FerryEphemeralMeta *
find_ephemeral_meta(const FerryMetadata *metadata, const char *alias)
{
    for (guint i = 0; i < metadata->ephemerals->len; i++) {
        const FerryEphemeralMeta *meta = g_ptr_array_index(metadata->ephemerals, i);

        if (g_strcmp0(meta->alias, alias) == 0)
            return meta;
    }
    return NULL;
}

/* libvirt asks QEMU why a guest could not migrate and refuses; a kernel that has no device cdevs
 * is one whose VFIO announces dirty tracking that it does not have (Debian 12: IOMMUFD is off). */
static void
check_dirty_tracking(Look *look, const FerryDevice *device, const FerryHostDevice *mdev)
{
    g_autofree char *tracking =
        ferry_override_find(look->live_xml, device->alias, "x-device-dirty-page-tracking");
    g_autofree char *migration =
        ferry_override_find(look->live_xml, device->alias, "enable-migration");

    if (mdev->cdev != NULL || (g_strcmp0(tracking, "off") == 0 && g_strcmp0(migration, "on") == 0))
        return;
    ferry_object_to(
        look->reasons, name_of(device), "dirty-tracking-missing",
        "device %s: this kernel announces VFIO dirty tracking and does not have it (it is built "
        "without IOMMUFD), so libvirt would refuse the migration.  Add to the guest, and start "
        "it anew: <qemu:override xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
        "<qemu:device alias='%s'><qemu:frontend>"
        "<qemu:property name='x-device-dirty-page-tracking' type='string' value='off'/>"
        "<qemu:property name='enable-migration' type='string' value='on'/>"
        "</qemu:frontend></qemu:device></qemu:override>",
        device->alias, device->alias);
}

static char *
print_of(const json_t *facts)
{
    char *text = json_dumps(facts, JSON_COMPACT);
    g_autoptr(FerryFacts) parsed = ferry_facts_parse(text, strlen(text));
    char *print = parsed->fault == NULL ? ferry_facts_fingerprint(parsed) : NULL;

    free(text);
    return print;
}

/* What the forecast and the history need to know of it. */
static void
measure(const Look *look, const FerryHostDevice *here, FerryPlanNeed *need)
{
    const FerrySurveyHost *host = look->host;
    const FerryHostDevice *parent =
        here->parent == NULL ? NULL : ferry_inventory_find(host->inventory, here->parent);
    const FerryHostType *type =
        parent == NULL || here->type == NULL ? NULL : ferry_host_device_type(parent, here->type);
    const char *basis = NULL;

    need->source_print = print_of(need->facts);
    need->state_bytes =
        ferry_state_size(host->store, here, type, need->facts, need->source_print, &basis);
    need->state_basis = g_strdup(basis);
}

static void
need_state(Look *look, const FerryDevice *device, const FerryMdevMeta *meta, const char *given)
{
    const FerryHostDevice *here = find_host_device(look, device);
    FerryPlanNeed *need = NULL;
    g_autofree char *why = NULL;

    if (here == NULL) {
        ferry_object_to(
            look->reasons, name_of(device), "device-unknown",
            "device %s (%s) is not seen on this host, so nothing is known of it: see \"ferry "
            "device list\"",
            device->alias, device->source);
        return;
    }
    need = ferry_plan_need_new(FERRY_WAY_STATE, device->alias);
    need->device = g_strdup(given);
    need->type = g_strdup(here->type);
    need->facts = ferry_host_facts(look->host->root, look->host->inventory, here, NULL,
                                   look->host->ops, look->host->data);
    if (meta != NULL) {
        need->pool = g_strdup(meta->pool);
        need->parent = g_strdup(meta->parent);
        need->vendor_id = g_strdup(meta->vendor_id);
        need->product_id = g_strdup(meta->product_id);
        for (guint i = 0; i < meta->attrs->len; i++) {
            const FerryMetaAttr *attr = g_ptr_array_index(meta->attrs, i);

            ferry_plan_need_add_attr(need, attr->name, attr->value);
        }
    }
    measure(look, here, need);
    g_ptr_array_add(look->needs, need);
    if (!ferry_expect_met(need, need->facts, &why))
        ferry_object_to(look->reasons, name_of(device), "other-vendor", "device %s: %s",
                        device->alias, why);
    check_dirty_tracking(look, device, here);
}

/* The definition keeps a slot free for the VF; a device that sits there now would be found out only
 * at the target, when the VF is plugged in. */
static void
check_slot(Look *look, const FerryDevice *device, const FerryHybridMeta *meta)
{
    for (guint i = 0; i < look->domain->devices->len; i++) {
        const FerryDevice *other = g_ptr_array_index(look->domain->devices, i);

        if (other->address != NULL && g_strcmp0(other->address, meta->vf_address) == 0 &&
            g_strcmp0(other->alias, meta->vf_alias) != 0)
            ferry_object_to(
                look->reasons, name_of(device), "no-hot-plug-slot",
                "hybrid %s keeps the guest's slot %s for its VF, and %s sits there: move one of "
                "them to a root port of its own",
                meta->alias, meta->vf_address, other->alias != NULL ? other->alias : other->kind);
    }
}

static void
need_hybrid(Look *look, const FerryDevice *device, const FerryHybridMeta *meta)
{
    FerryPlanNeed *need = ferry_plan_need_new(FERRY_WAY_HYBRID, meta->alias);

    need->pool = g_strdup(meta->pool);
    need->vf_alias = g_strdup(meta->vf_alias);
    need->vf_address = g_strdup(meta->vf_address);
    need->mac = g_strdup(device->mac);
    need->may_degrade = meta->on_no_vf == FERRY_NO_VF_DEGRADE;
    g_ptr_array_add(look->needs, need);
    check_slot(look, device, meta);
}

static void
need_ephemeral(Look *look, const FerryDevice *device, const FerryEphemeralMeta *meta)
{
    const FerryHostDevice *here = find_host_device(look, device);
    FerryPlanNeed *need = NULL;
    bool pci = is_interface(device) || g_strcmp0(device->type, "pci") == 0 || is_mdev(device);

    if (meta->pool == NULL && pci) {
        ferry_object_to(
            look->reasons, name_of(device), "device-needs-pool",
            "device %s is ephemeral, but names a device of this host (%s) that the target does "
            "not have: name a pool that both hosts have, <ferry:ephemeral alias='%s' "
            "pool='…'/>",
            device->alias, device->source, device->alias);
        return;
    }
    if (meta->pool == NULL)
        return; /* plugged again as it is written */
    need = ferry_plan_need_new(FERRY_WAY_EPHEMERAL, device->alias);
    need->pool = g_strdup(meta->pool);
    if (is_mdev(device) && here != NULL)
        need->type = g_strdup(here->type);
    g_ptr_array_add(look->needs, need);
}

static void
no_way(Look *look, const FerryDevice *device)
{
    const char *name = device->alias != NULL ? device->alias : device->kind;
    const char *source = device->source != NULL ? device->source : device->kind;

    if (is_mdev(device))
        ferry_object_to(
            look->reasons, name_of(device), "device-cannot-travel",
            "device %s (%s) was made by somebody else, so ferry does not make its like at the "
            "target: make one there and name it (--device %s=UUID), or let ferry make it "
            "(<ferry:mdev managed='yes'>)",
            name, source, name);
    else
        ferry_object_to(
            look->reasons, name_of(device), "device-cannot-travel",
            "device %s (%s) is this host's own and cannot travel: its driver cannot migrate it. "
            "Mark it ephemeral, or take it off",
            name, source);
}

static void
look_at(Look *look, const FerryDevice *device)
{
    const FerryMetadata *metadata = look->domain->metadata;
    const char *alias = device->alias;
    const FerryHybridMeta *hybrid = find_hybrid_meta(metadata, alias);
    const FerryEphemeralMeta *ephemeral = find_ephemeral_meta(metadata, alias);
    const FerryMdevMeta *mdev = find_mdev_meta(metadata, alias);
    const char *given =
        alias == NULL ? NULL : json_string_value(json_object_get(look->host->devices, alias));

    if (alias != NULL && hybrid != NULL) {
        if (g_str_equal(hybrid->alias, alias)) /* its VF comes with it */
            need_hybrid(look, device, hybrid);
        return;
    }
    if (!is_host_device(device))
        return;
    if (alias == NULL)
        no_way(look, device);
    else if (ephemeral != NULL)
        need_ephemeral(look, device, ephemeral);
    else if (is_mdev(device) && (given != NULL || (mdev != NULL && mdev->managed)))
        need_state(look, device, mdev, given);
    else if (is_variant(find_host_device(look, device)))
        need_state(look, device, NULL, NULL);
    else
        no_way(look, device);
}

void
ferry_survey(const FerryDomain *domain,
             const char *live_xml,
             const FerrySurveyHost *host,
             GPtrArray *ret,
             json_t *reasons)
{
    Look look = { domain, live_xml, host, ret, reasons };

    for (guint i = 0; i < domain->devices->len; i++)
        look_at(&look, g_ptr_array_index(domain->devices, i));
}
