#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * Where everybody of the migrations waits, and everybody rings who changed something: a guest's
 * event, a peer's request, the relay, a job's view.  Any thread.
 *
 * Read the number, look at what you care about, then wait for a higher number: nothing is missed.
 */
typedef struct _FerryBell FerryBell;

FerryBell *ferry_bell_new(void);
void ferry_bell_free(FerryBell *self); /* nobody waits any more */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryBell, ferry_bell_free)

/** Takes a void pointer so that it can be handed over as a callback. */
void ferry_bell_ring(void *bell);

/** Returns: how often it rang */
uint64_t ferry_bell_rung(FerryBell *self);

/** Returns: whether it rang after @after, at the latest after @timeout_ms */
bool ferry_bell_wait(FerryBell *self, uint64_t after, int64_t timeout_ms);
