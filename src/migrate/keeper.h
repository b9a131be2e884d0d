#pragma once

#include "migrate/life.h"

/**
 * Keeps claims and guests in line: a thread that looks at all of them after libvirt's events and
 * changes of the host's devices, and when something is still to be done.
 *
 *   - a guest that is down holds no claim: what a crash of ferryd, QEMU or the host left is
 * released
 *   - a hybrid guest that runs has its VFs, or is on its way there
 *
 * Guests of a job that goes on, and guests that "ferry guest start" is at, are left alone.  What it
 * does is found by looking, never remembered, so the first look after ferryd's start repairs
 * whatever there is.
 */
typedef struct _FerryKeeper FerryKeeper;

/** @life: copied; what it names outlives the keeper */
FerryKeeper *ferry_keeper_new(const FerryLife *life);

/** Starts the thread, which looks at once.  Returns: false with FERRY_ERROR_EXHAUSTED */
bool ferry_keeper_start(FerryKeeper *self, GError **error);

/**
 * Tells the thread to end.  libvirt may keep it for half a minute, at a guest that another call is
 * at.
 *
 * Returns: false when it had not ended after @timeout_ms; then the keeper is not to be freed
 */
bool ferry_keeper_stop(FerryKeeper *self, int64_t timeout_ms);

/** Ends the thread, at the latest when the step that it is at ends; NULL is fine. */
void ferry_keeper_free(FerryKeeper *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryKeeper, ferry_keeper_free)

/** One look at everything, as the thread takes it.  Returns: ms until the next is due if nothing
 * happens before */
unsigned ferry_keeper_look(FerryKeeper *self);
