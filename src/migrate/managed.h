#pragma once

#include "migrate/life.h"

/**
 * Managed mediated devices: made when their guest starts, removed when it stops.
 *
 * The guest's XML has the UUID, its metadata parent or pool and type.  Only what ferry made under a
 * claim of this guest is ever removed; a device of that UUID that somebody else made is neither
 * adopted nor touched.  All of these are called in the guest's turn (migrate/guest-turns.h), but
 * for ferry_managed_tidy(), and none asks libvirt, but for that one.
 */

/**
 * Claims and makes all managed mediated devices of a guest, or none: what this call claimed is
 * released again when it fails.  What stands in the way only for a moment (types that are not
 * published yet, a device that its driver still cleans up) is waited for;
 * ferry_guest_turns_waiting_for() says what it is.
 *
 * @domain: any XML of it
 * @until_ms: on the life's clock: until when to wait
 * @ret_reasons: (out) (nullable) (transfer full): why not; NULL when all are there
 *
 * Returns: false with the error of pool/pools.h that was in the way
 */
bool ferry_managed_make(const FerryLife *life,
                        const FerryDomain *domain,
                        int64_t until_ms,
                        json_t **ret_reasons,
                        GError **error);

/**
 * Releases every claim of a guest that is down, but those of a job that goes on, and goes on with
 * the rest where one cannot be released.
 *
 * @limit_ms: for each device that the kernel removes
 *
 * Returns: false with the first error; what is left is to be released again
 */
bool ferry_managed_release(const FerryLife *life,
                           const char *guest_uuid,
                           unsigned limit_ms,
                           GError **error);

/**
 * The same, again and again, until nothing is left.
 *
 * @ret_reasons: (out) (nullable) (transfer full): what is still left at @until_ms, and why
 */
bool ferry_managed_clear(const FerryLife *life,
                         const char *guest_uuid,
                         int64_t until_ms,
                         json_t **ret_reasons,
                         GError **error);

/** What became of a guest's claims. */
typedef enum {
    FERRY_TIDY_UP,   /* the guest is up: they are in use */
    FERRY_TIDY_DONE, /* it is down: none is left */
    FERRY_TIDY_LATER /* another is at it just now: ask again */
} FerryTidy;

/**
 * Looks at a guest and brings its claims in line: in use when it is up, released when it is down.
 * Not in the guest's turn.
 *
 * Returns: false when libvirt or the store cannot be asked, or a claim cannot be released: ask
 *          again
 */
bool ferry_managed_tidy(const FerryLife *life,
                        const char *guest_uuid,
                        unsigned limit_ms,
                        FerryTidy *ret,
                        GError **error);
