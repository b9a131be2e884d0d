#include "migrate/run.h"

#include <pthread.h>
#include <unistd.h>

#include "base/error.h"
#include "store/history.h"
#include "store/store.h"
#include "temp-folder.h"

#define JOB    "5c36f433-e8cb-4dbb-8e75-905305d1fc76"
#define GUEST  "0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e"
#define ROUNDS 300
#define DAY_MS (24 * 3600 * INT64_C(1000))
#define ENOUGH 10000

/* The machine's, until the test lets days go by. */
typedef struct {
    FerryClock clock;
    gint64 gone_ms;
} Clock;

static int64_t
now_ms(const FerryClock *clock)
{
    return ferry_clock_system()->now_ms(clock) + ((const Clock *)clock)->gone_ms;
}

static int64_t
wall_us(const FerryClock *clock)
{
    return ferry_clock_system()->wall_us(clock) + 1000 * ((const Clock *)clock)->gone_ms;
}

/* A host that never heard of the job its peer takes back: the answer is a tombstone. */
typedef struct {
    Clock clock;
    char *folder, *db;
    FerryStore *store;
    FerryGuests *guests;
    FerryMigrator *migrator;
} Host;

static void
host_setup(Host *self, gconstpointer data)
{
    FerryMigratorConfig config = { .clock = &self->clock.clock,
                                   .name = "beta",
                                   .tombstone_ms = 7 * DAY_MS };

    (void)data;
    self->clock = (Clock){ .clock = { .now_ms = now_ms, .wall_us = wall_us } };
    self->folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    self->db = g_build_filename(self->folder, "ferry.db", NULL);
    g_assert_true(ferry_store_open(self->db, &self->store, NULL));
    self->guests = ferry_guests_new("qemu+unix:///system?socket=/nonexistent/sock");
    config.store = self->store;
    config.guests = self->guests;
    config.marker_dir = config.run_dir = config.memory_tls_dir = self->folder;
    config.libvirt_socket = "/nonexistent";
    self->migrator = ferry_migrator_new(&config);
}

/* Returns: (transfer full): what @self answers the peer alpha */
static json_t *
ask(Host *self, const char *caller, const char *what, GError **error)
{
    json_t *body = json_pack("{s:s, s:i, s:i}", "record", "aborted", "after", 0, "timeout_ms", 1);
    json_t *answer = NULL, *reasons = NULL;
    const bool ok =
        ferry_migrator_peer_ask(self->migrator, caller, JOB, what, body, &answer, &reasons, error);

    json_decref(body);
    g_assert_null(reasons);
    g_assert_true(ok == (answer != NULL));
    return answer;
}

/* To the end of its thread: a migrator that left a job under way must not be freed. */
static void
end_job(Host *self)
{
    bool is_finished = false;

    for (unsigned i = 0; i < ENOUGH && !is_finished; i++) {
        json_t *answer = ask(self, "alpha", "wait", NULL);

        is_finished = json_is_true(json_object_get(answer, "finished"));
        json_decref(answer);
    }
    g_assert_true(is_finished);
    for (unsigned i = 0; i < ENOUGH && !ferry_migrator_stop(self->migrator, 0); i++)
        g_thread_yield();
    g_assert_true(ferry_migrator_stop(self->migrator, 0));
}

static void
host_teardown(Host *self, gconstpointer data)
{
    (void)data;
    ferry_migrator_free(self->migrator);
    ferry_guests_free(self->guests);
    ferry_store_close(self->store);
    temp_folder_remove(self->folder);
    g_free(self->folder);
    g_free(self->db);
}

static void
test_tombstone(Host *self, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    json_t *none = ask(self, "alpha", "status", NULL);
    json_t *gone = ask(self, "alpha", "abort", NULL);

    (void)data;
    g_assert_cmpstr(json_string_value(json_object_get(none, "record")), ==, "none");
    g_assert_cmpstr(json_string_value(json_object_get(gone, "record")), ==, "ABORTED");
    g_assert_null(ask(self, "gamma", "status", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_DENIED);
    json_decref(none);
    json_decref(gone);
    end_job(self);
}

static unsigned
n_jobs(Host *self)
{
    g_autoptr(GPtrArray) jobs = ferry_migrator_jobs(self->migrator);

    return jobs->len;
}

static void
assert_kept(Host *self, unsigned expected)
{
    g_autoptr(GPtrArray) rows = NULL;

    ferry_migrator_tidy(self->migrator);
    g_assert_true(ferry_journal_jobs(self->store, FERRY_JOURNAL_ALL, &rows, NULL));
    g_assert_cmpuint(rows->len, ==, expected);
    g_assert_cmpuint(n_jobs(self), ==, expected);
}

static void
add_loads(Host *self, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autofree char *job = g_strdup_printf("load-%u", i);
        const FerryHistoryRow row = { .job = job,
                                      .alias = (char *)"ua-gpu0",
                                      .guest_uuid = (char *)"u",
                                      .peer = (char *)"alpha",
                                      .source_print = (char *)"s",
                                      .target_print = (char *)"t",
                                      .bytes = -1,
                                      .wall_us = self->clock.clock.wall_us(&self->clock.clock) };

        g_assert_true(ferry_history_add(self->store, &row, NULL));
    }
}

static unsigned
n_loads(Host *self)
{
    FerryHistoryLoads loads = { 0 };

    g_assert_true(ferry_history_loads(self->store, "s", "t", &loads, NULL));
    return loads.n_success;
}

/* By the host that goes on running: looked at once an hour, and gone for all who ask. */
static void
test_forgotten(Host *self, gconstpointer data)
{
    g_autoptr(FerryJob) held = NULL;
    g_autoptr(FerryRun) run = NULL;
    json_t *answer = NULL;

    (void)data;
    json_decref(ask(self, "alpha", "abort", NULL));
    end_job(self);
    add_loads(self, FERRY_HISTORY_LOADS + 1);
    assert_kept(self, 1);
    run = ferry_run_find(self->migrator, JOB);
    held = ferry_migrator_job(self->migrator, JOB);
    self->clock.gone_ms += 6 * DAY_MS;
    assert_kept(self, 1);
    self->clock.gone_ms += DAY_MS - 1800 * 1000;
    assert_kept(self, 1);
    self->clock.gone_ms += 1800 * 1000; /* old enough, but the hour is not over */
    self->clock.gone_ms += 1;
    assert_kept(self, 1);
    g_assert_cmpuint(n_loads(self), ==, FERRY_HISTORY_LOADS + 1);
    self->clock.gone_ms += 1800 * 1000;
    assert_kept(self, 0);
    g_assert_cmpuint(n_loads(self), ==, FERRY_HISTORY_LOADS);
    g_assert_null(ferry_migrator_job(self->migrator, JOB));
    g_assert_true(ferry_run_is_over(run)); /* whoever looked it up before still has it */
    g_assert_true(ferry_job_is_over(held));
    answer = ask(self, "alpha", "status", NULL);
    g_assert_cmpstr(json_string_value(json_object_get(answer, "record")), ==, "none");
    json_decref(answer);
}

/* Two requests may both have found that there is no such job. */
static void
test_claimed_once(Host *self, gconstpointer data)
{
    const FerryJobIdentity tombstone = { .id = JOB,
                                         .side = FERRY_SIDE_TARGET,
                                         .guest_name = "",
                                         .guest_uuid = "",
                                         .source = "alpha",
                                         .target = "beta" };
    g_autoptr(GError) error = NULL;
    g_autoptr(FerryRun) first = ferry_run_claim(self->migrator, &tombstone, NULL, NULL);

    (void)data;
    g_assert_nonnull(first);
    g_assert_null(ferry_run_claim(self->migrator, &tombstone, NULL, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpuint(n_jobs(self), ==, 1);
}

static void *
take_back(void *data)
{
    json_decref(ask(data, "alpha", "abort", NULL));
    return NULL;
}

/* A peer that hears nothing says it again while the first request is still looked at: one job. */
static void
test_asked_at_once(Host *self, gconstpointer data)
{
    pthread_t threads[8];
    g_autoptr(GPtrArray) records = NULL;

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_create(&threads[i], NULL, take_back, self), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
    end_job(self);
    g_assert_cmpuint(n_jobs(self), ==, 1);
    g_assert_true(ferry_journal_read(self->store, JOB, &records, NULL));
    g_assert_cmpuint(records->len, ==, 2); /* ABORTED, DONE */
}

/* What the keeper and `ferry job list` do all the time. */
static void *
look(void *data)
{
    Host *self = data;

    for (unsigned i = 0; i < ROUNDS; i++) {
        g_autoptr(GPtrArray) jobs = ferry_migrator_jobs(self->migrator);

        g_assert_cmpuint(jobs->len, ==, 1);
        g_assert_null(ferry_migrator_job_of_guest(self->migrator, GUEST));
    }
    return NULL;
}

/* An answer asks, under its run's lock, whether the host stops; a look goes through the runs. */
static void
test_asked_and_looked_at(Host *self, gconstpointer data)
{
    pthread_t thread;

    (void)data;
    json_decref(ask(self, "alpha", "abort", NULL));
    g_assert_cmpint(pthread_create(&thread, NULL, look, self), ==, 0);
    for (unsigned i = 0; i < ROUNDS; i++)
        json_decref(ask(self, "alpha", "wait", NULL));
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    end_job(self);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/migrator/tombstone", Host, NULL, host_setup, test_tombstone, host_teardown);
    g_test_add("/migrator/forgotten", Host, NULL, host_setup, test_forgotten, host_teardown);
    g_test_add("/migrator/claimed-once", Host, NULL, host_setup, test_claimed_once, host_teardown);
    g_test_add("/migrator/asked-at-once", Host, NULL, host_setup, test_asked_at_once,
               host_teardown);
    g_test_add("/migrator/asked-and-looked-at", Host, NULL, host_setup, test_asked_and_looked_at,
               host_teardown);
    return g_test_run();
}
