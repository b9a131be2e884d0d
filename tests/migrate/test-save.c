#include "migrate/save.h"

#include <sys/stat.h>

#include "base/error.h"
#include "saved-fake.h"

static FerrySave *
save_new(SavedFake *fake, FerryJob *job)
{
    const FerrySavedWorld world = saved_fake_world(fake);

    return ferry_save_new(&world, job, saved_fake_plan(), fake->file, FERRY_SAVE_NEW);
}

/* The guest is in one place, whole: it runs with its device, or all of it is in the file. */
static void
assert_in_one_place(const SavedFake *fake)
{
    g_autoptr(FerrySidecar) sidecar = NULL;

    g_assert_false(fake->is_marked);
    g_assert_false(saved_fake_has_file(fake, ".part"));
    if (fake->state == 1) {
        g_assert_true(fake->has_nic);
        g_assert_false(g_file_test(fake->file, G_FILE_TEST_EXISTS));
        return;
    }
    g_assert_cmpint(fake->state, ==, 5);
    g_assert_true(g_file_test(fake->file, G_FILE_TEST_EXISTS));
    g_assert_true(ferry_sidecar_read(fake->file, &sidecar, NULL));
    g_assert_cmpstr(sidecar->guest_uuid, ==, SAVED_UUID);
    g_assert_cmpstr(sidecar->host, ==, "alpha");
}

static void
test_saves(void)
{
    static const FerryRecordKind expected[] = { FERRY_RECORD_PLANNED, FERRY_RECORD_DETACH,
                                                FERRY_RECORD_TRANSFER, FERRY_RECORD_COMMITTED,
                                                FERRY_RECORD_DONE };
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_SAVE);
    g_autoptr(FerrySave) save = save_new(fake, job);
    struct stat status;

    g_assert_true(ferry_save_run(save));
    assert_in_one_place(fake);
    g_assert_cmpint(fake->state, ==, 5);
    g_assert_cmpuint(fake->n_released, ==, 1);
    g_assert_cmpint(stat(fake->file, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
    saved_fake_assert_records(fake, expected, G_N_ELEMENTS(expected));
    saved_job_assert_tells(job, "outcome", "saved");
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_DONE);
    g_assert_false(ferry_job_is_degraded(job));
}

/* What may go wrong, and what is told of it. */
typedef struct {
    const char *name;
    void (*harm)(SavedFake *fake);
    const char *code, *words;
} FailRow;

static void
keep_nic(SavedFake *fake)
{
    fake->keeps_nic = true;
}

static void
fill_disk(SavedFake *fake)
{
    fake->save_fails = true;
}

static void
pause_for_ever(SavedFake *fake) /* libvirt did not let it go on */
{
    fake->save_fails = true;
    fake->state = 3;
}

static void
start_at_once(SavedFake *fake)
{
    fake->is_started = true;
}

static void
remove_folder(SavedFake *fake)
{
    g_free(fake->file);
    fake->file = g_build_filename(fake->folder, "none", "web", NULL);
}

static const FailRow fail_rows[] = {
    { "device-stays", keep_nic, "unplug-refused", "it is in use" },
    { "full-disk", fill_disk, "save-failed", "No space left" },
    { "left-paused", pause_for_ever, "save-failed", "No space left" },
    { "started-again", start_at_once, "guest-is-up", "somebody started the guest again" },
    { "no-folder", remove_folder, "not-found", "cannot create" },
};

static void
test_fails(gconstpointer data)
{
    const FailRow *row = data;
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = NULL;
    g_autoptr(FerrySave) save = NULL;

    row->harm(fake);
    job = saved_fake_job(fake, FERRY_JOB_SAVE);
    save = save_new(fake, job);
    g_assert_true(ferry_save_run(save));
    assert_in_one_place(fake);
    g_assert_cmpint(fake->state, ==, 1);
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_FAILED);
    saved_job_assert_reason(job, row->code, row->words);
    saved_job_assert_tells(job, "runs_on", "alpha");
}

static void
test_cancelled(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_SAVE);
    g_autoptr(FerrySave) save = save_new(fake, job);

    fake->save_fails = true; /* as libvirt says when its job is ended */
    ferry_job_cancel(job);
    g_assert_true(ferry_save_run(save));
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_CANCELLED);
    assert_in_one_place(fake);
}

/* The guest is gone and the file is not whole: nothing is removed, for there is nothing else. */
static void
test_guest_dies(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_SAVE);
    g_autoptr(FerrySave) save = save_new(fake, job);

    fake->dies_at_save = true;
    g_assert_true(ferry_save_run(save));
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_FAILED);
    g_assert_true(saved_fake_has_file(fake, ".part"));
    g_assert_false(g_file_test(fake->file, G_FILE_TEST_EXISTS));
    g_assert_false(fake->is_marked);
}

/* Somebody else's file came there meanwhile: the guest's own stays, and is named. */
static void
test_name_is_taken(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_SAVE);
    g_autoptr(FerrySave) save = save_new(fake, job);
    g_autofree char *content = NULL;

    g_assert_true(g_file_set_contents(fake->file, "mine", -1, NULL));
    g_assert_true(ferry_save_run(save));
    g_assert_true(g_file_get_contents(fake->file, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "mine");
    g_assert_true(saved_fake_has_file(fake, ".part"));
    saved_job_assert_reason(job, "io", ".part, whole");
}

/* Runs a save in which the process dies before the effect of that number, and the next process to
 * its end.  Returns: whether it died */
static bool
run_with_crash(SavedFake *fake, unsigned at)
{
    g_autoptr(FerryJob) first = saved_fake_job(fake, FERRY_JOB_SAVE);
    g_autoptr(FerryJob) second = saved_fake_job(fake, FERRY_JOB_SAVE);
    g_autoptr(FerrySave) save = save_new(fake, first);
    g_autoptr(FerrySave) again = NULL;
    g_autoptr(GError) error = NULL;
    const FerrySavedWorld world = saved_fake_world(fake);

    fake->dies_at = at;
    if (ferry_save_run(save))
        return false;
    saved_fake_revive(fake);
    if (!saved_fake_has_open_job(fake))
        return true;
    again = ferry_save_recover(&world, second, fake->records, &error);
    g_assert_no_error(error);
    g_assert_true(ferry_save_run(again));
    return true;
}

/* At each effect that there is, found by trying: with a save that goes well, and with one that
 * fails. */
static void
test_crashes(gconstpointer data)
{
    const bool fails = GPOINTER_TO_INT(data) != 0;
    bool died = true;
    unsigned at = 0;

    for (at = 1; died; at++) {
        g_autoptr(SavedFake) fake = saved_fake_new();

        g_test_message("effect %u", at);
        fake->save_fails = fails;
        died = run_with_crash(fake, at);
        assert_in_one_place(fake);
    }
    g_assert_cmpuint(at, >, 12);
}

static void
test_recovers_nothing_foreign(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_SAVE);
    const FerrySavedWorld world = saved_fake_world(fake);
    FerryRecord foreign = { .kind = FERRY_RECORD_RESERVED, .data = (char *)"{\"file\":\"/f\"}" };
    g_autoptr(GPtrArray) records = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(records, &foreign);
    g_assert_null(ferry_save_recover(&world, job, records, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/save/saves", test_saves);
    for (size_t i = 0; i < G_N_ELEMENTS(fail_rows); i++) {
        g_autofree char *path = g_strconcat("/save/fails/", fail_rows[i].name, NULL);

        g_test_add_data_func(path, &fail_rows[i], test_fails);
    }
    g_test_add_func("/save/cancelled", test_cancelled);
    g_test_add_func("/save/guest-dies", test_guest_dies);
    g_test_add_func("/save/name-is-taken", test_name_is_taken);
    g_test_add_data_func("/save/crashes/good", GINT_TO_POINTER(0), test_crashes);
    g_test_add_data_func("/save/crashes/full-disk", GINT_TO_POINTER(1), test_crashes);
    g_test_add_func("/save/recovers-nothing-foreign", test_recovers_nothing_foreign);
    return g_test_run();
}
