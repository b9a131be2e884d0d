#pragma once

#include <stdint.h>

/**
 * One act at a time on each claim: who makes its device and who removes it wait for each other,
 * and nobody waits for the acts on another claim.  Other things that have a number take turns as
 * well.  Any thread may call.
 */
typedef struct _FerryTurns FerryTurns;

FerryTurns *ferry_turns_new(void);
void ferry_turns_free(FerryTurns *self);

/** Waits until nobody has the turn of @generation, and takes it. */
void ferry_turns_take(FerryTurns *self, int64_t generation);
void ferry_turns_give(FerryTurns *self, int64_t generation);
