#include "migrate/restore.h"

#include <glib/gstdio.h>

#include "base/error.h"
#include "saved-fake.h"

#define CONTENT "whole and all its memory"

/* A file that lies there, with its sidecar, and a guest that is down. */
static void
put_file(SavedFake *fake)
{
    g_autoptr(FerrySidecar) sidecar = g_new0(FerrySidecar, 1);

    fake->state = 5;
    fake->has_nic = false;
    g_assert_true(g_file_set_contents(fake->file, CONTENT, -1, NULL));
    g_assert_true(ferry_saved_sum_take(fake->file, NULL, NULL, NULL, &sidecar->sum, NULL));
    sidecar->guest_name = g_strdup("web");
    sidecar->guest_uuid = g_strdup(SAVED_UUID);
    sidecar->host = g_strdup("beta");
    sidecar->saved = g_strdup("2026-01-01T00:00:00.000Z");
    g_assert_true(ferry_sidecar_write(fake->file, sidecar, NULL));
}

static FerrySaved *
saved_new(const SavedFake *fake)
{
    FerrySaved *saved = g_new0(FerrySaved, 1);

    saved->file = g_strdup(fake->file);
    saved->plan = saved_fake_plan();
    saved->xml = g_strdup("<domain type='qemu'><name>web</name><uuid>" SAVED_UUID
                          "</uuid><memory>1024</memory><os><type>hvm</type></os><devices/>"
                          "</domain>");
    g_assert_true(ferry_sidecar_read(fake->file, &saved->sidecar, NULL));
    return saved;
}

static FerryGuestRestore *
restore_new(SavedFake *fake, FerryJob *job)
{
    const FerrySavedWorld world = saved_fake_world(fake);

    return ferry_guest_restore_new(&world, job, saved_new(fake));
}

/* Either the guest runs with all that it needs, or it does not and nothing is held for it; the file
 * is there as it was. */
static void
assert_settled(const SavedFake *fake)
{
    g_autofree char *content = NULL;

    g_assert_cmpint(fake->claims, ==, 0);
    g_assert_true(g_file_get_contents(fake->file, &content, NULL, NULL));
    if (fake->state == 1) {
        g_assert_true(fake->has_nic);
        g_assert_true(fake->is_persistent);
        g_assert_cmpint(fake->kept, >, 0);
        return;
    }
    g_assert_cmpint(fake->state, ==, 5);
    g_assert_false(fake->is_persistent);
    g_assert_cmpint(fake->kept, ==, 0);
}

static void
test_restores(void)
{
    static const FerryRecordKind expected[] = { FERRY_RECORD_RESERVED, FERRY_RECORD_PREPARED,
                                                FERRY_RECORD_COMMIT, FERRY_RECORD_RUNNING,
                                                FERRY_RECORD_DONE };
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_RESTORE);
    g_autoptr(FerryGuestRestore) restore = NULL;
    g_autoptr(FerrySidecar) sidecar = NULL;

    put_file(fake);
    restore = restore_new(fake, job);
    g_assert_true(ferry_guest_restore_run(restore));
    assert_settled(fake);
    g_assert_cmpint(fake->state, ==, 1);
    g_assert_cmpuint(fake->n_plugged, ==, 0); /* it has no hybrid */
    saved_fake_assert_records(fake, expected, G_N_ELEMENTS(expected));
    saved_job_assert_tells(job, "outcome", "restored");
    saved_job_assert_tells(job, "runs_on", "alpha");
    g_assert_false(ferry_job_is_degraded(job));
    g_assert_true(ferry_sidecar_read(fake->file, &sidecar, NULL));
    g_assert_cmpstr(sidecar->restored_on, ==, "alpha");
}

static void
truncate_file(SavedFake *fake)
{
    g_assert_true(g_file_set_contents(fake->file, CONTENT, 10, NULL));
}

static void
flip(SavedFake *fake)
{
    g_assert_true(g_file_set_contents(fake->file, "whole and all its mEmory", -1, NULL));
}

static void
refuse_slots(SavedFake *fake)
{
    fake->refuses_slots = true;
}

static void
refuse_state(SavedFake *fake)
{
    fake->restore_fails = true;
}

typedef struct {
    const char *name;
    void (*harm)(SavedFake *fake);
    FerryJobState state;
    const char *code, *words;
} FailRow;

static const FailRow fail_rows[] = {
    { "truncated", truncate_file, FERRY_JOB_REFUSED, "file-damaged", "it ends at byte 10" },
    { "flipped", flip, FERRY_JOB_REFUSED, "file-damaged", "bytes 0 to 23" },
    { "no-slot", refuse_slots, FERRY_JOB_REFUSED, "no-free-slot", "none left" },
    { "state-refused", refuse_state, FERRY_JOB_FAILED, "restore-failed", "load of migration" },
};

static void
test_fails(gconstpointer data)
{
    const FailRow *row = data;
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_RESTORE);
    g_autoptr(FerryGuestRestore) restore = NULL;
    g_autoptr(FerrySidecar) sidecar = NULL;

    put_file(fake);
    row->harm(fake);
    restore = restore_new(fake, job);
    g_assert_true(ferry_guest_restore_run(restore));
    assert_settled(fake);
    g_assert_cmpint(fake->state, ==, 5);
    g_assert_cmpint(ferry_job_state(job), ==, row->state);
    saved_job_assert_reason(job, row->code, row->words);
    saved_job_assert_tells(job, "runs_on", NULL);
    g_assert_true(ferry_sidecar_read(fake->file, &sidecar, NULL));
    g_assert_null(sidecar->restored_on);
}

static void
test_unverified(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_RESTORE);
    g_autoptr(FerryGuestRestore) restore = NULL;
    g_autofree char *sidecar = ferry_sidecar_path(fake->file);

    put_file(fake);
    g_assert_cmpint(g_unlink(sidecar), ==, 0);
    restore = restore_new(fake, job);
    g_assert_true(ferry_guest_restore_run(restore));
    assert_settled(fake);
    saved_job_assert_tells(job, "outcome", "restored-unverified");
    g_assert_false(g_file_test(sidecar, G_FILE_TEST_EXISTS));
}

static void
test_cancelled(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_RESTORE);
    g_autoptr(FerryGuestRestore) restore = NULL;

    put_file(fake);
    restore = restore_new(fake, job);
    ferry_job_cancel(job);
    g_assert_true(ferry_guest_restore_run(restore));
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_CANCELLED);
    assert_settled(fake);
    g_assert_cmpint(fake->state, ==, 5);
}

/* libvirt is given no host device that was not claimed here, whatever the file says. */
static void
test_foreign_device(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_RESTORE);
    g_autoptr(FerryGuestRestore) restore = NULL;
    const FerrySavedWorld world = saved_fake_world(fake);
    FerrySaved *saved = NULL;

    put_file(fake);
    saved = saved_new(fake);
    g_free(saved->xml);
    saved->xml = g_strdup("<domain type='qemu'><name>web</name><uuid>" SAVED_UUID
                          "</uuid><memory>1024</memory><os><type>hvm</type></os><devices>"
                          "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' "
                          "bus='0x03' slot='0x00' function='0x0'/></source><alias "
                          "name='ua-evil'/></hostdev></devices></domain>");
    restore = ferry_guest_restore_new(&world, job, saved);
    g_assert_true(ferry_guest_restore_run(restore));
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_REFUSED);
    assert_settled(fake);
    saved_job_assert_reason(job, "not-reserved", "its device ua-evil, which was not reserved");
}

static bool
run_with_crash(SavedFake *fake, unsigned at)
{
    g_autoptr(FerryJob) first = saved_fake_job(fake, FERRY_JOB_RESTORE);
    g_autoptr(FerryJob) second = saved_fake_job(fake, FERRY_JOB_RESTORE);
    g_autoptr(FerryGuestRestore) restore = restore_new(fake, first);
    g_autoptr(FerryGuestRestore) again = NULL;
    g_autoptr(GError) error = NULL;
    const FerrySavedWorld world = saved_fake_world(fake);

    fake->dies_at = at;
    if (ferry_guest_restore_run(restore))
        return false;
    saved_fake_revive(fake);
    if (!saved_fake_has_open_job(fake))
        return true;
    again = ferry_guest_restore_recover(&world, second, fake->records, &error);
    g_assert_no_error(error);
    g_assert_true(ferry_guest_restore_run(again));
    return true;
}

static void
test_crashes(gconstpointer data)
{
    const bool fails = GPOINTER_TO_INT(data) != 0;
    bool died = true;
    unsigned at = 0;

    for (at = 1; died; at++) {
        g_autoptr(SavedFake) fake = saved_fake_new();

        g_test_message("effect %u", at);
        put_file(fake);
        fake->restore_fails = fails;
        died = run_with_crash(fake, at);
        assert_settled(fake);
    }
    g_assert_cmpuint(at, >, 10);
}

static void
test_recovers_nothing_foreign(void)
{
    g_autoptr(SavedFake) fake = saved_fake_new();
    g_autoptr(FerryJob) job = saved_fake_job(fake, FERRY_JOB_RESTORE);
    const FerrySavedWorld world = saved_fake_world(fake);
    FerryRecord foreign = { .kind = FERRY_RECORD_PLANNED, .data = (char *)"{\"file\":\"/f\"}" };
    g_autoptr(GPtrArray) records = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(records, &foreign);
    g_assert_null(ferry_guest_restore_recover(&world, job, records, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/restore/restores", test_restores);
    for (size_t i = 0; i < G_N_ELEMENTS(fail_rows); i++) {
        g_autofree char *path = g_strconcat("/restore/fails/", fail_rows[i].name, NULL);

        g_test_add_data_func(path, &fail_rows[i], test_fails);
    }
    g_test_add_func("/restore/unverified", test_unverified);
    g_test_add_func("/restore/cancelled", test_cancelled);
    g_test_add_func("/restore/foreign-device", test_foreign_device);
    g_test_add_data_func("/restore/crashes/good", GINT_TO_POINTER(0), test_crashes);
    g_test_add_data_func("/restore/crashes/refused", GINT_TO_POINTER(1), test_crashes);
    g_test_add_func("/restore/recovers-nothing-foreign", test_recovers_nothing_foreign);
    return g_test_run();
}
