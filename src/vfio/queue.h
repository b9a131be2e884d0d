#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "vfio/frame.h"

/** A piece of a stream between two threads: a frame and its payload. */
typedef struct {
    FerryFrame frame;
    unsigned lane; /* whose free list it goes back to */
    uint8_t *data;
    size_t capacity;
} FerryChunk;

/**
 * Hands chunks from thread to thread.  Bounded by the number of chunks that exist, which are made
 * once; whoever finds none waits, and that is the back-pressure.  Safe in any thread.
 *
 * FIFO for what is on its way, LIFO for the free ones, so that memory still in the cache is used
 * again first.
 */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GQueue chunks;
    bool closed;
} FerryQueue;

typedef enum { FERRY_QUEUE_GOT, FERRY_QUEUE_CLOSED, FERRY_QUEUE_TIMEOUT } FerryQueueAnswer;

void ferry_queue_init(FerryQueue *self);
/** Frees it and the chunks in it.  No thread may use it any more. */
void ferry_queue_clear(FerryQueue *self);
void ferry_queue_push(FerryQueue *self, FerryChunk *chunk);
void ferry_queue_push_first(FerryQueue *self, FerryChunk *chunk);
/** Waits for a chunk.  After close what is left still comes out, then CLOSED. */
FerryQueueAnswer ferry_queue_pop(FerryQueue *self, int timeout_ms, FerryChunk **ret);
/** No more will come. */
void ferry_queue_close(FerryQueue *self);

FerryChunk *ferry_chunk_new(unsigned lane, size_t capacity);
void ferry_chunk_free(FerryChunk *self);
