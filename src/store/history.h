#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "store/store.h"

/** How one device's state, or a whole guest, fared in one migration. */
typedef enum {
    FERRY_RESULT_SUCCESS,
    FERRY_RESULT_REJECTED, /* the target's device refused the state */
    FERRY_RESULT_FAILED,   /* for another reason: it says nothing of the devices */
    FERRY_N_RESULTS
} FerryResult;

/** How many are kept of what is old: results of one kind of load, moves of one guest. */
#define FERRY_HISTORY_LOADS 10
#define FERRY_HISTORY_MOVES 5

/** What is remembered of it.  Texts are there, "" where there is nothing to say. */
typedef struct {
    char *job;
    char *alias; /* of the device; "" = the guest as a whole */
    char *guest_uuid;
    char *peer;         /* the other host */
    char *source_print; /* fingerprints of the facts of both devices: compat/facts.h */
    char *target_print;
    FerryResult result;
    int64_t bytes;       /* that went over, -1 = not known */
    int64_t blackout_ms; /* of the guest, -1 = not known */
    int64_t rate_bps;    /* of the link, -1 = not known */
    int64_t wall_us;
} FerryHistoryRow;

void ferry_history_row_free(FerryHistoryRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryHistoryRow, ferry_history_row_free)

/** Keeps a row, in place of an older one of that job and device. */
bool ferry_history_add(FerryStore *self, const FerryHistoryRow *row, GError **error);

/** Loads of one kind of device into another; of times, 0 = none. */
typedef struct {
    unsigned n_success, n_rejected;
    int64_t success_us, rejected_us; /* of the newest */
} FerryHistoryLoads;

bool ferry_history_loads(FerryStore *self,
                         const char *source_print,
                         const char *target_print,
                         FerryHistoryLoads *ret,
                         GError **error);

/** @ret: the most that a state of such a device ever had, -1 when none is known */
bool ferry_history_bytes(FerryStore *self, const char *source_print, int64_t *ret, GError **error);

/** @ret: (out) (transfer full): the guest's successful moves with a blackout (rows of alias ""),
 * newest first, at most five */
bool ferry_history_moves(FerryStore *self, const char *guest_uuid, GPtrArray **ret, GError **error);

/** @ret: what the link to @peer gave in the newest move to it, -1 when none is known */
bool ferry_history_rate(FerryStore *self, const char *peer, int64_t *ret, GError **error);

/**
 * Forgets what is older than @before_us and that nothing here would be asked for: of each load,
 * from one kind of device (driver, type, versions) into another, the newest of each result stay,
 * and the largest state of each kind; the newest rate of each link; the newest moves of a guest,
 * but those older than a year before that.
 */
bool ferry_history_forget(FerryStore *self, int64_t before_us, GError **error);
