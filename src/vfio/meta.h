#pragma once

#include "compat/finding.h"
#include "vfio/device.h"

/**
 * Our description of a device, ahead of the driver's bytes: what it is (a compat description), its
 * migration flags, the sizes known.  The receiver judges it before it touches anything.
 */

/** Returns: (transfer full): the description, JSON.  @facts: the device's compat description */
char *ferry_meta_build(const char *facts, const FerryVfioDevice *device, FerrySize stop_copy);

/** What is good enough for the receiver. */
typedef enum {
    FERRY_META_STRICT,         /* a definite yes */
    FERRY_META_ACCEPT_UNKNOWN, /* "unknown" too: a fact is missing somewhere */
    FERRY_META_CHECK_OFF,      /* anything: the driver has to refuse by itself */
} FerryMetaPolicy;

/**
 * Judges a source's description for the device here.
 *
 * @own_facts: the own device's compat description
 * @reasons: (element-type utf8): one added for each reason to refuse; none means yes
 * @ret_level: (out) (optional): the verdict
 *
 * Returns: false with FERRY_ERROR_PEER when @meta is no description of ours
 */
bool ferry_meta_check(const char *meta,
                      const char *own_facts,
                      FerryMetaPolicy policy,
                      GPtrArray *reasons,
                      FerryVerdictLevel *ret_level,
                      GError **error);
