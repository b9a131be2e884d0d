#pragma once

#include <stdint.h>

#include "migrate/slots.h"

/**
 * What is left of a host's slots when other devices of the same guest have got theirs.
 *
 * Of a PF so many VFs are taken.  The types of a parent are alternatives that share what it has:
 * who takes one of a type that could give a takes 1/a of it, and of another type that could give b
 * there are b (1 - 1/a) left, rounded down.  That is exact where types are multiples of one unit,
 * and a guess elsewhere; what counts is the reservation.
 */
typedef struct _FerryLedger FerryLedger;

FerryLedger *ferry_ledger_new(void);
void ferry_ledger_free(FerryLedger *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryLedger, ferry_ledger_free)

/** Returns: how many of @kind can still be taken */
uint32_t ferry_ledger_left(const FerryLedger *self, const FerrySlotKind *kind);

/** Takes one of @kind, of which one is left. */
void ferry_ledger_take(FerryLedger *self, const FerrySlotKind *kind);
