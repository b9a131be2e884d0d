#include "vfio/worker.h"

#include <poll.h>

#include <glib.h>

typedef struct {
    int wait_ms;
    gint n_begun;
    gint n_runs;
} Call;

static void
run_call(void *argument)
{
    Call *call = argument;

    g_atomic_int_inc(&call->n_begun);
    (void)poll(NULL, 0, call->wait_ms);
    g_atomic_int_inc(&call->n_runs);
}

static void
test_runs_each_call(void)
{
    FerryWorker *worker = ferry_worker_new();
    Call *call = g_atomic_rc_box_new0(Call);

    for (int i = 1; i <= 1000; i++) {
        g_assert_true(ferry_worker_run(worker, run_call, call, 10000));
        g_assert_cmpint(g_atomic_int_get(&call->n_runs), ==, i);
    }
    g_atomic_rc_box_release(call);
    ferry_worker_free(worker);
}

/* The caller goes on at its deadline; the late call finds its memory still there.  On a busy
 * machine the thread may not have begun by then: the call is not made at all. */
static void
test_leaves_a_stuck_call(void)
{
    FerryWorker *worker = ferry_worker_new();
    Call *call = g_atomic_rc_box_new0(Call);
    Call *held = g_atomic_rc_box_acquire(call);

    call->wait_ms = 200;
    g_assert_false(ferry_worker_run(worker, run_call, call, 10));
    g_assert_false(ferry_worker_run(worker, run_call, call, 10));
    g_atomic_rc_box_release(call);
    ferry_worker_free(worker);
    for (int i = 0; i < 1000 && g_atomic_int_get(&held->n_runs) < g_atomic_int_get(&held->n_begun);
         i++)
        (void)poll(NULL, 0, 10);
    g_assert_cmpint(g_atomic_int_get(&held->n_runs), ==, g_atomic_int_get(&held->n_begun));
    g_assert_cmpint(g_atomic_int_get(&held->n_runs), <=, 1);
    g_atomic_rc_box_release(held);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker/runs-each-call", test_runs_each_call);
    g_test_add_func("/worker/leaves-a-stuck-call", test_leaves_a_stuck_call);
    return g_test_run();
}
