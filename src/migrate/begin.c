/* The source's half of plan and check: what changes nothing. */
#include "migrate/begin.h"

#include "base/error.h"
#include "guest/capabilities.h"
#include "host/storage.h"
#include "migrate/failover.h"
#include "migrate/objection.h"
#include "migrate/roms.h"
#include "migrate/traps.h"

/* A disk moves only if its storage is where both hosts reach it; libvirt would refuse later. */
static void
check_disks(const FerryDomain *domain, int root, json_t *reasons)
{
    for (guint i = 0; i < domain->disks->len; i++) {
        const FerryDisk *disk = g_ptr_array_index(domain->disks, i);

        if (disk->source == NULL || disk->readonly || disk->shareable ||
            g_strcmp0(disk->type, "file") != 0 || ferry_storage_is_shared(root, disk->source))
            continue;
        ferry_object(
            reasons, "disk-not-shared",
            "disk %s is the local file %s: put it on storage that both hosts share; where this "
            "host exports it to the other, say so to libvirt (shared_filesystems in qemu.conf)",
            disk->target, disk->source);
    }
}

static void
check_ephemerals(const FerryDomain *domain, json_t *reasons)
{
    for (guint i = 0; i < domain->metadata->ephemerals->len; i++) {
        const FerryEphemeralMeta *meta = g_ptr_array_index(domain->metadata->ephemerals, i);
        const FerryDevice *device = ferry_domain_device(domain, meta->alias);

        if (device == NULL || device->plug != FERRY_PLUG_NO)
            continue;
        ferry_object_to(
            reasons, meta->alias, "not-hot-pluggable",
            "device %s is marked ephemeral, but a %s cannot be taken off a running guest",
            meta->alias, device->kind);
    }
}

/* libvirt or QEMU would refuse it in the transfer; what is ephemeral is off by then. */
static void
check_obstacles(const FerryDomain *domain, json_t *reasons)
{
    for (guint i = 0; i < domain->obstacles->len; i++) {
        const FerryObstacle *obstacle = g_ptr_array_index(domain->obstacles, i);

        if (obstacle->alias != NULL &&
            ferry_metadata_is_ephemeral(domain->metadata, obstacle->alias))
            continue;
        ferry_object_to(reasons, obstacle->alias, "not-migratable",
                        "the guest has %s%s%s, and neither moves nor is saved with it: %s",
                        obstacle->what, obstacle->alias != NULL ? ", " : "",
                        obstacle->alias != NULL ? obstacle->alias : "", obstacle->remedy);
    }
}

void
ferry_begin_check_travel(const FerryDomain *domain,
                         const char *live_xml,
                         const FerrySurveyHost *host,
                         GPtrArray *needs,
                         json_t *reasons)
{
    check_disks(domain, host->root, reasons);
    check_obstacles(domain, reasons);
    ferry_survey(domain, live_xml, host, needs, reasons);
    check_ephemerals(domain, reasons);
}

/* A daemon without a watch, as tests may have it, knows no device. */
static FerryInventory *
inventory_of(const FerryMigrator *migrator)
{
    return migrator->config.watch == NULL ? NULL
                                          : ferry_watch_inventory(migrator->config.watch, NULL);
}

static FerrySurveyHost
host_of(const FerryMigrator *migrator, const FerryInventory *inventory, const json_t *devices)
{
    return (FerrySurveyHost){ .inventory = inventory,
                              .root = migrator->config.root,
                              .ops = ferry_host_ethtool(),
                              .store = migrator->config.store,
                              .devices = devices };
}

json_t *
ferry_migrator_travel(FerryMigrator *migrator, const FerryDomain *domain, const char *live_xml)
{
    g_autoptr(FerryInventory) inventory = inventory_of(migrator);
    FerrySurveyHost host = host_of(migrator, inventory, NULL);
    g_autoptr(GPtrArray) needs =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_plan_need_free);
    json_t *reasons = json_array();

    ferry_begin_check_travel(domain, live_xml, &host, needs, reasons);
    return reasons;
}

/* A libvirt that cannot say its versions is not objected to: the check's other questions to it are
 * errors then. */
void
ferry_begin_check_qemu(const FerryMigrator *migrator, const GPtrArray *needs, json_t *reasons)
{
    g_autoptr(FerryHostInfo) info = NULL;

    (void)ferry_guests_host(migrator->config.guests, &info, NULL);
    ferry_traps_of_host(needs, migrator->config.name, info != NULL ? info->qemu_version : NULL,
                        reasons);
}

/* Those that the guest has now, in the order of its definition. */
static void
list_ephemerals(const FerryDomain *domain, GPtrArray *ephemerals)
{
    for (guint i = 0; i < domain->devices->len; i++) {
        const FerryDevice *device = g_ptr_array_index(domain->devices, i);
        FerryPlanDevice *entry = NULL;

        if (device->alias == NULL || !ferry_metadata_is_ephemeral(domain->metadata, device->alias))
            continue;
        entry = g_new0(FerryPlanDevice, 1);
        entry->alias = g_strdup(device->alias);
        entry->xml = g_strdup(device->xml);
        g_ptr_array_add(ephemerals, entry);
    }
}

static void
check_state(const FerryGuest *guest, json_t *reasons)
{
    if (guest->state == 1 || guest->state == 3) /* running, paused */
        return;
    ferry_object(reasons, "guest-not-running",
                 "guest %s is %s, not running: start it, or move it cold", guest->name,
                 ferry_guests_state_name(guest->state));
}

static bool
check_snapshots(FerryMigrator *migrator, const FerryGuest *guest, json_t *reasons, GError **error)
{
    unsigned n_snapshots = 0;

    if (!ferry_guests_snapshots(migrator->config.guests, guest->uuid, &n_snapshots, error))
        return false;
    if (n_snapshots > 0)
        ferry_object(reasons, "has-snapshots",
                     "guest %s has snapshots (%u), and libvirt moves no running guest that has: "
                     "remove them (\"virsh snapshot-list %s\")",
                     guest->name, n_snapshots, guest->name);
    return true;
}

static bool
read_guest(FerryMigrator *migrator, const FerryGuest *guest, FerryPlan *plan, GError **error)
{
    FerryGuests *guests = migrator->config.guests;
    FerryAutostart autostart = FERRY_AUTOSTART_OFF;

    if (!ferry_guests_xml(guests, guest->uuid, FERRY_GUESTS_XML_LIVE, &plan->live_xml, error))
        return false;
    if (!guest->persistent)
        return true;
    if (!ferry_guests_xml(guests, guest->uuid, FERRY_GUESTS_XML_INACTIVE, &plan->inactive_xml,
                          error) ||
        !ferry_guests_autostart(guests, guest->uuid, &autostart, error))
        return false;
    plan->autostart = autostart == FERRY_AUTOSTART_ON;
    return true;
}

static int64_t
heard_ms(void *data, const char *guest_uuid, const char *alias)
{
    return ferry_guests_failover_ms(data, guest_uuid, alias);
}

static int64_t
last_gap_ms(FerryMigrator *migrator, const char *guest_uuid)
{
    g_autoptr(GPtrArray) jobs = ferry_migrator_jobs(migrator);
    json_t *reports = json_array();
    int64_t gap_ms = -1;

    for (guint i = 0; i < jobs->len; i++)
        json_array_append_new(reports, ferry_job_json(g_ptr_array_index(jobs, i)));
    gap_ms = ferry_failover_gap_ms(reports, guest_uuid);
    json_decref(reports);
    return gap_ms;
}

/* What goes without its VF, or without a standby, goes only if its user says so. */
static void
check_failover(FerryMigrator *migrator, const FerryDomain *domain, FerryPlan *plan, json_t *reasons)
{
    const FerryMigratorConfig *config = &migrator->config;
    FerryFailoverKnown known = { .root = config->root,
                                 .heard_ms = heard_ms,
                                 .data = config->guests };

    if (domain->metadata->hybrids->len == 0 && domain->metadata->ephemerals->len == 0)
        return; /* before all reports are looked through for its last move */
    known.now_ms = config->clock->now_ms(config->clock);
    known.gap_ms = last_gap_ms(migrator, plan->guest_uuid);
    ferry_failover_look(domain, &known, plan->allow_degraded ? plan->warnings : reasons,
                        plan->warnings);
    for (guint i = 0; plan->allow_degraded && i < plan->needs->len; i++) {
        FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);

        need->may_degrade = need->may_degrade || need->way == FERRY_WAY_HYBRID;
    }
}

bool
ferry_begin_plan(FerryMigrator *migrator,
                 const FerryMigrationRequest *request,
                 FerryPlan **ret_plan,
                 json_t *reasons,
                 GError **error)
{
    const FerryMigratorConfig *config = &migrator->config;
    g_autoptr(FerryPlan) plan = ferry_plan_new();
    g_autoptr(FerryGuest) guest = NULL;
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(FerryInventory) inventory = inventory_of(migrator);
    FerrySurveyHost host = host_of(migrator, inventory, request->devices);

    if (!ferry_guests_find(config->guests, request->guest, &guest, error))
        return false;
    if (guest == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "guest %s is not on this host: see \"ferry guest list\"", request->guest);
        return false;
    }
    if (!read_guest(migrator, guest, plan, error) ||
        !ferry_domain_parse(plan->live_xml, &domain, error))
        return false;
    plan->job = config->clock->uuid(config->clock);
    plan->guest_name = g_strdup(guest->name);
    plan->guest_uuid = g_strdup(guest->uuid);
    plan->source = g_strdup(config->name);
    plan->target = g_strdup(request->to);
    plan->host_uuid = ferry_guests_host_uuid(config->guests, NULL); /* as of its versions below */
    plan->user_paused = guest->state == 3;
    plan->tls = config->tls;
    plan->memory_bytes = guest->memory_bytes;
    plan->max_downtime_ms = request->max_downtime_ms;
    plan->timeout_ms = request->timeout_ms;
    plan->bandwidth_bps = request->bandwidth_bps;
    plan->parallel = request->parallel;
    plan->accept_unknown = request->accept_unknown;
    plan->allow_degraded = request->allow_degraded;
    plan->reservation = g_strdup(request->reservation);
    plan->auto_converge = request->auto_converge;
    list_ephemerals(domain, plan->ephemerals);
    json_decref(plan->roms);
    plan->roms = ferry_roms_list("", domain);
    check_state(guest, reasons);
    if (!check_snapshots(migrator, guest, reasons, error))
        return false;
    ferry_begin_check_travel(domain, plan->live_xml, &host, plan->needs, reasons);
    ferry_traps_of_guest(domain, plan->needs, reasons);
    ferry_begin_check_qemu(migrator, plan->needs, reasons);
    check_failover(migrator, domain, plan, reasons);

    *ret_plan = g_steal_pointer(&plan);
    return true;
}
