#pragma once

#include "sim/device.h"

/** The simulated device's contents and its opaque stream: what a vendor's driver would have. */
typedef struct {
    const SimOptions *options; /* (transfer none) */
    uint64_t n_pages;
    uint32_t *generations; /* n_pages of them, from 1 */
    uint64_t reg;
} SimState;

/** One save session's place in the stream. */
typedef struct _SimSaver SimSaver;
/** One load session: takes the stream in pieces of any size. */
typedef struct _SimLoader SimLoader;

void sim_state_init(SimState *self, const SimOptions *options);
void sim_state_clear(SimState *self);
uint64_t sim_state_digest(const SimState *self);
/** Returns: how long a stream is that holds each page once */
uint64_t sim_state_stream_bytes(const SimState *self);
/** A guest wrote to @page; @saver (nullable) sends it again if it was sent. */
void sim_state_dirty(SimState *self, SimSaver *saver, uint64_t page);

SimSaver *sim_saver_new(const SimState *state);
void sim_saver_free(SimSaver *self);
/** The device stopped: what is left and the end record follow. */
void sim_saver_stop(SimSaver *self);
size_t sim_saver_read(SimSaver *self, void *buf, size_t size);
/** Returns: the pages that have to get dirty for @n more bytes read */
uint64_t sim_saver_dirt_due(SimSaver *self, size_t n, unsigned percent);
void sim_saver_info(SimSaver *self, SimInfo *ret);
uint64_t sim_saver_left(const SimSaver *self);

SimLoader *sim_loader_new(const SimOptions *options);
void sim_loader_free(SimLoader *self);
/** Returns: 0, or EFAULT for a foreign header, EINVAL for a bad record, ENOMEM for too much */
int sim_loader_write(SimLoader *self, const void *buf, size_t size);
bool sim_loader_complete(const SimLoader *self);
void sim_loader_apply(SimLoader *self, SimState *state);
