#pragma once

#include "migrate/migrator.h"

/**
 * Reservations, as this host's users and its peers ask for them: the two-phase use of a migration
 * by others.  The target holds the slots and decides; the source keeps where they are, and with
 * what they were asked for.  Any thread may call.
 */

/* ---- for the users of this host ---- */

/**
 * Plans the guest's migration and has the other host hold what it needs.
 *
 * @request: guest, to, accept_unknown and devices of it count
 * @ret: (out) (nullable) (transfer full): as ferry_reservation_json(); NULL when refused
 * @ret_reasons: (out) (nullable) (transfer full): why it is refused
 *
 * Returns: as ferry_migrator_check()
 */
bool ferry_migrator_reserve(FerryMigrator *self,
                            const FerryMigrationRequest *request,
                            int64_t ttl_ms,
                            json_t **ret,
                            json_t **ret_reasons,
                            GError **error);

/**
 * A request that names a reservation gets what that one was made with: the host, the devices, and
 * whether the unknown is accepted.
 *
 * @ret_terms: (out) (nullable) (transfer full): what @request borrows from then on
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND (the reservation), FERRY_ERROR_INVALID when the
 *          request says some of that itself, or names no host
 */
bool ferry_migrator_take_terms(FerryMigrator *self,
                               FerryMigrationRequest *request,
                               json_t **ret_terms,
                               GError **error);

/** A job has begun with it, for this host's list: what counts is what the target says. */
void ferry_migrator_reservation_used(FerryMigrator *self, const char *id, const char *job);

/** @ret: (out) (transfer full): all that this host knows of, newest first */
bool ferry_migrator_reservations(FerryMigrator *self, json_t **ret, GError **error);

/** @ret: (out) (transfer full).  Returns: false with FERRY_ERROR_NOT_FOUND */
bool ferry_migrator_reservation(FerryMigrator *self, const char *id, json_t **ret, GError **error);

/**
 * Ends a reservation, on either of its hosts; one that has ended already is a success.
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, FERRY_ERROR_BUSY naming the job that has used it,
 *          FERRY_ERROR_PEER when the target is out of reach: there it ends by itself
 */
bool ferry_migrator_reservation_cancel(FerryMigrator *self, const char *id, GError **error);

/** Whether a reservation of that id holds its claims: the keeper lets them be then. */
bool ferry_migrator_holds(FerryMigrator *self, const char *id);

/* ---- for peers; @caller is the name in their certificate ---- */

/**
 * Checks a plan and holds what it needs.
 *
 * @body: {plan, ttl_ms}
 *
 * Returns: false with FERRY_ERROR_DENIED when the plan is not the caller's, FERRY_ERROR_INVALID
 */
bool ferry_migrator_peer_reserve(FerryMigrator *self,
                                 const char *caller,
                                 const char *id,
                                 const json_t *body,
                                 json_t **ret,
                                 json_t **ret_reasons,
                                 GError **error);

/** As ferry_migrator_reservation_cancel(), for the host that made it; another's is not found. */
bool ferry_migrator_peer_release(FerryMigrator *self,
                                 const char *caller,
                                 const char *id,
                                 GError **error);
