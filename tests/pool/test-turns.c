#include "pool/turns.h"

#include <pthread.h>

#include <glib.h>

#define N_THREADS 4
#define N_ROUNDS  2000

typedef struct {
    FerryTurns *turns;
    int64_t generation;
    unsigned *inside; /* of this generation; only its holder may touch it */
} Worker;

static void *
work(void *data)
{
    const Worker *self = data;

    for (unsigned i = 0; i < N_ROUNDS; i++) {
        ferry_turns_take(self->turns, self->generation);
        g_assert_cmpuint((*self->inside)++, ==, 0);
        (*self->inside)--;
        ferry_turns_give(self->turns, self->generation);
    }
    return NULL;
}

/* The thread sanitizer sees whether two are in it at a time, too. */
static void
test_one_at_a_time(void)
{
    FerryTurns *turns = ferry_turns_new();
    pthread_t threads[N_THREADS];
    Worker workers[N_THREADS];
    unsigned inside[2] = { 0 };

    for (unsigned i = 0; i < N_THREADS; i++) {
        workers[i] = (Worker){ turns, 1 + i % 2, &inside[i % 2] };
        g_assert_cmpint(pthread_create(&threads[i], NULL, work, &workers[i]), ==, 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++)
        g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
    ferry_turns_free(turns);
}

/* Nobody waits for another claim. */
static void
test_others_go_on(void)
{
    FerryTurns *turns = ferry_turns_new();

    ferry_turns_take(turns, 1);
    ferry_turns_take(turns, 2);
    ferry_turns_give(turns, 1);
    ferry_turns_take(turns, 1);
    ferry_turns_give(turns, 2);
    ferry_turns_give(turns, 1);
    ferry_turns_free(turns);
    ferry_turns_free(NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/turns/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/turns/others-go-on", test_others_go_on);
    return g_test_run();
}
