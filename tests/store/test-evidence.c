#include "store/evidence.h"

#include <string.h>

#include "base/error.h"
#include "fixture.h"
#include "store/journal.h"

#define JOB   "11111111-2222-4333-8444-555555555555"
#define GUEST "4b20d080-1b54-4048-85b3-a6a62d165c01"

/* The journal of a host that went down: its file and log as they are while it runs. */
static void
fill(StoreFixture *fixture)
{
    static const FerryRecordKind kinds[] = { FERRY_RECORD_RESERVED, FERRY_RECORD_PREPARED,
                                             FERRY_RECORD_COMMIT };
    const FerryJobRow job = { .id = (char *)JOB,
                              .side = FERRY_SIDE_TARGET,
                              .guest_uuid = (char *)GUEST,
                              .guest_name = (char *)"web",
                              .peer = (char *)"alpha" };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        g_assert_true(ferry_journal_append(fixture->store, &job, kinds[i], "{}", (int64_t)i, NULL));
}

static const FerryEvidence right = { JOB, FERRY_SIDE_TARGET, GUEST };

static bool
read_evidence(StoreFixture *fixture, const FerryEvidence *wanted, GPtrArray **ret, GError **error)
{
    return ferry_evidence_read(fixture->path, fixture->folder, wanted, ret, error);
}

static void
test_reads_what_is_only_in_the_log(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) records = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    gsize before_length = 0;
    gsize after_length = 0;

    (void)data;
    fill(fixture);
    g_assert_true(g_file_get_contents(fixture->path, &before, &before_length, NULL));
    g_assert_true(read_evidence(fixture, &right, &records, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(records->len, ==, 3);
    g_assert_cmpint(((FerryRecord *)g_ptr_array_index(records, 2))->kind, ==, FERRY_RECORD_COMMIT);
    g_assert_true(g_file_get_contents(fixture->path, &after, &after_length, NULL));
    g_assert_cmpmem(before, (int)before_length, after, (int)after_length);
}

/* A clean end takes the log away: such a file cannot be told from one whose log was forgotten. */
static void
test_needs_the_log(StoreFixture *fixture, gconstpointer data)
{
    GPtrArray *records = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    fill(fixture);
    store_fixture_close(fixture);
    g_assert_false(read_evidence(fixture, &right, &records, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "ferry.db-wal"));
    g_assert_null(records);
}

typedef struct {
    const char *name;
    FerryEvidence wanted;
    const char *message;
} Wrong;

static void
test_of_another_job(StoreFixture *fixture, gconstpointer data)
{
    static const Wrong rows[] = {
        { "unknown job", { GUEST, FERRY_SIDE_TARGET, GUEST }, "it knows no such job" },
        { "our own journal", { JOB, FERRY_SIDE_SOURCE, GUEST }, "it is not the other host's" },
        { "another guest", { JOB, FERRY_SIDE_TARGET, JOB }, "it is not the other host's" },
    };

    (void)data;
    fill(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        GPtrArray *records = NULL;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", rows[i].name);
        g_assert_false(read_evidence(fixture, &rows[i].wanted, &records, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, rows[i].message));
        g_assert_null(records);
    }
}

static void
test_no_database(StoreFixture *fixture, gconstpointer data)
{
    static const struct {
        const char *path;
        FerryErrorCode code;
    } rows[] = {
        { "ferry.db", FERRY_ERROR_INVALID },  { "/nowhere/ferry.db", FERRY_ERROR_NOT_FOUND },
        { "/dev/null", FERRY_ERROR_INVALID }, { "/", FERRY_ERROR_INVALID },
        { "/proc/self/mem", FERRY_ERROR_IO },
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        GPtrArray *records = NULL;
        g_autoptr(GError) error = NULL;

        g_test_message("%s", rows[i].path);
        g_assert_false(
            ferry_evidence_read(rows[i].path, fixture->folder, &right, &records, &error));
        g_assert_error(error, FERRY_ERROR, (int)rows[i].code);
        g_assert_null(records);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/evidence/only-in-the-log", test_reads_what_is_only_in_the_log);
    STORE_TEST("/evidence/needs-the-log", test_needs_the_log);
    STORE_TEST("/evidence/of-another-job", test_of_another_job);
    STORE_TEST("/evidence/no-database", test_no_database);
    return g_test_run();
}
