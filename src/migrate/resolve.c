#include "migrate/resolve.h"

#include "xml/domain.h"

/* One of the kinds is in the fenced host's journal of this job. */
static bool
has_record(const FerryResolution *resolution, const FerryRecordKind *kinds, size_t n)
{
    const GPtrArray *records = resolution->peer_records;

    for (guint i = 0; records != NULL && i < records->len; i++) {
        const FerryRecord *record = g_ptr_array_index(records, i);

        for (size_t j = 0; j < n; j++)
            if (record->kind == kinds[j])
                return true;
    }
    return false;
}

/* A disk that a running guest can write to, so that both copies could have.  XML that cannot be
 * read proves nothing. */
static char *
writable_disk(const FerryPlan *plan)
{
    g_autoptr(FerryDomain) domain = NULL;

    if (!ferry_domain_parse(plan->live_xml, &domain, NULL))
        return g_strdup("?");
    for (guint i = 0; i < domain->disks->len; i++) {
        const FerryDisk *disk = g_ptr_array_index(domain->disks, i);

        if (!disk->readonly)
            return g_strdup(disk->target != NULL ? disk->target : "?");
    }
    return NULL;
}

FerryKept
ferry_resolve_source(const FerryPlan *plan, const FerryResolution *resolution, char **why)
{
    static const FerryRecordKind decided[] = { FERRY_RECORD_COMMIT, FERRY_RECORD_RUNNING,
                                               FERRY_RECORD_LOST, FERRY_RECORD_RESOLVED };
    g_autofree char *disk = writable_disk(plan);

    if (has_record(resolution, decided, G_N_ELEMENTS(decided))) {
        *why = g_strdup_printf("the journal of %s shows that the guest was taken over there: its "
                               "memory here is older than that",
                               plan->target);
        return FERRY_KEPT_DISK;
    }
    if (resolution->peer_records != NULL) {
        *why =
            g_strdup_printf("the journal of %s shows that the guest never ran there", plan->target);
        return FERRY_KEPT_MEMORY;
    }
    if (disk == NULL) {
        *why = g_strdup_printf("the guest has no disk that %s could have written to", plan->target);
        return FERRY_KEPT_MEMORY;
    }
    *why = g_strdup_printf("the guest may have run at %s and written to disk %s since, so its "
                           "memory here is of no use: it would be discarded and the guest started "
                           "from disk. --journal FILE with the ferry.db of %s, its ferry.db-wal "
                           "beside it, may prove that it never ran there",
                           plan->target, disk, plan->target);
    return FERRY_KEPT_DISK;
}

FerryKept
ferry_resolve_target(const FerryPlan *plan, const FerryResolution *resolution, char **why)
{
    static const FerryRecordKind handoff = FERRY_RECORD_HANDOFF;
    static const FerryRecordKind taken_back[] = { FERRY_RECORD_ABORTED, FERRY_RECORD_RESOLVED };

    if (has_record(resolution, &handoff, 1) &&
        !has_record(resolution, taken_back, G_N_ELEMENTS(taken_back))) {
        *why =
            g_strdup_printf("the journal of %s shows that the guest was handed over", plan->source);
        return FERRY_KEPT_MEMORY;
    }
    *why = g_strdup_printf(
        "the guest may have run on at %s after its copy here was complete, so the copy is of no "
        "use: it would be discarded and the guest started from disk.%s",
        plan->source,
        resolution->peer_records != NULL
            ? ""
            : " --journal FILE with that host's ferry.db, its ferry.db-wal beside it, may prove "
              "that it was handed over");
    return FERRY_KEPT_DISK;
}

static const char *const kept_names[] = {
    [FERRY_KEPT_MEMORY] = "memory",
    [FERRY_KEPT_DISK] = "disk",
};

json_t *
ferry_resolve_format(const FerryResolution *resolution, FerryKept kept, const char *why)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?}", "fenced", resolution->fenced, "reason",
                     resolution->reason, "by", resolution->by, "kept", kept_names[kept], "because",
                     why, "journal", resolution->journal);
}

FerryKept
ferry_resolve_kept(const json_t *record)
{
    const char *kept = json_string_value(json_object_get(record, "kept"));

    return g_strcmp0(kept, kept_names[FERRY_KEPT_MEMORY]) == 0 ? FERRY_KEPT_MEMORY
                                                               : FERRY_KEPT_DISK;
}
