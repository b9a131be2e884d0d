#include "store/journal.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "fixture.h"
#include "store/query.h"

#define GUEST_A "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define GUEST_B "4b20d080-1b54-4048-85b3-a6a62d165c02"

static const FerryJobRow job_a = { .id = (char *)"job-a",
                                   .side = FERRY_SIDE_SOURCE,
                                   .guest_uuid = (char *)GUEST_A,
                                   .guest_name = (char *)"web",
                                   .peer = (char *)"beta" };
static const FerryJobRow second_of_a = { .id = (char *)"job-a2",
                                         .side = FERRY_SIDE_TARGET,
                                         .guest_uuid = (char *)GUEST_A,
                                         .guest_name = (char *)"web",
                                         .peer = (char *)"gamma" };
static const FerryJobRow job_b = { .id = (char *)"job-b",
                                   .side = FERRY_SIDE_TARGET,
                                   .guest_uuid = (char *)GUEST_B,
                                   .guest_name = (char *)"db",
                                   .peer = (char *)"beta" };

static void
append(StoreFixture *fixture,
       const FerryJobRow *job,
       FerryRecordKind kind,
       const char *data,
       int64_t wall_us)
{
    g_autoptr(GError) error = NULL;

    ferry_journal_append(fixture->store, job, kind, data, wall_us, &error);
    g_assert_no_error(error);
}

static FerryRecordKind
newest(StoreFixture *fixture, const char *id)
{
    g_autoptr(FerryJobRow) job = NULL;

    g_assert_true(ferry_journal_job(fixture->store, id, &job, NULL));
    return job == NULL ? FERRY_RECORD_NONE : job->record;
}

static void
test_records_come_back_in_order(StoreFixture *fixture, gconstpointer data)
{
    static const struct {
        FerryRecordKind kind;
        const char *given, *kept;
    } rows[] = {
        { FERRY_RECORD_PLANNED, "{\"plan\": 1}", "{\"plan\": 1}" },
        { FERRY_RECORD_DETACH, "{\"alias\": \"ua-net0\"}", "{\"alias\": \"ua-net0\"}" },
        { FERRY_RECORD_DETACH, "", "" },
        { FERRY_RECORD_TRANSFER, NULL, "" },
    };
    g_autoptr(GPtrArray) records = NULL;

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        append(fixture, &job_a, rows[i].kind, rows[i].given, 1000 - (int64_t)i);
    store_fixture_reopen(fixture);
    g_assert_true(ferry_journal_read(fixture->store, "job-a", &records, NULL));
    g_assert_cmpuint(records->len, ==, G_N_ELEMENTS(rows));
    for (unsigned i = 0; i < records->len; i++) {
        const FerryRecord *record = g_ptr_array_index(records, i);

        g_assert_cmpint(record->seq, ==, i + 1);
        g_assert_cmpint(record->kind, ==, rows[i].kind);
        g_assert_cmpstr(record->data, ==, rows[i].kept);
        g_assert_cmpint(record->wall_us, ==,
                        1000 - (int64_t)i); /* may go backwards: display only */
    }
}

static void
test_job_shows_first_and_newest(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryJobRow) job = NULL;

    (void)data;
    append(fixture, &job_b, FERRY_RECORD_RESERVED, NULL, 5);
    append(fixture, &job_b, FERRY_RECORD_PREPARED, NULL, 9);
    g_assert_true(ferry_journal_job(fixture->store, "job-b", &job, NULL));
    g_assert_cmpstr(job->id, ==, "job-b");
    g_assert_cmpint(job->side, ==, FERRY_SIDE_TARGET);
    g_assert_cmpstr(job->guest_uuid, ==, GUEST_B);
    g_assert_cmpstr(job->guest_name, ==, "db");
    g_assert_cmpstr(job->peer, ==, "beta");
    g_assert_cmpint(job->record, ==, FERRY_RECORD_PREPARED);
    g_assert_cmpint(job->created_us, ==, 5);
    g_assert_cmpint(job->updated_us, ==, 9);
}

static void
test_unknown_job(StoreFixture *fixture, gconstpointer data)
{
    FerryJobRow *job = (FerryJobRow *)fixture;
    FerryJobRow *live = (FerryJobRow *)fixture;
    g_autoptr(GPtrArray) records = NULL;

    (void)data;
    g_assert_true(ferry_journal_job(fixture->store, "none", &job, NULL));
    g_assert_null(job);
    g_assert_true(ferry_journal_live_job_of(fixture->store, GUEST_A, &live, NULL));
    g_assert_null(live);
    g_assert_true(ferry_journal_read(fixture->store, "none", &records, NULL));
    g_assert_cmpuint(records->len, ==, 0);
}

/* One live job a guest, on either side: section 9 of docs/handover.md. */
static void
test_second_job_of_a_guest_is_refused(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FerryJobRow) live = NULL;

    (void)data;
    append(fixture, &job_a, FERRY_RECORD_PLANNED, NULL, 1);
    append(fixture, &job_b, FERRY_RECORD_RESERVED, NULL, 1); /* another guest: fine */
    g_assert_false(
        ferry_journal_append(fixture->store, &second_of_a, FERRY_RECORD_RESERVED, NULL, 2, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpstr(
        error->message, ==,
        "job job-a2, record RESERVED: cannot begin job job-a2: job job-a with host beta "
        "holds guest web on this host. Wait for its end, or look at it with \"ferry job "
        "show job-a\".");
    g_assert_cmpint(newest(fixture, "job-a2"), ==, FERRY_RECORD_NONE);
    g_assert_true(ferry_journal_live_job_of(fixture->store, GUEST_A, &live, NULL));
    g_assert_cmpstr(live->id, ==, "job-a");
}

static void
test_second_job_after_done(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryJobRow) live = NULL;

    (void)data;
    append(fixture, &job_a, FERRY_RECORD_PLANNED, NULL, 1);
    append(fixture, &job_a, FERRY_RECORD_ABORTED, NULL, 2);
    g_assert_false(
        ferry_journal_append(fixture->store, &second_of_a, FERRY_RECORD_RESERVED, NULL, 3, NULL));
    append(fixture, &job_a, FERRY_RECORD_DONE, NULL, 4);
    append(fixture, &second_of_a, FERRY_RECORD_RESERVED, NULL, 5);
    g_assert_true(ferry_journal_live_job_of(fixture->store, GUEST_A, &live, NULL));
    g_assert_cmpstr(live->id, ==, "job-a2");
}

/* T2: the late ABORT of an older job must be written although a newer one holds the guest. */
static void
test_tombstone_holds_nothing(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryJobRow) live = NULL;

    (void)data;
    append(fixture, &job_a, FERRY_RECORD_PLANNED, NULL, 1);
    append(fixture, &second_of_a, FERRY_RECORD_ABORTED, NULL, 2);
    append(fixture, &second_of_a, FERRY_RECORD_DONE, NULL, 3);
    g_assert_true(ferry_journal_live_job_of(fixture->store, GUEST_A, &live, NULL));
    g_assert_cmpstr(live->id, ==, "job-a");
    g_assert_cmpint(newest(fixture, "job-a2"), ==, FERRY_RECORD_DONE);
}

static void
test_done_is_last(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) records = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    append(fixture, &job_a, FERRY_RECORD_PLANNED, NULL, 1);
    append(fixture, &job_a, FERRY_RECORD_DONE, NULL, 2);
    g_assert_false(
        ferry_journal_append(fixture->store, &job_a, FERRY_RECORD_ABORTED, NULL, 3, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(
        error->message, ==,
        "job job-a, record ABORTED: cannot write record ABORTED of job job-a: the job is over");
    g_assert_true(ferry_journal_read(fixture->store, "job-a", &records, NULL));
    g_assert_cmpuint(records->len, ==, 2);
}

static void
assert_jobs(StoreFixture *fixture, FerryJournalWhich which, const char *expected)
{
    g_autoptr(GPtrArray) jobs = NULL;
    g_autoptr(GString) ids = g_string_new("");

    g_assert_true(ferry_journal_jobs(fixture->store, which, &jobs, NULL));
    for (unsigned i = 0; i < jobs->len; i++) {
        const FerryJobRow *job = g_ptr_array_index(jobs, i);

        g_string_append_printf(ids, "%s%s", i == 0 ? "" : " ", job->id);
    }
    g_assert_cmpstr(ids->str, ==, expected);
}

static void
test_lists(StoreFixture *fixture, gconstpointer data)
{
    (void)data;
    assert_jobs(fixture, FERRY_JOURNAL_ALL, "");
    append(fixture, &job_a, FERRY_RECORD_PLANNED, NULL, 1);
    append(fixture, &job_a, FERRY_RECORD_DONE, NULL, 20);
    append(fixture, &job_b, FERRY_RECORD_RESERVED, NULL, 3);
    append(fixture, &second_of_a, FERRY_RECORD_RESERVED, NULL, 2);
    assert_jobs(fixture, FERRY_JOURNAL_ALL, "job-b job-a2 job-a");
    assert_jobs(fixture, FERRY_JOURNAL_UNFINISHED, "job-b job-a2");
}

static void
test_forget_takes_old_tombstones_only(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) records = NULL;
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(GPtrArray) ids = NULL;

    (void)data;
    append(fixture, &job_a, FERRY_RECORD_PLANNED, NULL, 1);
    append(fixture, &job_a, FERRY_RECORD_DONE, NULL, 20);
    append(fixture, &job_b, FERRY_RECORD_RESERVED, NULL, 3);
    g_assert_true(ferry_journal_forget(fixture->store, 20, &none, NULL));
    g_assert_cmpuint(none->len, ==, 0);
    assert_jobs(fixture, FERRY_JOURNAL_ALL, "job-b job-a");
    g_assert_true(ferry_journal_forget(fixture->store, 21, &ids, NULL));
    g_assert_cmpuint(ids->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(ids, 0), ==, "job-a");
    assert_jobs(fixture, FERRY_JOURNAL_ALL, "job-b");
    g_assert_true(ferry_journal_read(fixture->store, "job-a", &records, NULL));
    g_assert_cmpuint(records->len, ==, 0);
}

/* The process dies by SIGKILL at the named point; returns the newest record that is found then. */
static FerryRecordKind
record_after_crash_at(StoreFixture *fixture, const char *point, FerryRecordKind kind)
{
    int status = 0;
    pid_t child = -1;

    store_fixture_close(fixture); /* a connection does not survive a fork */
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        g_setenv("FERRY_CRASH_AT", point, TRUE);
        store_fixture_reopen(fixture);
        append(fixture, &job_a, kind, "{}", 2);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
    store_fixture_reopen(fixture);
    return newest(fixture, "job-a");
}

static void
test_crash_before_and_after(StoreFixture *fixture, gconstpointer data)
{
    (void)data;
    append(fixture, &job_a, FERRY_RECORD_TRANSFER, NULL, 1);
    g_assert_cmpint(record_after_crash_at(fixture, "S.HANDOFF.before", FERRY_RECORD_HANDOFF), ==,
                    FERRY_RECORD_TRANSFER);
    g_assert_cmpint(record_after_crash_at(fixture, "S.HANDOFF.after", FERRY_RECORD_HANDOFF), ==,
                    FERRY_RECORD_HANDOFF);
}

/* What SQLite can be told to refuse stands for a full disk and a read-only one. */
static const struct {
    const char *name, *pragma, *message;
    FerryErrorCode code;
} failures[] = {
    { "full", "PRAGMA max_page_count = 1", "database or disk is full. Free space",
      FERRY_ERROR_EXHAUSTED },
    { "read-only", "PRAGMA query_only = 1", "Make the file and its folder writable",
      FERRY_ERROR_DENIED },
};

/* How many records of job A a store has whose log was left like that. */
static guint
n_records_after(const StoreFixture *fixture, const char *db, gsize n_db, const char *log, gsize n)
{
    g_autofree char *path = g_build_filename(fixture->folder, "torn.db", NULL);
    g_autofree char *wal = g_strconcat(path, "-wal", NULL);
    g_autoptr(FerryStore) store = NULL;
    g_autoptr(GPtrArray) records = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(path, db, (gssize)n_db, NULL));
    g_assert_true(g_file_set_contents(wal, log, (gssize)n, NULL));
    ferry_store_open(path, &store, &error);
    g_assert_no_error(error);
    g_assert_true(ferry_journal_read(store, "job-a", &records, NULL));
    for (guint i = 0; i < records->len; i++)
        g_assert_cmpint(((FerryRecord *)g_ptr_array_index(records, i))->seq, ==, i + 1);
    ferry_store_close(g_steal_pointer(&store));
    (void)g_unlink(wal);
    g_assert_cmpint(g_unlink(path), ==, 0);
    return records->len;
}

/* The host lost power in a write: the log ends anywhere, or a block of it is another.  What stood
 * before that is there, whole records only, and nothing has to be repaired. */
static void
test_torn(StoreFixture *fixture, gconstpointer data)
{
    static const FerryRecordKind kinds[] = { FERRY_RECORD_PLANNED, FERRY_RECORD_DETACH,
                                             FERRY_RECORD_TRANSFER, FERRY_RECORD_HANDOFF };
    g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
    g_autofree char *db = NULL;
    g_autofree char *log = NULL;
    gsize n_db = 0, n_log = 0;
    guint before = 0;

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        append(fixture, &job_a, kinds[i], "{}", 1000);
    g_assert_true(g_file_get_contents(fixture->path, &db, &n_db, NULL));
    g_assert_true(g_file_get_contents(wal, &log, &n_log, NULL));
    for (gsize end = 0; end < n_log; end += 1021) {
        guint torn = n_records_after(fixture, db, n_db, log, end);

        log[end] = (char)~log[end];
        g_assert_cmpuint(n_records_after(fixture, db, n_db, log, n_log), <=, torn + 1);
        log[end] = (char)~log[end];
        g_assert_cmpuint(torn, >=, before);
        before = torn;
    }
    g_assert_cmpuint(n_records_after(fixture, db, n_db, log, n_log), ==, G_N_ELEMENTS(kinds));
    g_assert_cmpuint(before, >=, G_N_ELEMENTS(kinds) - 1);
}

static void
test_failed_append_changes_nothing(StoreFixture *fixture, gconstpointer data)
{
    g_autofree char *large = g_strnfill(1 << 20, 'x');

    (void)data;
    append(fixture, &job_a, FERRY_RECORD_TRANSFER, NULL, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(sqlite3_exec(fixture->store->db, failures[i].pragma, NULL, NULL, NULL), ==,
                        SQLITE_OK);
        g_assert_false(
            ferry_journal_append(fixture->store, &job_a, FERRY_RECORD_HANDOFF, large, 2, &error));
        g_assert_error(error, FERRY_ERROR, (int)failures[i].code);
        g_assert_nonnull(strstr(error->message, fixture->path));
        g_assert_nonnull(strstr(error->message, failures[i].message));
        g_assert_cmpint(newest(fixture, "job-a"), ==, FERRY_RECORD_TRANSFER);
        store_fixture_reopen(fixture);
    }
    append(fixture, &job_a, FERRY_RECORD_HANDOFF, large, 3);
}

static void
test_unknown_words_are_corrupt(StoreFixture *fixture, gconstpointer data)
{
    static const char *const edits[] = {
        "UPDATE job SET record = 'SURE'",
        "UPDATE job SET record = 'PLANNED', side = 'middle'",
        "UPDATE record SET kind = ''",
    };

    (void)data;
    append(fixture, &job_a, FERRY_RECORD_PLANNED, NULL, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(edits); i++) {
        g_autoptr(GPtrArray) rows = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(sqlite3_exec(fixture->store->db, edits[i], NULL, NULL, NULL), ==,
                        SQLITE_OK);
        if (i < 2)
            g_assert_false(ferry_journal_jobs(fixture->store, FERRY_JOURNAL_ALL, &rows, &error));
        else
            g_assert_false(ferry_journal_read(fixture->store, "job-a", &rows, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT);
        g_assert_nonnull(strstr(error->message, "cannot read job job-a from "));
        g_assert_null(rows);
    }
}

static void *
append_fifty(void *data)
{
    StoreFixture *fixture = data;

    for (int i = 0; i < 50; i++)
        append(fixture, &job_a, FERRY_RECORD_DETACH, "{}", i);
    return NULL;
}

static void
test_threads(StoreFixture *fixture, gconstpointer data)
{
    pthread_t threads[4];
    g_autoptr(GPtrArray) records = NULL;

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, append_fifty, fixture), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
    g_assert_true(ferry_journal_read(fixture->store, "job-a", &records, NULL));
    g_assert_cmpuint(records->len, ==, 50 * G_N_ELEMENTS(threads));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/journal/records-come-back-in-order", test_records_come_back_in_order);
    STORE_TEST("/journal/job-shows-first-and-newest", test_job_shows_first_and_newest);
    STORE_TEST("/journal/unknown-job", test_unknown_job);
    STORE_TEST("/journal/second-job-of-a-guest-is-refused", test_second_job_of_a_guest_is_refused);
    STORE_TEST("/journal/second-job-after-done", test_second_job_after_done);
    STORE_TEST("/journal/tombstone-holds-nothing", test_tombstone_holds_nothing);
    STORE_TEST("/journal/done-is-last", test_done_is_last);
    STORE_TEST("/journal/lists", test_lists);
    STORE_TEST("/journal/forget-takes-old-tombstones-only", test_forget_takes_old_tombstones_only);
    STORE_TEST("/journal/crash-before-and-after", test_crash_before_and_after);
    STORE_TEST("/journal/torn", test_torn);
    STORE_TEST("/journal/failed-append-changes-nothing", test_failed_append_changes_nothing);
    STORE_TEST("/journal/unknown-words-are-corrupt", test_unknown_words_are_corrupt);
    STORE_TEST("/journal/threads", test_threads);
    return g_test_run();
}
