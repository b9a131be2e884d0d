#include "memory.h"

#include <pthread.h>
#include <string.h>

#include "bench.h"

/* One direction: @parts is what the sender waits to get rid of; NULL: nobody sends. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct iovec *parts;
    size_t n_parts;
    bool ended;
} Lane;

typedef struct {
    int n_ends; /* that are left */
    Lane lanes[2];
} Pair;

typedef struct {
    Pair *pair;
    Lane *out;
    Lane *in;
} End;

static bool
memory_send(void *data, struct iovec *parts, size_t n_parts, GError **error)
{
    Lane *lane = ((End *)data)->out;

    (void)error;
    (void)pthread_mutex_lock(&lane->lock);
    lane->parts = parts;
    lane->n_parts = n_parts;
    (void)pthread_cond_broadcast(&lane->changed);
    while (lane->n_parts > 0 && !lane->ended)
        (void)pthread_cond_wait(&lane->changed, &lane->lock);
    bool ok = lane->n_parts == 0;
    (void)pthread_mutex_unlock(&lane->lock);
    bench_must(ok, "the channel in memory");
    return ok;
}

/* The sender waits, so the copy needs no lock. */
static size_t
take(Lane *lane, uint8_t *buf, size_t size)
{
    size_t n = MIN(size, lane->parts->iov_len);

    (void)pthread_mutex_unlock(&lane->lock);
    memcpy(buf, lane->parts->iov_base, n);
    (void)pthread_mutex_lock(&lane->lock);
    lane->parts->iov_base = (uint8_t *)lane->parts->iov_base + n;
    lane->parts->iov_len -= n;
    if (lane->parts->iov_len == 0) {
        lane->parts++;
        if (--lane->n_parts == 0)
            (void)pthread_cond_broadcast(&lane->changed);
    }
    return n;
}

static bool
memory_recv(void *data, void *buf, size_t size, size_t *ret_n, GError **error)
{
    Lane *lane = ((End *)data)->in;
    size_t done = 0;

    (void)error;
    (void)pthread_mutex_lock(&lane->lock);
    while (done < size) {
        if (lane->n_parts > 0)
            done += take(lane, (uint8_t *)buf + done, size - done);
        else if (lane->ended)
            break;
        else
            (void)pthread_cond_wait(&lane->changed, &lane->lock);
    }
    (void)pthread_mutex_unlock(&lane->lock);
    *ret_n = done;
    return true;
}

static bool
memory_pending(void *data)
{
    Lane *lane = ((End *)data)->in;

    (void)pthread_mutex_lock(&lane->lock);
    bool pending = lane->n_parts > 0;
    (void)pthread_mutex_unlock(&lane->lock);
    return pending;
}

static void
memory_stop(void *data)
{
    Pair *pair = ((End *)data)->pair;

    for (size_t i = 0; i < G_N_ELEMENTS(pair->lanes); i++) {
        Lane *lane = &pair->lanes[i];

        (void)pthread_mutex_lock(&lane->lock);
        lane->ended = true;
        (void)pthread_cond_broadcast(&lane->changed);
        (void)pthread_mutex_unlock(&lane->lock);
    }
}

static void
memory_free(void *data)
{
    Pair *pair = ((End *)data)->pair;

    g_free(data);
    if (--pair->n_ends > 0)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(pair->lanes); i++) {
        (void)pthread_cond_destroy(&pair->lanes[i].changed);
        (void)pthread_mutex_destroy(&pair->lanes[i].lock);
    }
    g_free(pair);
}

static const FerryChannelOps memory_ops = { .send = memory_send,
                                            .recv = memory_recv,
                                            .pending = memory_pending,
                                            .stop = memory_stop,
                                            .free = memory_free };

void
bench_memory_pair(FerryChannel **ret)
{
    Pair *pair = g_new0(Pair, 1);

    for (size_t i = 0; i < 2; i++) {
        End *end = g_new(End, 1);

        (void)pthread_mutex_init(&pair->lanes[i].lock, NULL);
        (void)pthread_cond_init(&pair->lanes[i].changed, NULL);
        *end = (End){ .pair = pair, .out = &pair->lanes[i], .in = &pair->lanes[1 - i] };
        pair->n_ends++;
        ret[i] = g_new(FerryChannel, 1);
        *ret[i] = (FerryChannel){ .ops = &memory_ops,
                                  .data = end,
                                  .kind = FERRY_CHANNEL_TWO_WAY,
                                  .name = g_strdup("memory") };
    }
}
