/*
 * Invariants of the journal's tables:
 *   1. job.record and job.updated_us are those of the job's record with the greatest seq.
 *   2. At most one job of a guest has live = 1 (the index job_live keeps it).
 *   3. A record is never changed; DONE is the last one of its job.
 */
#include "store/journal.h"

#include "base/error.h"
#include "store/query.h"

void
ferry_job_row_free(FerryJobRow *row)
{
    if (row == NULL)
        return;
    g_free(row->id);
    g_free(row->guest_uuid);
    g_free(row->guest_name);
    g_free(row->peer);
    g_free(row);
}

#define JOB_COLUMNS "id, side, guest_uuid, guest_name, peer, record, created_us, updated_us"

static bool
unreadable(FerryStore *self, const char *job_id, const char *word, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT,
                "cannot read job %s from %s: it says \"%s\", which no ferry writes. The file was "
                "kept: look at the job on the other host before anything else.",
                job_id, self->path, word);
    return false;
}

static bool
job_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    g_autoptr(FerryJobRow) row = g_new0(FerryJobRow, 1);
    g_autofree char *side = ferry_store_text(query, 1);
    g_autofree char *record = ferry_store_text(query, 5);

    row->id = ferry_store_text(query, 0);
    row->side = g_strcmp0(side, ferry_side_name(FERRY_SIDE_SOURCE)) == 0 ? FERRY_SIDE_SOURCE
                                                                         : FERRY_SIDE_TARGET;
    row->guest_uuid = ferry_store_text(query, 2);
    row->guest_name = ferry_store_text(query, 3);
    row->peer = ferry_store_text(query, 4);
    row->created_us = sqlite3_column_int64(query, 6);
    row->updated_us = sqlite3_column_int64(query, 7);
    if (g_strcmp0(side, ferry_side_name(row->side)) != 0)
        return unreadable(self, row->id, side, error);
    if (!ferry_record_kind_parse(record, &row->record))
        return unreadable(self, row->id, record, error);
    *ret = g_steal_pointer(&row);
    return true;
}

static bool
find_job(FerryStore *self, const char *sql, const char *key, FerryJobRow **ret, GError **error)
{
    g_autoptr(sqlite3_stmt) query = ferry_store_query(self, error, sql, "s", key);
    void *job = NULL;

    if (!ferry_store_first(self, query, job_of, &job, error))
        return false;
    *ret = job;
    return true;
}

/* Caller holds the lock. */
static bool
find_live(FerryStore *self, const char *guest_uuid, FerryJobRow **ret, GError **error)
{
    return find_job(self, "SELECT " JOB_COLUMNS " FROM job WHERE guest_uuid = ? AND live = 1",
                    guest_uuid, ret, error);
}

static bool
refuse_second(FerryStore *self, const FerryJobRow *job, GError **error)
{
    g_autoptr(FerryJobRow) other = NULL;

    if (!find_live(self, job->guest_uuid, &other, error))
        return false;
    if (other == NULL)
        return true;
    g_set_error(
        error, FERRY_ERROR, FERRY_ERROR_BUSY,
        "cannot begin job %s: job %s with host %s holds guest %s on this host. Wait for its end, "
        "or look at it with \"ferry job show %s\".",
        job->id, other->id, other->peer, job->guest_name, other->id);
    return false;
}

typedef struct {
    const FerryJobRow *job;
    FerryRecordKind kind;
    const char *data;
    int64_t wall_us;
} Append;

static bool
insert_job(FerryStore *self, const Append *append, GError **error)
{
    const FerryJobRow *job = append->job;
    bool holds = append->kind != FERRY_RECORD_ABORTED && append->kind != FERRY_RECORD_DONE;

    if (holds && !refuse_second(self, job, error))
        return false;
    return ferry_store_run(self, error,
                           "INSERT INTO job (" JOB_COLUMNS ", live)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
                           "ssssssii", job->id, ferry_side_name(job->side), job->guest_uuid,
                           job->guest_name, job->peer, ferry_record_kind_name(append->kind),
                           append->wall_us, (int64_t)holds);
}

static bool
append_body(FerryStore *self, void *data, GError **error)
{
    const Append *append = data;
    const char *kind = ferry_record_kind_name(append->kind);
    g_autoptr(FerryJobRow) known = NULL;

    if (!find_job(self, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?", append->job->id, &known,
                  error))
        return false;
    if (known != NULL && known->record == FERRY_RECORD_DONE) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot write record %s of job %s: the job is over", kind, known->id);
        return false;
    }
    if (known == NULL && !insert_job(self, append, error))
        return false;
    if (!ferry_store_run(self, error,
                         "UPDATE job SET record = ?2, updated_us = ?3,"
                         " live = live AND ?2 <> 'DONE' WHERE id = ?1",
                         "ssi", append->job->id, kind, append->wall_us))
        return false;
    return ferry_store_run(
        self, error,
        "INSERT INTO record (job, seq, kind, wall_us, data) VALUES (?1,"
        " (SELECT 1 + coalesce(max(seq), 0) FROM record WHERE job = ?1), ?2, ?3, ?4)",
        "ssis", append->job->id, kind, append->wall_us, append->data == NULL ? "" : append->data);
}

bool
ferry_journal_append(FerryStore *self,
                     const FerryJobRow *job,
                     FerryRecordKind kind,
                     const char *data,
                     int64_t wall_us,
                     GError **error)
{
    FERRY_STORE_LOCKED(self);
    Append append = { job, kind, data, wall_us };

    ferry_record_crash_before(job->side, kind);
    if (!ferry_store_transaction(self, append_body, &append, error)) {
        g_prefix_error(error, "job %s, record %s: ", job->id, ferry_record_kind_name(kind));
        return false;
    }
    ferry_record_crash_after(job->side, kind);
    return true;
}

bool
ferry_journal_job(FerryStore *self, const char *job_id, FerryJobRow **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);

    return find_job(self, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?", job_id, ret, error);
}

bool
ferry_journal_live_job_of(FerryStore *self,
                          const char *guest_uuid,
                          FerryJobRow **ret,
                          GError **error)
{
    FERRY_STORE_LOCKED(self);

    return find_live(self, guest_uuid, ret, error);
}

static bool
record_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    g_autoptr(FerryRecord) record = g_new0(FerryRecord, 1);
    g_autofree char *kind = ferry_store_text(query, 1);

    if (!ferry_record_kind_parse(kind, &record->kind))
        return unreadable(self, (const char *)sqlite3_column_text(query, 4), kind, error);
    record->seq = sqlite3_column_int64(query, 0);
    record->wall_us = sqlite3_column_int64(query, 2);
    record->data = ferry_store_text(query, 3);
    *ret = g_steal_pointer(&record);
    return true;
}

bool
ferry_journal_read(FerryStore *self, const char *job_id, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query =
        ferry_store_query(self, error,
                          "SELECT seq, kind, wall_us, data, job FROM record"
                          " WHERE job = ? ORDER BY seq",
                          "s", job_id);

    return ferry_store_collect(self, query, record_of, (GDestroyNotify)ferry_record_free, ret,
                               error);
}

bool
ferry_journal_jobs(FerryStore *self, FerryJournalWhich which, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query =
        ferry_store_query(self, error,
                          "SELECT " JOB_COLUMNS " FROM job WHERE ? OR record <> 'DONE'"
                          " ORDER BY created_us DESC, id DESC",
                          "i", (int64_t)(which == FERRY_JOURNAL_ALL));

    return ferry_store_collect(self, query, job_of, (GDestroyNotify)ferry_job_row_free, ret, error);
}

static bool
id_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    (void)self;
    (void)error;
    *ret = ferry_store_text(query, 0);
    return true;
}

bool
ferry_journal_forget(FerryStore *self, int64_t done_before_us, GPtrArray **ret, GError **error)
{
    FERRY_STORE_LOCKED(self);
    g_autoptr(sqlite3_stmt) query = ferry_store_query(
        self, error, "DELETE FROM job WHERE record = 'DONE' AND updated_us < ? RETURNING id", "i",
        done_before_us);

    return ferry_store_collect(self, query, id_of, g_free, ret, error);
}
