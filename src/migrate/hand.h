#pragma once

#include "migrate/ops.h"
#include "migrate/reserve.h"

/**
 * One job's hold on this host: the guest in libvirt, the marker, the journal.  It is the real
 * FerryGuestOps, FerryDeviceOps and FerryJournalOps; both sides' drivers get it as the beginning of
 * their data.
 */
typedef struct {
    FerryGuests *guests;
    FerryStore *store;
    const FerryClock *clock;
    const char *marker_dir;
    FerryJobRow row; /* id, side, guest and peer of the job; strings are the owner's */
    int root;        /* as for ferry_storage_is_shared() */
    FerryReserve reserve;
    FerryHybrids *hybrids; /* (nullable): with the pools */
    uint64_t asked_at;     /* number of the newest event when a device was last asked for */
} FerryHand;

/* For all, @data points at a FerryHand, or at a struct that begins with one. */
extern const FerryGuestOps ferry_hand_guest_ops;
extern const FerryDeviceOps ferry_hand_device_ops;
extern const FerryJournalOps ferry_hand_journal_ops;
