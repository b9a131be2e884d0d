#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

typedef enum {
    FERRY_CLAIM_RESERVED,  /* of a start or a job that is going on */
    FERRY_CLAIM_IN_USE,    /* of a guest that runs with it */
    FERRY_CLAIM_RELEASING, /* being cleaned up; never becomes another state again */
    FERRY_CLAIM_N_STATES
} FerryClaimState;

/** Returns: (transfer none): "reserved", "in_use" or "releasing" */
const char *ferry_claim_state_name(FerryClaimState state);

/** A slot held for one device of one guest; all texts are there, "" where there is nothing. */
typedef struct {
    int64_t generation; /* never used twice: a release names it, so it can't hit a later claim */
    char *pool;         /* "": the guest names a parent itself */
    char *slot;         /* "0000:03:00.0/vf3", PF and index; or "mtty/mtty-1", parent and type */
    char *device;       /* of an mdev its UUID, in lower case; of a VF "": its address may change */
    char *guest_uuid;   /* "": a person's, no guest's */
    char *guest_name;   /* for display only */
    char *alias;
    char *job; /* "": none */
    FerryClaimState state;
    char *saved_settings; /* of a VF: JSON, what was set before us; "": not saved, so not touched */
    char *attrs;          /* of an mdev: JSON array of {name, value}, in order */
    char *made_in;        /* of an mdev: the boot in which we make it; "": not begun, not ours */
    int64_t since_us;
} FerryClaimRow;

FerryClaimRow *ferry_claim_row_copy(const FerryClaimRow *row);
void ferry_claim_row_free(FerryClaimRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryClaimRow, ferry_claim_row_free)

/**
 * Adds a claim unless another stands in its way: one that has the VF's slot or the mdev's UUID, or
 * one of the same guest and alias that is not being released.  All in one transaction, on the disk
 * when this returns.
 *
 * @claim: its generation is not read
 * @ret_generation: (out): the new claim's; 0 when there is a holder
 * @ret_holder: (out) (nullable) (transfer full): the claim in the way: an answer
 */
bool ferry_store_claim_add(FerryStore *self,
                           const FerryClaimRow *claim,
                           int64_t *ret_generation,
                           FerryClaimRow **ret_holder,
                           GError **error);

/**
 * Writes slot, job, state, saved_settings and made_in of the claim of that generation.
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when it is gone, or is being released and @claim says
 *          another state; else as store.h
 */
bool ferry_store_claim_update(FerryStore *self, const FerryClaimRow *claim, GError **error);

/** A claim that is gone already is a success. */
bool ferry_store_claim_remove(FerryStore *self, int64_t generation, GError **error);

/** @ret: (out) (nullable) (transfer full): NULL when it is gone */
bool
ferry_store_claim_find(FerryStore *self, int64_t generation, FerryClaimRow **ret, GError **error);

/**
 * @guest_uuid: (nullable): of that guest only
 * @ret: (out) (transfer full): array of FerryClaimRow, oldest first, freeing its elements
 */
bool
ferry_store_claim_list(FerryStore *self, const char *guest_uuid, GPtrArray **ret, GError **error);
