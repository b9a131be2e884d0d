#include "guest/migrate.h"

#include <string.h>

#include <libvirt/virterror.h>

#include "base/error.h"
#include "guest/handle.h"

/* virTypedParameter arrays grow by calls that can only fail for lack of memory, which GLib's abort
 * covers. */
typedef struct {
    virTypedParameterPtr rows;
    int n;
    int n_allocated;
} Parameters;

static void
parameters_clear(Parameters *self)
{
    virTypedParamsFree(self->rows, self->n);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parameters, parameters_clear)

static void
add_string(Parameters *self, const char *name, const char *value)
{
    if (value != NULL)
        (void)virTypedParamsAddString(&self->rows, &self->n, &self->n_allocated, name, value);
}

static void
collect(Parameters *self, const FerryMigration *migration)
{
    add_string(self, VIR_MIGRATE_PARAM_URI, migration->migrate_uri);
    add_string(self, VIR_MIGRATE_PARAM_DEST_XML, migration->target_xml);
    add_string(self, VIR_MIGRATE_PARAM_TLS_DESTINATION, migration->tls_destination);
    if (migration->bandwidth_mib_s > 0)
        (void)virTypedParamsAddULLong(&self->rows, &self->n, &self->n_allocated,
                                      VIR_MIGRATE_PARAM_BANDWIDTH, migration->bandwidth_mib_s);
    if (migration->parallel > 1)
        (void)virTypedParamsAddInt(&self->rows, &self->n, &self->n_allocated,
                                   VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS,
                                   (int)migration->parallel);
}

/* Never PEER2PEER, TUNNELLED, POSTCOPY, PERSIST_DEST, UNDEFINE_SOURCE: docs/handover.md section 2,
 * step 3.
 */
static unsigned
find_flags(const FerryMigration *migration)
{
    static const struct {
        FerryMigrationFlags ours;
        unsigned libvirt;
    } rows[] = {
        { FERRY_MIGRATION_TLS, VIR_MIGRATE_TLS },
        { FERRY_MIGRATION_AUTO_CONVERGE, VIR_MIGRATE_AUTO_CONVERGE },
    };
    unsigned flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PAUSED;

    if (migration->parallel > 1)
        flags |= VIR_MIGRATE_PARALLEL;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if ((migration->flags & rows[i].ours) != 0)
            flags |= rows[i].libvirt;
    return flags;
}

/*
 * Connections of its own, without keepalive: on the relay's the reply to "finish" is held back for
 * as long as it takes, and on the other the call waits just as long (docs/handover.md section 3,
 * rule 2).
 */
static bool
open_both(FerryGuests *self,
          const char *relay_socket,
          virConnect **ret_source,
          virConnect **ret_target,
          GError **error)
{
    g_autofree char *escaped = g_uri_escape_string(relay_socket, "/", FALSE);
    g_autofree char *uri = g_strconcat("qemu+unix:///system?socket=", escaped, NULL);
    g_autoptr(virConnect) source = NULL;
    g_autoptr(virConnect) target = NULL;

    source = virConnectOpen(ferry_guests_uri(self));
    if (source == NULL)
        return ferry_handle_failed(error, "open libvirt at", ferry_guests_uri(self));
    target = virConnectOpen(uri);
    if (target == NULL)
        return ferry_handle_failed(error, "open the target's libvirt through", uri);
    *ret_source = g_steal_pointer(&source);
    *ret_target = g_steal_pointer(&target);
    return true;
}

bool
ferry_guests_migrate(FerryGuests *self, const FerryMigration *migration, GError **error)
{
    g_auto(Parameters) parameters = { NULL, 0, 0 };
    g_autoptr(virConnect) source = NULL;
    g_autoptr(virConnect) target = NULL;
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(virDomain) arrived = NULL;

    if (!open_both(self, migration->relay_socket, &source, &target, error))
        return false;
    domain = virDomainLookupByUUIDString(source, migration->uuid);
    if (domain == NULL)
        return ferry_handle_failed(error, "look for guest", migration->uuid);
    if (migration->max_downtime_ms > 0 &&
        virDomainMigrateSetMaxDowntime(domain, migration->max_downtime_ms, 0) < 0)
        return ferry_handle_failed(error, "limit the downtime of guest", migration->uuid);
    collect(&parameters, migration);
    arrived = virDomainMigrate3(domain, target, parameters.rows, (unsigned)parameters.n,
                                find_flags(migration));
    return arrived != NULL || ferry_handle_failed(error, "migrate guest", migration->uuid);
}

/* libvirt's names of a running job's figures, and where they go. */
static const struct {
    const char *name;
    size_t offset;
} figures[] = {
    { VIR_DOMAIN_JOB_DATA_TOTAL, offsetof(FerryTransferStats, total_bytes) },
    { VIR_DOMAIN_JOB_DATA_PROCESSED, offsetof(FerryTransferStats, done_bytes) },
    { VIR_DOMAIN_JOB_DATA_REMAINING, offsetof(FerryTransferStats, remaining_bytes) },
    { VIR_DOMAIN_JOB_MEMORY_BPS, offsetof(FerryTransferStats, rate_bps) },
    { VIR_DOMAIN_JOB_DOWNTIME, offsetof(FerryTransferStats, downtime_ms) },
    { VIR_DOMAIN_JOB_TIME_ELAPSED, offsetof(FerryTransferStats, elapsed_ms) },
    /* VIR_DOMAIN_JOB_VFIO_DATA_TRANSFERRED, which older headers do not have */
    { "vfio_data_transferred", offsetof(FerryTransferStats, device_bytes) },
    { VIR_DOMAIN_JOB_MEMORY_ITERATION, offsetof(FerryTransferStats, iteration) },
};

static void
read_stats(const Parameters *parameters, FerryTransferStats *stats)
{
    unsigned long long pages_s = 0;
    unsigned long long page_bytes = 0;
    unsigned long long number = 0;
    int throttle = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(figures); i++)
        if (virTypedParamsGetULLong(parameters->rows, parameters->n, figures[i].name, &number) == 1)
            *(uint64_t *)(void *)((char *)stats + figures[i].offset) = number;
    if (virTypedParamsGetULLong(parameters->rows, parameters->n, VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE,
                                &pages_s) == 1 &&
        virTypedParamsGetULLong(parameters->rows, parameters->n, VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE,
                                &page_bytes) == 1)
        stats->dirty_rate_bps = pages_s * page_bytes;
    if (virTypedParamsGetInt(parameters->rows, parameters->n, VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE,
                             &throttle) == 1)
        stats->throttle_percent = (uint64_t)throttle;
}

bool
ferry_guests_transfer_stats(FerryGuests *self,
                            const char *uuid,
                            FerryTransferStats *ret,
                            GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    g_auto(Parameters) parameters = { NULL, 0, 0 };
    FerryTransferStats stats = { 0 };
    int type = VIR_DOMAIN_JOB_NONE;

    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    /* "Operation invalid": it does not run (any more), so nothing is under way. */
    if (virDomainGetJobStats(domain, &type, &parameters.rows, &parameters.n, 0) < 0 &&
        ferry_handle_error_code() != VIR_ERR_OPERATION_INVALID)
        return ferry_handle_failed(error, "read the progress of guest", uuid);
    if (type != VIR_DOMAIN_JOB_NONE)
        read_stats(&parameters, &stats);
    *ret = stats;
    return true;
}

bool
ferry_guests_set_max_downtime(FerryGuests *self,
                              const char *uuid,
                              uint64_t downtime_ms,
                              GError **error)
{
    g_autoptr(virDomain) domain = NULL;

    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    return virDomainMigrateSetMaxDowntime(domain, downtime_ms, 0) == 0 ||
           ferry_handle_failed(error, "limit the downtime of guest", uuid);
}
