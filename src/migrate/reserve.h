#pragma once

#include "migrate/offer.h"

/**
 * The devices that a job holds on this host.  A claim with the job's id is the job's until the
 * guest has it; one whose job is in no table and no journal is nobody's, and the keeper releases
 * it.  Everything may be done twice.  A plain value; any thread.
 */
typedef struct {
    FerryPools *pools;                        /* NULL: this host knows of no devices */
    FerryOffers *offers;                      /* NULL likewise */
    FerryInventory *(*inventory)(void *data); /* (transfer full): the newest */
    void *inventory_data;
} FerryReserve;

/**
 * Claims a slot for every need of the plan, or none.  What an earlier try of this job left is
 * released first.
 *
 * @ret_reasons: (out) (nullable) (transfer full): why not; NULL when all is claimed
 */
bool ferry_reserve_claim(const FerryReserve *self,
                         const FerryPlan *plan,
                         json_t **ret_reasons,
                         GError **error);

/**
 * Makes what is claimed: mdevs with their attributes, VFs' settings saved.
 *
 * @ret_assign: (out) (nullable) (transfer full): see migrate/assign.h
 * @ret_reasons: (out) (nullable) (transfer full): why not: then there is no @ret_assign
 */
bool ferry_reserve_prepare(const FerryReserve *self,
                           const FerryPlan *plan,
                           json_t **ret_assign,
                           json_t **ret_reasons,
                           GError **error);

/** Returns: (nullable) (transfer none): the claim that the job holds for this need */
const FerryClaimRow *
ferry_reserve_claim_of(const GPtrArray *claims, const char *job, const FerryPlanNeed *need);

/** The job's claims become the guest's. */
bool ferry_reserve_keep(const FerryReserve *self, const char *job, GError **error);

/** Gives back what the job holds, whatever guest it is for.  Returns: false with the first error;
 * what could be given back is */
bool ferry_reserve_release_job(const FerryReserve *self, const char *job, GError **error);

/** Gives back what the guest holds, which has left this host.  As above. */
bool ferry_reserve_release_guest(const FerryReserve *self, const char *guest_uuid, GError **error);
