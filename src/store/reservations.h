#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/record.h"
#include "store/store.h"

typedef enum {
    FERRY_RESERVATION_MAKING, /* its claims are being made; nobody was told of it */
    FERRY_RESERVATION_HELD,   /* until it expires */
    FERRY_RESERVATION_USED,   /* by a job, which has the claims now; never held again */
    FERRY_RESERVATION_CANCELLED,
    FERRY_RESERVATION_N_STATES
} FerryReservationState;

/** Returns: (transfer none): "making", "reserved", "used" or "cancelled" */
const char *ferry_reservation_state_name(FerryReservationState state);

/**
 * Slots that are held for a guest before its migration begins.  At the target its claims have its
 * id as their job; the source keeps a row to find the target by.  Texts are there, "" where there
 * is nothing.
 */
typedef struct {
    char *id;
    FerrySide side; /* which side this host is on */
    char *guest_uuid, *guest_name;
    char *peer;    /* the other host */
    char *terms;   /* JSON text: at the target the guest's needs, at the source what was asked */
    char *devices; /* JSON text: what is held for which device, for display */
    FerryReservationState state;
    char *job; /* that has used it; "": none */
    int64_t created_us, expires_us;
} FerryReservationRow;

void ferry_reservation_row_free(FerryReservationRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryReservationRow, ferry_reservation_row_free)

/** Whether it holds anything at that moment: not expired, used or cancelled. */
bool ferry_reservation_is_open(const FerryReservationRow *row, int64_t now_us);

/**
 * Adds a reservation unless another stands in its way: one of that id, or at the target an open one
 * of the same guest.
 *
 * @now_us: what counts as expired
 * @ret_holder: (out) (nullable) (transfer full): the one in the way: an answer
 */
bool ferry_store_reservation_add(FerryStore *self,
                                 const FerryReservationRow *row,
                                 int64_t now_us,
                                 FerryReservationRow **ret_holder,
                                 GError **error);

/** What was MAKING is HELD.  FERRY_ERROR_NOT_FOUND when it is not MAKING any more. */
bool ferry_store_reservation_settle(FerryStore *self,
                                    const char *id,
                                    const char *devices,
                                    GError **error);

/**
 * Uses a reservation that is HELD and not expired: it is the job's, and so are its claims, in one
 * transaction.  For the job that has used it already this succeeds again.
 *
 * @ret: (out) (nullable) (transfer full): NULL when it was taken; else the reservation as it is,
 *       or as it would be if there were none, with "" as its id: an answer
 */
bool ferry_store_reservation_take(FerryStore *self,
                                  const char *id,
                                  const char *job,
                                  int64_t now_us,
                                  FerryReservationRow **ret,
                                  GError **error);

/** What is open is CANCELLED; what is used, or not there, stays as it is. */
bool ferry_store_reservation_cancel(FerryStore *self, const char *id, GError **error);

/** @ret: (out) (nullable) (transfer full) */
bool ferry_store_reservation_find(FerryStore *self,
                                  const char *id,
                                  FerryReservationRow **ret,
                                  GError **error);

/** @ret: (out) (transfer full): array of FerryReservationRow, newest first, freeing its elements */
bool ferry_store_reservation_list(FerryStore *self, GPtrArray **ret, GError **error);

/** Forgets those that expired before that. */
bool ferry_store_reservation_forget(FerryStore *self, int64_t expired_before_us, GError **error);
