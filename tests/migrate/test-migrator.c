#include "migrate/migrator.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <unistd.h>

#include "base/error.h"
#include "store/store.h"

#define JOB    "5c36f433-e8cb-4dbb-8e75-905305d1fc76"
#define GUEST  "0f0e1d2c-3b4a-4958-8776-695a4b3c2d1e"
#define ROUNDS 300
#define ENOUGH 10000

/* A host that never heard of the job its peer takes back: the answer is a tombstone. */
typedef struct {
    char *folder, *db;
    FerryStore *store;
    FerryGuests *guests;
    FerryMigrator *migrator;
} Host;

static void
host_setup(Host *self, gconstpointer data)
{
    FerryMigratorConfig config = { .clock = ferry_clock_system(), .name = "beta" };

    (void)data;
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
    g_autoptr(GDir) dir = NULL;
    const char *file = NULL;

    (void)data;
    end_job(self);
    ferry_migrator_free(self->migrator);
    ferry_guests_free(self->guests);
    ferry_store_close(self->store);
    dir = g_dir_open(self->folder, 0, NULL);
    while ((file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(self->folder, file, NULL);

        (void)g_remove(path);
    }
    g_assert_cmpint(g_rmdir(self->folder), ==, 0);
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
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/migrator/tombstone", Host, NULL, host_setup, test_tombstone, host_teardown);
    g_test_add("/migrator/asked-and-looked-at", Host, NULL, host_setup, test_asked_and_looked_at,
               host_teardown);
    return g_test_run();
}
