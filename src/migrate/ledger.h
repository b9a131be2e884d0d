#pragma once

#include <stdint.h>

#include "migrate/slots.h"

/**
 * What is left of a host's slots when other devices of the same guest have got theirs.
 *
 * Of a PF so many VFs are taken.  The types of a parent are alternatives that share what it has, as
 * pool/size.h measures it: the pools forecast what is left after claims by the same numbers, so
 * that what a check counts can be reserved.
 */
typedef struct _FerryLedger FerryLedger;

FerryLedger *ferry_ledger_new(void);
void ferry_ledger_free(FerryLedger *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryLedger, ferry_ledger_free)

/** Returns: how many of @kind can still be taken */
uint32_t ferry_ledger_left(const FerryLedger *self, const FerrySlotKind *kind);

/** Takes one of @kind, of which one is left. */
void ferry_ledger_take(FerryLedger *self, const FerrySlotKind *kind);
