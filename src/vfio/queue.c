#include "vfio/queue.h"

#include <errno.h>
#include <time.h>

void
ferry_queue_init(FerryQueue *self)
{
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    g_queue_init(&self->chunks);
    self->closed = false;
}

void
ferry_queue_clear(FerryQueue *self)
{
    g_queue_clear_full(&self->chunks, (GDestroyNotify)ferry_chunk_free);
    (void)pthread_cond_destroy(&self->changed);
    (void)pthread_mutex_destroy(&self->lock);
}

void
ferry_queue_push(FerryQueue *self, FerryChunk *chunk)
{
    (void)pthread_mutex_lock(&self->lock);
    g_queue_push_tail(&self->chunks, chunk);
    (void)pthread_cond_signal(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
}

void
ferry_queue_push_first(FerryQueue *self, FerryChunk *chunk)
{
    (void)pthread_mutex_lock(&self->lock);
    g_queue_push_head(&self->chunks, chunk);
    (void)pthread_cond_signal(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
}

FerryQueueAnswer
ferry_queue_pop(FerryQueue *self, int timeout_ms, FerryChunk **ret)
{
    FerryQueueAnswer answer = FERRY_QUEUE_TIMEOUT;
    struct timespec end;
    int status = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeout_ms / 1000;
    end.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    (void)pthread_mutex_lock(&self->lock);
    while (g_queue_is_empty(&self->chunks) && !self->closed && status != ETIMEDOUT)
        status = pthread_cond_timedwait(&self->changed, &self->lock, &end);
    if (!g_queue_is_empty(&self->chunks)) {
        *ret = g_queue_pop_head(&self->chunks);
        answer = FERRY_QUEUE_GOT;
    } else if (self->closed) {
        answer = FERRY_QUEUE_CLOSED;
    }
    (void)pthread_mutex_unlock(&self->lock);
    return answer;
}

void
ferry_queue_close(FerryQueue *self)
{
    (void)pthread_mutex_lock(&self->lock);
    self->closed = true;
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
}

FerryChunk *
ferry_chunk_new(unsigned lane, size_t capacity)
{
    FerryChunk *self = g_new0(FerryChunk, 1);

    self->lane = lane;
    self->capacity = capacity;
    self->data = g_malloc(capacity);
    return self;
}

void
ferry_chunk_free(FerryChunk *self)
{
    g_free(self->data);
    g_free(self);
}
