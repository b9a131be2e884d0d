/* What a user asks of the migrator for guests in files, with libvirt's test driver: one guest,
 * "test", that runs, and no way to save it with another XML. */
#include <string.h>

#include "base/error.h"
#include "guest/act.h"
#include "migrate/marker.h"
#include "migrate/restore-there.h"
#include "temp-folder.h"

#define JOB "5c36f433-e8cb-4dbb-8e75-905305d1fc76"

typedef struct {
    char *folder, *uuid, *file;
    FerryStore *store;
    FerryGuests *guests;
    FerryMigrator *migrator;
} Host;

static void
set_up(Host *self, gconstpointer data)
{
    FerryMigratorConfig config = {
        .clock = ferry_clock_system(), .name = "alpha", .root = -1, .timers = ferry_timers_default
    };
    g_autoptr(FerryGuest) guest = NULL;
    g_autofree char *db = NULL;

    (void)data;
    self->folder = g_dir_make_tmp("ferry-request-XXXXXX", NULL);
    self->file = g_build_filename(self->folder, "test", NULL);
    db = g_build_filename(self->folder, "ferry.db", NULL);
    g_assert_true(ferry_store_open(db, &self->store, NULL));
    self->guests = ferry_guests_new("test:///default");
    g_assert_true(ferry_guests_find(self->guests, "test", &guest, NULL));
    self->uuid = g_strdup(guest->uuid);
    g_assert_true(ferry_guests_start(self->guests, self->uuid, NULL));
    config.store = self->store;
    config.guests = self->guests;
    config.marker_dir = config.run_dir = config.memory_tls_dir = self->folder;
    self->migrator = ferry_migrator_new(&config);
}

static void
tear_down(Host *self, gconstpointer data)
{
    (void)data;
    g_assert_true(ferry_migrator_stop(self->migrator, 0));
    ferry_migrator_free(self->migrator);
    ferry_guests_free(self->guests);
    ferry_store_close(self->store);
    temp_folder_remove(self->folder);
    g_free(self->folder);
    g_free(self->file);
    g_free(self->uuid);
}

/* Asks to save, and gives the code of the refusal or error. */
static char *
save(Host *self, const char *guest, const char *file, FerryJob **ret_job)
{
    const FerrySaveRequest request = { guest, file, FERRY_SAVE_NEW };
    g_autoptr(GError) error = NULL;
    json_t *reasons = NULL;
    char *code = NULL;

    if (!ferry_migrator_save(self->migrator, &request, ret_job, &reasons, &error))
        return g_strdup(ferry_error_info((FerryErrorCode)error->code)->name);
    code = g_strdup(json_string_value(json_object_get(json_array_get(reasons, 0), "code")));
    json_decref(reasons);
    return code;
}

static void
assert_not_saved(Host *self, const char *guest, const char *file, const char *expected)
{
    FerryJob *job = NULL;
    g_autofree char *code = save(self, guest, file, &job);

    g_assert_cmpstr(code, ==, expected);
    g_assert_null(job);
}

static void
test_save_is_refused(Host *self, gconstpointer data)
{
    g_autofree char *taken = g_build_filename(self->folder, "taken", NULL);

    (void)data;
    g_assert_true(g_file_set_contents(taken, "mine", -1, NULL));
    assert_not_saved(self, "nobody", self->file, "not-found");
    assert_not_saved(self, "test", "relative", "invalid");
    assert_not_saved(self, "test", taken, "file-exists");
    assert_not_saved(self, "test", "/no/such/folder/test", "no-folder");
    g_assert_true(ferry_marker_set(self->folder, self->uuid, JOB, NULL));
    assert_not_saved(self, "test", self->file, "busy");
    g_assert_true(ferry_marker_clear(self->folder, self->uuid, JOB, NULL));
    g_assert_true(ferry_guests_destroy(self->guests, self->uuid, NULL));
    assert_not_saved(self, "test", self->file, "guest-not-running");
}

/* The driver takes no other XML: the job fails, and the guest goes on. */
static void
test_save_fails(Host *self, gconstpointer data)
{
    g_autoptr(FerryJob) job = NULL;
    g_autofree char *code = save(self, "test", self->file, &job);
    FerryDomainLook look = { 0 };

    (void)data;
    g_assert_null(code);
    g_assert_nonnull(job);
    while (!ferry_job_is_over(job))
        (void)ferry_migrator_wait(self->migrator, job, ferry_job_change(job), 1000);
    while (!ferry_migrator_stop(self->migrator, 1000))
        g_thread_yield(); /* its thread is about to end */
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_FAILED);
    g_assert_true(ferry_guests_look(self->guests, self->uuid, &look, NULL));
    g_assert_cmpint(look.state, ==, 1);
    g_assert_false(g_file_test(self->file, G_FILE_TEST_EXISTS));
}

static void
assert_not_restored(Host *self, const char *file, int expected)
{
    const FerryRestoreRequest request = { .file = file };
    g_autoptr(GError) check = NULL;
    g_autoptr(GError) error = NULL;
    json_t *answer = NULL, *reasons = NULL;
    FerryJob *job = NULL;

    g_assert_false(ferry_migrator_restore_check(self->migrator, &request, &answer, &check));
    g_assert_error(check, FERRY_ERROR, expected);
    g_assert_false(ferry_migrator_restore(self->migrator, &request, &job, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, expected);
    g_assert_null(answer);
    g_assert_null(job);
    g_assert_null(reasons);
}

static void
test_restore_is_refused(Host *self, gconstpointer data)
{
    (void)data;
    assert_not_restored(self, "relative", FERRY_ERROR_INVALID);
    assert_not_restored(self, NULL, FERRY_ERROR_INVALID);
    assert_not_restored(self, self->file, FERRY_ERROR_NOT_FOUND);
}

/* What another host asks: as a user's, but a file that it does not have is an answer. */
static void
test_restore_for_another(Host *self, gconstpointer data)
{
    static const struct {
        const char *file; /* NULL: one that is not there */
        FerryRestoreHow how;
        int error;        /* 0: none */
        const char *code; /* of the refusal */
    } rows[] = {
        { NULL, FERRY_RESTORE_CHECK, -1, "no-such-file" },
        { NULL, FERRY_RESTORE_BEGIN, -1, "no-such-file" },
        { "relative", FERRY_RESTORE_BEGIN, FERRY_ERROR_INVALID, NULL },
        { "/dev/null/", FERRY_RESTORE_CHECK, FERRY_ERROR_INVALID, NULL },
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const FerryRestoreRequest request = { .file = rows[i].file != NULL ? rows[i].file
                                                                           : self->file };
        g_autoptr(GError) error = NULL;
        json_t *verdict = NULL, *reasons = NULL;
        FerryJob *job = NULL;

        g_assert_cmpint(ferry_migrator_peer_restore(self->migrator, &request, rows[i].how, &job,
                                                    &verdict, &reasons, &error),
                        ==, rows[i].error == -1);
        if (rows[i].error != -1)
            g_assert_error(error, FERRY_ERROR, rows[i].error);
        g_assert_cmpstr(json_string_value(json_object_get(json_array_get(reasons, 0), "code")), ==,
                        rows[i].code);
        g_assert_null(verdict);
        g_assert_null(job);
        json_decref(reasons);
    }
}

/* Without a certificate nobody can be asked; what is wrong is said before. */
static void
test_restore_there_is_refused(Host *self, gconstpointer data)
{
    static const struct {
        const char *file;
        int error;
    } rows[] = { { "relative", FERRY_ERROR_INVALID }, { NULL, FERRY_ERROR_UNSUPPORTED } };

    (void)data;
    g_assert_true(ferry_migrator_is_named(self->migrator, "alpha"));
    g_assert_false(ferry_migrator_is_named(self->migrator, "beta"));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const FerryRestoreRequest request = { .file = rows[i].file != NULL ? rows[i].file
                                                                           : self->file };
        g_autoptr(GError) error = NULL;
        json_t *answer = NULL, *reasons = NULL;

        g_assert_false(ferry_migrator_restore_there(
            self->migrator, "beta", &request, FERRY_RESTORE_BEGIN, &answer, &reasons, &error));
        g_assert_error(error, FERRY_ERROR, rows[i].error);
        g_assert_null(answer);
        g_assert_null(reasons);
    }
}

static void
test_restore_there_format(void)
{
    json_t *seen = json_pack("{s:i}", "bytes", 7);
    const struct {
        FerryRestoreRequest request;
        FerryRestoreHow how;
        const char *expected;
    } rows[] = {
        { { .file = "/a" },
          FERRY_RESTORE_CHECK,
          "{\"file\":\"/a\",\"accept_unknown\":false,\"unverified\":false,\"again\":false,"
          "\"check_only\":true}" },
        { { "/a", FERRY_SAVED_UNVERIFIED, FERRY_RESTORE_AGAIN, true, seen },
          FERRY_RESTORE_BEGIN,
          "{\"file\":\"/a\",\"accept_unknown\":true,\"unverified\":true,\"again\":true,"
          "\"check_only\":false,\"seen\":{\"bytes\":7}}" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *json = ferry_restore_there_format(&rows[i].request, rows[i].how);
        char *text = json_dumps(json, JSON_COMPACT);

        g_assert_cmpstr(text, ==, rows[i].expected);
        free(text); /* jansson's malloc, not GLib's */
        json_decref(json);
    }
    json_decref(seen);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/request-saved/save-is-refused", Host, NULL, set_up, test_save_is_refused,
               tear_down);
    g_test_add("/request-saved/save-fails", Host, NULL, set_up, test_save_fails, tear_down);
    g_test_add("/request-saved/restore-is-refused", Host, NULL, set_up, test_restore_is_refused,
               tear_down);
    g_test_add("/request-saved/restore-for-another", Host, NULL, set_up, test_restore_for_another,
               tear_down);
    g_test_add("/request-saved/restore-there-is-refused", Host, NULL, set_up,
               test_restore_there_is_refused, tear_down);
    g_test_add_func("/request-saved/restore-there-format", test_restore_there_format);
    return g_test_run();
}
