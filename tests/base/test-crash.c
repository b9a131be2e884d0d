#include "base/crash.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

/* A name that two points share could not be asked for. */
static void
test_names_are_distinct(void)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < FERRY_CRASH_N_POINTS; i++)
        g_assert_true(
            g_hash_table_add(names, (gpointer)ferry_crash_point_name((FerryCrashPoint)i)));
}

/* Runs one point in a child whose environment asks for @wanted; returns the wait status. */
static int
run_child(const char *wanted, FerryCrashPoint point)
{
    int status = 0;
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        g_setenv("FERRY_CRASH_AT", wanted, TRUE);
        ferry_crash_at(point);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return status;
}

static void
test_dies_where_it_was_asked_to(void)
{
    int status = run_child("S.HANDOFF.after", FERRY_CRASH_S_HANDOFF_AFTER);

    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
}

static void
test_lives_elsewhere(void)
{
    int status = run_child("S.HANDOFF.after", FERRY_CRASH_S_HANDOFF_BEFORE);

    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void
test_stops_and_goes_on(void)
{
    int status = 0;
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        g_setenv("FERRY_STOP_AT", "S.HANDOFF.after", TRUE);
        ferry_crash_at(FERRY_CRASH_S_HANDOFF_AFTER);
        _exit(7);
    }
    g_assert_cmpint(waitpid(child, &status, WUNTRACED), ==, child);
    g_assert_true(WIFSTOPPED(status));
    g_assert_cmpint(kill(child, SIGCONT), ==, 0);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(WEXITSTATUS(status), ==, 7);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/crash/names-are-distinct", test_names_are_distinct);
    g_test_add_func("/crash/dies-where-it-was-asked-to", test_dies_where_it_was_asked_to);
    g_test_add_func("/crash/lives-elsewhere", test_lives_elsewhere);
    g_test_add_func("/crash/stops-and-goes-on", test_stops_and_goes_on);
    return g_test_run();
}
