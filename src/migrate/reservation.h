#pragma once

#include "migrate/reserve.h"
#include "store/reservations.h"

/**
 * Slots of this host that are held for a guest before its migration begins.  A reservation is a
 * claim of the devices whose job is the reservation's id; it is on the disk before its claims are,
 * and ends by itself: what expired holds nothing any more, and the keeper releases its claims.  A
 * migration that names it gets exactly these slots, judged once more; once it has got them, the
 * reservation is used, however the migration ends.  A plain value; any thread.
 */
typedef struct {
    FerryStore *store;
    FerryReserve reserve;
    const FerryClock *clock;
} FerryReservations;

/** At most; a host is not blocked for ever by somebody who went away. */
#define FERRY_RESERVATION_MAX_MS (24 * 3600 * INT64_C(1000))

/**
 * Holds what the plan needs, for @ttl_ms from now.
 *
 * @plan: its job is the id of the reservation to be
 * @ret: (out) (nullable) (transfer full): as ferry_reservation_json(); NULL when refused
 * @ret_reasons: (out) (nullable) (transfer full): why it is refused
 */
bool ferry_reservations_make(const FerryReservations *self,
                             const FerryPlan *plan,
                             int64_t ttl_ms,
                             json_t **ret,
                             json_t **ret_reasons,
                             GError **error);

/**
 * Whether the plan may use the reservation that it names; or, if it names none, whether this host
 * holds one for its guest, which would stand in its way.
 *
 * @reasons: an array; gets {code, message}
 */
bool ferry_reservations_check(const FerryReservations *self,
                              const FerryPlan *plan,
                              json_t *reasons,
                              GError **error);

/**
 * Makes the claims of the reservation that the plan names those of its job.  May be done twice.
 *
 * @ret_reasons: (out) (nullable) (transfer full): why not; nothing is changed then
 */
bool ferry_reservations_take(const FerryReservations *self,
                             const FerryPlan *plan,
                             json_t **ret_reasons,
                             GError **error);

/** Ends a reservation and releases its claims; one that has ended, or is used, is a success. */
bool ferry_reservations_cancel(const FerryReservations *self, const char *id, GError **error);

/**
 * As the API shows it: {id, side, guest, source, target, state, created, expires, job?, devices}.
 *
 * @name: this host's
 */
json_t *ferry_reservation_json(const FerryReservationRow *row, const char *name, int64_t now_us);
