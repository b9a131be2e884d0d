#pragma once

#include <jansson.h>

#include "migrate/plan.h"

/**
 * What the target has assigned to the devices of a guest, as its PREPARED record and its answer
 * carry it: [{alias, kind, value}].  Kinds: "mdev-uuid", "pci-address" (of a VF), "source-dev" (the
 * netdev below a hybrid's macvtap).
 */

/** @kind: one of the above; nothing is added when @value is NULL */
void ferry_assign_add(json_t *assign, const char *alias, const char *kind, const char *value);

/** Returns: (nullable) (transfer none): the value of that kind for that device */
const char *ferry_assign_value(const json_t *assign, const char *alias, const char *kind);

/** Which text is given the target's names. */
typedef enum {
    FERRY_ASSIGN_LIVE,       /* that libvirt's migration takes: all devices that stay plugged */
    FERRY_ASSIGN_DEFINITION, /* that lasts: a hybrid keeps its network, an ephemeral device is there
                              */
} FerryAssignText;

/**
 * A domain XML with the target's own names in it.
 *
 * @assign: (nullable): absent is empty; a peer's: unknown entries are passed over
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID when a need has nothing assigned, or @xml has no such
 *          device
 */
bool ferry_assign_apply(const char *xml,
                        const GPtrArray *needs,
                        const json_t *assign,
                        FerryAssignText text,
                        char **ret,
                        GError **error);

/**
 * The ephemeral devices with the target's own names in them.
 *
 * @plan: its list of ephemeral devices is changed in place, where one came from a pool
 */
bool ferry_assign_ephemerals(FerryPlan *plan, const json_t *assign, GError **error);
