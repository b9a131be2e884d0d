#include "vfio/queue.h"

#include <glib.h>

#define MANY 20000u

static FerryChunk *
chunk(unsigned lane)
{
    return ferry_chunk_new(lane, 16);
}

/* Takes one that must be there. */
static unsigned
pop(FerryQueue *queue)
{
    FerryChunk *got = NULL;

    g_assert_cmpint(ferry_queue_pop(queue, 1000, &got), ==, FERRY_QUEUE_GOT);
    unsigned lane = got->lane;
    ferry_chunk_free(got);
    return lane;
}

static void
test_order(void)
{
    FerryQueue queue;

    ferry_queue_init(&queue);
    for (unsigned i = 1; i <= 3; i++)
        ferry_queue_push(&queue, chunk(i));
    ferry_queue_push_first(&queue, chunk(9));
    g_assert_cmpuint(pop(&queue), ==, 9);
    for (unsigned i = 1; i <= 3; i++)
        g_assert_cmpuint(pop(&queue), ==, i);
    ferry_queue_clear(&queue);
}

static void
test_empty_times_out(void)
{
    FerryQueue queue;
    FerryChunk *got = (FerryChunk *)(void *)&queue;
    int64_t start_us = g_get_monotonic_time();

    ferry_queue_init(&queue);
    g_assert_cmpint(ferry_queue_pop(&queue, 30, &got), ==, FERRY_QUEUE_TIMEOUT);
    g_assert_cmpint(g_get_monotonic_time() - start_us, >=, 29000);
    g_assert_true(got == (FerryChunk *)(void *)&queue); /* untouched */
    g_assert_cmpint(ferry_queue_pop(&queue, 0, &got), ==, FERRY_QUEUE_TIMEOUT);
    ferry_queue_clear(&queue);
}

/* What was pushed before the end still comes out; then, at once, the end. */
static void
test_close_drains(void)
{
    FerryQueue queue;
    FerryChunk *got = NULL;

    ferry_queue_init(&queue);
    ferry_queue_push(&queue, chunk(1));
    ferry_queue_push(&queue, chunk(2));
    ferry_queue_close(&queue);
    g_assert_cmpuint(pop(&queue), ==, 1);
    g_assert_cmpuint(pop(&queue), ==, 2);
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(ferry_queue_pop(&queue, 60000, &got), ==, FERRY_QUEUE_CLOSED);
    g_assert_null(got);
    ferry_queue_clear(&queue);
}

/* What nobody took is freed: the sanitizer build would tell. */
static void
test_clear_frees(void)
{
    FerryQueue queue;

    ferry_queue_init(&queue);
    for (unsigned i = 0; i < 5; i++)
        ferry_queue_push(&queue, chunk(i));
    ferry_queue_clear(&queue);
}

static void
test_chunk(void)
{
    FerryChunk *one = ferry_chunk_new(7, 4096);

    g_assert_cmpuint(one->lane, ==, 7);
    g_assert_cmpuint(one->capacity, ==, 4096);
    g_assert_cmpuint(one->frame.length, ==, 0);
    one->data[4095] = 1;
    ferry_chunk_free(one);
}

typedef struct {
    FerryQueue filled;
    FerryQueue free;
} Pair;

/* Two queues and a fixed number of chunks: that is the pump's memory limit. */
static void *
produce(void *data)
{
    Pair *pair = data;

    for (uint32_t i = 0; i < MANY; i++) {
        FerryChunk *one = NULL;

        g_assert_cmpint(ferry_queue_pop(&pair->free, 10000, &one), ==, FERRY_QUEUE_GOT);
        one->frame.length = i;
        ferry_queue_push(&pair->filled, one);
    }
    ferry_queue_close(&pair->filled);
    return NULL;
}

static void
test_two_threads(void)
{
    Pair pair;
    pthread_t thread;
    FerryChunk *one = NULL;
    uint32_t n = 0;
    FerryQueueAnswer answer = FERRY_QUEUE_GOT;

    ferry_queue_init(&pair.filled);
    ferry_queue_init(&pair.free);
    for (unsigned i = 0; i < 3; i++)
        ferry_queue_push(&pair.free, chunk(0));
    g_assert_cmpint(pthread_create(&thread, NULL, produce, &pair), ==, 0);
    while ((answer = ferry_queue_pop(&pair.filled, 10000, &one)) == FERRY_QUEUE_GOT) {
        g_assert_cmpuint(one->frame.length, ==, n++);
        ferry_queue_push_first(&pair.free, one);
    }
    g_assert_cmpint(answer, ==, FERRY_QUEUE_CLOSED);
    g_assert_cmpuint(n, ==, MANY);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_assert_cmpuint(g_queue_get_length(&pair.free.chunks), ==, 3);
    ferry_queue_clear(&pair.filled);
    ferry_queue_clear(&pair.free);
}

static void *
close_it(void *data)
{
    ferry_queue_close(data);
    return NULL;
}

static void
test_close_wakes(void)
{
    FerryQueue queue;
    pthread_t thread;
    FerryChunk *got = NULL;

    ferry_queue_init(&queue);
    g_assert_cmpint(pthread_create(&thread, NULL, close_it, &queue), ==, 0);
    g_assert_cmpint(ferry_queue_pop(&queue, 60000, &got), ==, FERRY_QUEUE_CLOSED);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    ferry_queue_clear(&queue);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/queue/order", test_order);
    g_test_add_func("/queue/empty-times-out", test_empty_times_out);
    g_test_add_func("/queue/close-drains", test_close_drains);
    g_test_add_func("/queue/clear-frees", test_clear_frees);
    g_test_add_func("/queue/chunk", test_chunk);
    g_test_add_func("/queue/two-threads", test_two_threads);
    g_test_add_func("/queue/close-wakes", test_close_wakes);
    return g_test_run();
}
