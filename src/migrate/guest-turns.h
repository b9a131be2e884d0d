#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * Who changes a guest's claims.  libvirt's hook, "ferry guest start" and the keeper do; a turn is
 * one of them at work, and a guest has one at a time.  Any thread.
 *
 * While a hook runs libvirt holds the guest, and who asks libvirt about it waits.  So:
 *   1. Nobody asks libvirt during a turn.
 *   2. Who looked at the guest first, and acts upon "it is down", takes the turn only if none began
 *      since before the look: a hook's "prepare" may have come in between.
 *
 *      keeper:  number = ferry_guest_turns_number() ── look at the guest ──
 * ferry_guest_turns_enter_since(number)
 *
 * A start is longer than its turns: the guest is down in between, and its claims are to stay.
 */
typedef struct _FerryGuestTurns FerryGuestTurns;

FerryGuestTurns *ferry_guest_turns_new(void);
/** Nobody may be at work. */
void ferry_guest_turns_free(FerryGuestTurns *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryGuestTurns, ferry_guest_turns_free)

/** Waits for the guest's turn.  Returns: false when another's did not end within @limit_ms */
bool ferry_guest_turns_enter(FerryGuestTurns *self, const char *guest_uuid, int64_t limit_ms);

/** Takes the turn at once, unless one goes on or began after @number. */
bool ferry_guest_turns_enter_since(FerryGuestTurns *self, const char *guest_uuid, uint64_t number);

void ferry_guest_turns_leave(FerryGuestTurns *self, const char *guest_uuid);

/** Returns: how many turns and starts of the guest have begun */
uint64_t ferry_guest_turns_number(FerryGuestTurns *self, const char *guest_uuid);

/** Returns: false when a start of this guest goes on already */
bool ferry_guest_turns_begin_start(FerryGuestTurns *self, const char *guest_uuid);
void ferry_guest_turns_end_start(FerryGuestTurns *self, const char *guest_uuid);
bool ferry_guest_turns_is_starting(FerryGuestTurns *self, const char *guest_uuid);

/** Whom or what the guest's start waits for; NULL for nothing any more.  Returns: whether that is
 * another text than before */
bool ferry_guest_turns_say(FerryGuestTurns *self, const char *guest_uuid, const char *waiting_for);

/** Returns: (nullable) (transfer full): what was said last */
char *ferry_guest_turns_waiting_for(FerryGuestTurns *self, const char *guest_uuid);
