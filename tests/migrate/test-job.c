#include "migrate/job.h"

static int64_t fake_now_ms;

static int64_t
now_ms(const FerryClock *clock)
{
    (void)clock;
    return fake_now_ms;
}

static int64_t
wall_us(const FerryClock *clock)
{
    (void)clock;
    return fake_now_ms * 1000;
}

static const FerryClock clock_fake = { .now_ms = now_ms, .wall_us = wall_us };

static void
count(void *data)
{
    ++*(unsigned *)data;
}

static FerryJob *
job_new(unsigned *changes)
{
    const FerryJobIdentity who = { .id = "j1",
                                   .side = FERRY_SIDE_SOURCE,
                                   .guest_name = "web",
                                   .guest_uuid = "u1",
                                   .source = "alpha",
                                   .target = "beta" };

    fake_now_ms = 1000;
    return ferry_job_new(&who, &clock_fake, count, changes);
}

static const char *
text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void
test_kinds(void)
{
    static const struct {
        FerryJobKind kind;
        const char *name, *file;
    } rows[] = {
        { FERRY_JOB_MIGRATE, "migrate", NULL },
        { FERRY_JOB_SAVE, "save", "/srv/g1.save" },
        { FERRY_JOB_RESTORE, "restore", "/srv/g1.save" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const FerryJobIdentity who = { .id = "j1",
                                       .guest_name = "web",
                                       .guest_uuid = "u1",
                                       .source = "alpha",
                                       .target = "alpha",
                                       .kind = rows[i].kind,
                                       .file = rows[i].file };
        unsigned changes = 0;
        g_autoptr(FerryJob) job = ferry_job_new(&who, &clock_fake, count, &changes);
        json_t *json = ferry_job_json(job);

        g_assert_cmpstr(text_of(json, "kind"), ==, rows[i].name);
        g_assert_cmpstr(text_of(json, "file"), ==, rows[i].file);
        json_decref(json);
    }
}

static void
test_new_job(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);
    json_t *json = ferry_job_json(job);

    g_assert_cmpstr(text_of(json, "state"), ==, "queued");
    g_assert_cmpstr(text_of(json, "side"), ==, "source");
    g_assert_cmpstr(text_of(json_object_get(json, "guest"), "name"), ==, "web");
    g_assert_cmpstr(text_of(json, "began"), ==, "1970-01-01T00:00:01.000Z");
    g_assert_true(json_is_null(json_object_get(json, "phase")));
    g_assert_true(json_is_null(json_object_get(json, "progress")));
    g_assert_true(json_is_null(json_object_get(json, "blackout_ms")));
    g_assert_true(json_is_null(json_object_get(json, "runs_on")));
    g_assert_cmpuint(changes, ==, 0);
    json_decref(json);
}

static void
test_phases_have_durations(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);
    json_t *json = NULL;
    json_t *first = NULL;

    ferry_job_set_phase(job, FERRY_PHASE_DETACH);
    fake_now_ms = 1250;
    ferry_job_set_phase(job, FERRY_PHASE_DETACH); /* the same one goes on */
    fake_now_ms = 1400;
    ferry_job_set_phase(job, FERRY_PHASE_TRANSFER);
    fake_now_ms = 2000;
    ferry_job_end(job, FERRY_JOB_DONE, "migrated", "beta");
    json = ferry_job_json(job);
    g_assert_cmpuint(json_array_size(json_object_get(json, "phases")), ==, 2);
    first = json_array_get(json_object_get(json, "phases"), 0);
    g_assert_cmpstr(text_of(first, "phase"), ==, "detach");
    g_assert_cmpint(json_integer_value(json_object_get(first, "duration_ms")), ==, 400);
    g_assert_cmpint(json_integer_value(json_object_get(json, "elapsed_ms")), ==, 1000);
    fake_now_ms = 9000; /* time does not go on for a job that is over */
    json_decref(json);
    json = ferry_job_json(job);
    g_assert_cmpint(json_integer_value(json_object_get(json, "elapsed_ms")), ==, 1000);
    g_assert_true(ferry_job_is_over(job));
    json_decref(json);
}

/* Only what differs is a change: a viewer is not woken for nothing. */
static void
test_only_changes_ring(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);

    ferry_job_set_state(job, FERRY_JOB_RUNNING);
    ferry_job_set_state(job, FERRY_JOB_RUNNING);
    ferry_job_set_waiting(job, "the guest");
    ferry_job_set_waiting(job, "the guest");
    g_assert_cmpuint(changes, ==, 2);
    g_assert_cmpuint(ferry_job_change(job), ==, 3);
}

static void
test_progress_never_runs_backwards(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);
    FerryTransferStats stats = {
        .total_bytes = 1000, .done_bytes = 600, .remaining_bytes = 400, .rate_bps = 100
    };
    FerryProgress progress = { 0 };
    const json_t *json = NULL;
    json_t *shown = NULL;

    ferry_progress_take(&progress, &stats, 300, 1);
    ferry_job_set_progress(job, &progress);
    stats.done_bytes = 700;
    stats.remaining_bytes = 500; /* the guest wrote to what was sent before */
    ferry_progress_take(&progress, &stats, 300, 2);
    ferry_job_set_progress(job, &progress);
    shown = ferry_job_json(job);
    json = json_object_get(shown, "progress");
    g_assert_cmpint(json_integer_value(json_object_get(json, "bytes")), ==, 600);
    g_assert_cmpint(json_integer_value(json_object_get(json, "sent_bytes")), ==, 700);
    g_assert_cmpint(json_integer_value(json_object_get(json, "eta_ms")), ==, 5000);
    json_decref(shown);
}

/* U2: what is left of the timer goes down by itself; another timer is a change, time is none. */
static void
test_timer(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);
    json_t *json = NULL;

    ferry_job_set_phase(job, FERRY_PHASE_DETACH);
    ferry_job_set_timer(job, "detach_timeout_s", 31000);
    ferry_job_set_timer(job, "detach_timeout_s", 31000);
    g_assert_cmpuint(changes, ==, 2);
    fake_now_ms = 11000;
    json = ferry_job_json(job);
    g_assert_cmpstr(text_of(json_object_get(json, "timer"), "name"), ==, "detach_timeout_s");
    g_assert_cmpint(json_integer_value(json_object_get(json_object_get(json, "timer"), "left_ms")),
                    ==, 20000);
    json_decref(json);
    ferry_job_set_phase(job, FERRY_PHASE_TRANSFER);
    json = ferry_job_json(job);
    g_assert_true(json_is_null(json_object_get(json, "timer")));
    json_decref(json);
}

static void
test_cancel(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);

    ferry_job_set_state(job, FERRY_JOB_RUNNING);
    g_assert_false(ferry_job_is_cancelled(job));
    ferry_job_cancel(job);
    g_assert_true(ferry_job_is_cancelled(job));
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_CANCELLING);
}

/* A cancel that comes too late does not hide that the job is in doubt. */
static void
test_cancel_does_not_hide_doubt(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);

    ferry_job_set_state(job, FERRY_JOB_IN_DOUBT);
    ferry_job_cancel(job);
    g_assert_cmpint(ferry_job_state(job), ==, FERRY_JOB_IN_DOUBT);
}

static void
test_reasons_of_a_peer(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);
    static const char theirs[] =
        "[{\"code\":\"a\",\"message\":\"m\",\"junk\":1},{\"code\":\"b\"},\"junk\","
        "{\"code\":\"c\",\"message\":\"m\",\"remedy\":2},"
        "{\"code\":\"d\",\"alias\":\"ua-net0\",\"message\":\"m\",\"remedy\":\"r\"}]";
    static const char ours[] =
        "[{\"code\":\"a\",\"message\":\"m\"},"
        "{\"code\":\"d\",\"alias\":\"ua-net0\",\"message\":\"m\",\"remedy\":\"r\"}]";
    json_t *reasons = json_loads(theirs, 0, NULL);
    json_t *json = NULL;
    char *text = NULL;

    ferry_job_add_reasons(job, reasons);
    ferry_job_add_reasons(job, NULL);
    json = ferry_job_json(job);
    text = json_dumps(json_object_get(json, "reasons"), JSON_COMPACT);
    g_assert_cmpstr(text, ==, ours);
    free(text); /* jansson's malloc, not GLib's */
    json_decref(json);
    json_decref(reasons);
}

static void
test_degraded(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);

    g_assert_false(ferry_job_is_degraded(job));
    ferry_job_add_degraded(job, "ua-nic7", "no VF is free");
    g_assert_true(ferry_job_is_degraded(job));
}

/* What was measured here and what the peer says, of which only what is well-formed counts. */
static void
test_gaps(void)
{
    static const char theirs[] =
        "[{\"alias\": \"ua-net0\", \"step\": \"on\", \"duration_ms\": 60}, 7, {}, "
        "{\"alias\": \"x\", \"step\": \"sideways\", \"duration_ms\": 1}, "
        "{\"alias\": \"x\", \"step\": \"on\", \"duration_ms\": \"1\"}]";
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);
    json_t *gaps = json_loads(theirs, 0, NULL);
    json_t *expected =
        json_loads("[{\"alias\": \"ua-net0\", \"step\": \"off\", \"duration_ms\": 250}, "
                   "{\"alias\": \"ua-net0\", \"step\": \"on\", \"duration_ms\": 60}]",
                   0, NULL);
    json_t *json = NULL;

    fake_now_ms = 1250;
    ferry_job_add_gap(job, "ua-net0", FERRY_GAP_OFF, 1000);
    ferry_job_add_gaps(job, gaps);
    ferry_job_add_gaps(job, NULL);
    json = ferry_job_json(job);
    g_assert_true(json_equal(json_object_get(json, "gaps"), expected));
    json_decref(json);
    json_decref(expected);
    json_decref(gaps);
}

/* A job of an earlier ferryd shows what its last record says. */
static void
test_restore(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);
    g_autoptr(FerryJob) other = job_new(&changes);
    json_t *report = NULL;
    json_t *shown = NULL;

    ferry_job_set_blackout(job, 42);
    ferry_job_end(job, FERRY_JOB_CANCELLED, "aborted", "alpha");
    report = ferry_job_json(job);
    ferry_job_restore(other, report);
    shown = ferry_job_json(other);
    g_assert_true(json_equal(report, shown));
    g_assert_cmpint(ferry_job_state(other), ==, FERRY_JOB_CANCELLED);
    json_decref(report);
    json_decref(shown);
}

static void
test_newest_first(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) older = job_new(&changes);
    g_autoptr(FerryJob) newer = NULL;
    const FerryJob *rows[2] = { NULL, NULL };

    const FerryJobIdentity who = { .id = "j2",
                                   .side = FERRY_SIDE_TARGET,
                                   .guest_name = "db",
                                   .guest_uuid = "u2",
                                   .source = "beta",
                                   .target = "alpha" };

    fake_now_ms = 5000;
    newer = ferry_job_new(&who, &clock_fake, count, &changes);
    rows[0] = older;
    rows[1] = newer;
    g_assert_cmpint(ferry_job_compare_newest(&rows[0], &rows[1]), >, 0);
    g_assert_cmpint(ferry_job_compare_newest(&rows[1], &rows[0]), <, 0);
    g_assert_cmpint(ferry_job_compare_newest(&rows[0], &rows[0]), ==, 0);
}

/* The three members of the whole, and not the job's own arrays: they go on growing. */
static void
test_remarks(void)
{
    unsigned changes = 0;
    g_autoptr(FerryJob) job = job_new(&changes);
    json_t *before = NULL;
    json_t *remarks = NULL;
    json_t *json = NULL;

    before = ferry_job_remarks(job);
    ferry_job_add_reason(job, "slow", "it was slow");
    ferry_job_add_degraded(job, "ua-nic0", "not back");
    ferry_job_add_gap(job, "ua-nic0", FERRY_GAP_OFF, 0);
    remarks = ferry_job_remarks(job);
    json = ferry_job_json(job);
    g_assert_cmpuint(json_array_size(json_object_get(before, "reasons")), ==, 0);
    g_assert_cmpuint(json_object_size(remarks), ==, 3);
    g_assert_true(
        json_equal(json_object_get(remarks, "reasons"), json_object_get(json, "reasons")));
    g_assert_true(
        json_equal(json_object_get(remarks, "degraded"), json_object_get(json, "degraded")));
    g_assert_true(json_equal(json_object_get(remarks, "gaps"), json_object_get(json, "gaps")));
    json_decref(before);
    json_decref(remarks);
    json_decref(json);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/job/kinds", test_kinds);
    g_test_add_func("/job/new-job", test_new_job);
    g_test_add_func("/job/phases-have-durations", test_phases_have_durations);
    g_test_add_func("/job/only-changes-ring", test_only_changes_ring);
    g_test_add_func("/job/progress-never-runs-backwards", test_progress_never_runs_backwards);
    g_test_add_func("/job/timer", test_timer);
    g_test_add_func("/job/cancel", test_cancel);
    g_test_add_func("/job/cancel-does-not-hide-doubt", test_cancel_does_not_hide_doubt);
    g_test_add_func("/job/reasons-of-a-peer", test_reasons_of_a_peer);
    g_test_add_func("/job/degraded", test_degraded);
    g_test_add_func("/job/gaps", test_gaps);
    g_test_add_func("/job/restore", test_restore);
    g_test_add_func("/job/newest-first", test_newest_first);
    g_test_add_func("/job/remarks", test_remarks);
    return g_test_run();
}
