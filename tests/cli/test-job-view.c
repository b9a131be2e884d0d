#include "cli/job-view.h"

#include <string.h>

#include "base/error.h"

#define GUEST "\"guest\": {\"name\": \"web\"}, \"target\": \"beta\", \"runs_on\": \"alpha\", "

static json_t *
job_of(const char *members)
{
    g_autofree char *text = g_strdup_printf("{" GUEST "%s}", members);
    json_t *job = json_loads(text, 0, NULL);

    g_assert_nonnull(job);
    return job;
}

typedef struct {
    const char *members;
    bool over, in_doubt;
    int exit;
} ExitRow;

/* clang-format off */
static const ExitRow exit_rows[] = {
    { "\"state\": \"queued\"",     false, false, 0 },
    { "\"state\": \"running\"",    false, false, 0 },
    { "\"state\": \"cancelling\"", false, false, 0 },
    { "\"state\": \"in_doubt\"",   false, true,  23 },
    { "\"state\": \"done\"",       true,  false, 0 },
    { "\"state\": \"done\", \"degraded\": []", true, false, 0 },
    { "\"state\": \"done\", \"degraded\": [{\"alias\": \"x\"}]", true, false, 22 },
    { "\"state\": \"refused\"",    true,  false, 1 },
    { "\"state\": \"cancelled\"",  true,  false, 12 },
    { "\"state\": \"failed\"",     true,  false, 1 },
    { "\"state\": \"failed\", \"reasons\": [{\"code\": \"guest-keeps-device\"}]", true, false, 1 },
    { "\"state\": \"failed\", \"reasons\": [{\"code\": \"timeout\"}]", true, false, 11 },
    { "\"state\": \"failed\", \"reasons\": [{\"code\": \"peer\"}, {\"code\": \"io\"}]", true, false, 10 },
    { "\"state\": \"of_a_later_version\"", false, false, 21 },
    { "\"state\": 7",              false, false, 21 },
    { "\"id\": \"no state\"",      false, false, 21 },
};
/* clang-format on */

static void
test_exit(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(exit_rows); i++) {
        json_t *job = job_of(exit_rows[i].members);

        g_test_message("row %zu", i);
        g_assert_cmpint(ferry_job_view_is_over(job), ==, exit_rows[i].over);
        g_assert_cmpint(ferry_job_view_is_in_doubt(job), ==, exit_rows[i].in_doubt);
        g_assert_cmpint(ferry_job_view_exit(job), ==, exit_rows[i].exit);
        json_decref(job);
    }
}

/* Who was cancelled gets the code of that error, wherever it comes from. */
static void
test_cancelled_is_the_error_code(void)
{
    json_t *job = job_of("\"state\": \"cancelled\"");

    g_assert_cmpint(ferry_job_view_exit(job), ==,
                    ferry_error_info(FERRY_ERROR_CANCELLED)->exit_code);
    json_decref(job);
}

typedef struct {
    const char *members, *text;
} TextRow;

/* clang-format off */
static const TextRow progress_rows[] = {
    { "\"state\": \"queued\"", "queued" },
    { "\"state\": \"running\", \"phase\": \"detach\", \"waiting_for\": \"the guest to release ua-nic7\"",
      "detach: waiting for the guest to release ua-nic7" },
    { "\"state\": \"running\", \"phase\": \"transfer\", \"progress\": null", "transfer" },
    { "\"state\": \"running\", \"phase\": \"transfer\", \"progress\": {\"bytes\": 1048576, \"total_bytes\": 4194304,"
      "\"rate_bps\": 2097152, \"eta_ms\": 1500}",
      "transfer: 1.0 MiB of 4.0 MiB, 25 %, 2.0 MiB/s, about 1.5 s left" },
    /* without an estimate there is none; it is never 100 % before the end */
    { "\"state\": \"running\", \"phase\": \"transfer\", \"progress\": {\"bytes\": 9, \"total_bytes\": 4,"
      "\"rate_bps\": 0, \"eta_ms\": 0}",
      "transfer: 9 B of 4 B, 99 %, 0 B/s" },
    { "\"state\": \"running\", \"phase\": \"transfer\", \"progress\": {\"bytes\": \"x\", \"total_bytes\": -4}",
      "transfer" },
    { "\"state\": \"cancelling\", \"phase\": \"undo\", \"waiting_for\": \"libvirt\"",
      "undo (is being undone): waiting for libvirt" },
    { "\"state\": \"running\", \"phase\": \"a\\nb\"", "a?b" },
};
static const TextRow end_rows[] = {
    { "\"state\": \"done\", \"elapsed_ms\": 2400, \"blackout_ms\": 37, \"progress\": {\"sent_bytes\": 1024}",
      "web runs on alpha: moved in 2.4 s, blackout 37 ms, 1.0 KiB\n" },
    { "\"state\": \"done\", \"blackout_ms\": null, \"progress\": null", "web runs on alpha: moved\n" },
    { "\"state\": \"done\", \"elapsed_ms\": 1, \"degraded\": [{\"alias\": \"a\", \"message\": \"b\"}, {\"alias\": \"c\"}]",
      "web runs on alpha: moved in 1 ms; degraded: a: b; c\n" },
    { "\"state\": \"cancelled\", \"elapsed_ms\": 1000",
      "web runs on alpha: the migration to beta was cancelled after 1.0 s\n" },
    { "\"state\": \"failed\", \"runs_on\": null, \"reasons\": [{\"code\": \"lost\", \"message\": \"QEMU died\"}]",
      "web runs on neither host: the migration to beta failed\n  lost: QEMU died\n" },
    { "\"state\": \"in_doubt\", \"runs_on\": null",
      "web is paused, or runs at the target: the migration to beta is in doubt\n" },
};
/* clang-format on */

static void
test_progress(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(progress_rows); i++) {
        json_t *job = job_of(progress_rows[i].members);
        g_autofree char *text = ferry_job_view_progress(job);

        g_assert_cmpstr(text, ==, progress_rows[i].text);
        json_decref(job);
    }
}

static void
test_end(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(end_rows); i++) {
        json_t *job = job_of(end_rows[i].members);
        g_autofree char *text = ferry_job_view_end(job);

        g_assert_cmpstr(text, ==, end_rows[i].text);
        json_decref(job);
    }
}

/* Each ended phase is shown once, whatever number of them came with one event. */
static void
test_phases(void)
{
    json_t *job = job_of("\"phases\": [{\"phase\": \"plan\", \"duration_ms\": 3},"
                         "{\"phase\": \"check\", \"duration_ms\": 1500}]");
    size_t n_shown = 0;
    g_autofree char *both = ferry_job_view_phases(job, &n_shown);

    g_assert_cmpstr(both, ==, "plan took 3 ms\ncheck took 1.5 s\n");
    g_assert_cmpuint(n_shown, ==, 2);
    g_assert_null(ferry_job_view_phases(job, &n_shown));
    (void)json_array_append_new(json_object_get(job, "phases"), json_pack("{ss}", "phase", "undo"));
    g_autofree char *next = ferry_job_view_phases(job, &n_shown);
    g_assert_cmpstr(next, ==, "undo\n");
    json_decref(job);
}

/* Of an empty object too there is a page, and no crash. */
static void
test_page_of_nothing(void)
{
    json_t *nothing = json_object();
    g_autofree char *page = ferry_job_view_page(nothing);
    g_autofree char *end = ferry_job_view_end(nothing);
    g_autofree char *progress = ferry_job_view_progress(nothing);

    g_assert_cmpstr(page, ==, "\n");
    g_assert_cmpstr(end, ==,
                    "the guest runs on neither host: the migration to the target is in a state "
                    "unknown here\n");
    g_assert_cmpstr(progress, ==, "unknown");
    json_decref(nothing);
}

/* In every phase that there is, the page says what a cancellation would do; not when it is over. */
static void
test_page_says_what_cancel_does(void)
{
    static const char *const phases[] = { "plan",     "check",    "reserve", "prepare", "detach",
                                          "transfer", "handover", "attach",  "finish",  "undo" };

    for (size_t i = 0; i < G_N_ELEMENTS(phases); i++) {
        g_autofree char *running =
            g_strdup_printf("\"state\": \"running\", \"phase\": \"%s\"", phases[i]);
        g_autofree char *over =
            g_strdup_printf("\"state\": \"done\", \"phase\": \"%s\"", phases[i]);
        json_t *job = job_of(running);
        json_t *ended = job_of(over);
        g_autofree char *page = ferry_job_view_page(job);
        g_autofree char *end = ferry_job_view_page(ended);

        g_assert_nonnull(strstr(page, "\"ferry job cancel\" now "));
        g_assert_null(strstr(end, "\"ferry job cancel\" now "));
        json_decref(job);
        json_decref(ended);
    }
}

/* What was measured of each device, and nothing of what was not. */
static void
test_page_has_gaps(void)
{
    json_t *job = job_of("\"state\": \"done\", \"gaps\": ["
                         "{\"alias\": \"ua-net0\", \"step\": \"off\", \"duration_ms\": 14500}, "
                         "{\"alias\": \"ua-net0\", \"step\": \"on\", \"duration_ms\": 6300}, "
                         "{\"alias\": \"ua-net1\", \"step\": \"newer\", \"duration_ms\": 1}]");
    g_autofree char *page = ferry_job_view_page(job);

    g_assert_nonnull(strstr(page, "ua-net0: let go within 14.5 s\n"
                                  "ua-net0: back 6.3 s after the guest ran there\n"));
    g_assert_null(strstr(page, "ua-net1"));
    json_decref(job);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/job-view/exit", test_exit);
    g_test_add_func("/job-view/cancelled-is-the-error-code", test_cancelled_is_the_error_code);
    g_test_add_func("/job-view/progress", test_progress);
    g_test_add_func("/job-view/end", test_end);
    g_test_add_func("/job-view/phases", test_phases);
    g_test_add_func("/job-view/page-of-nothing", test_page_of_nothing);
    g_test_add_func("/job-view/page-says-what-cancel-does", test_page_says_what_cancel_does);
    g_test_add_func("/job-view/page-has-gaps", test_page_has_gaps);
    return g_test_run();
}
