#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "migrate/need.h"

/** One ephemeral device: taken off before the transfer, plugged again afterwards. */
typedef struct {
    char *alias;
    char *xml; /* the device's element, as it stands in the live definition */
} FerryPlanDevice;

void ferry_plan_device_free(FerryPlanDevice *device);

/**
 * What a migration would do, complete enough for the target to check it and, once it is journalled
 * there, to end the job without the source.  A value: filled once, then only read.
 */
typedef struct {
    char *job; /* the job's id, a UUID */
    char *guest_name;
    char *guest_uuid;
    char *source; /* the names under which the two hosts' certificates were issued */
    char *target;
    char *host_uuid; /* (nullable): of the source, by its libvirt */
    char *live_xml;
    char *inactive_xml;    /* (nullable): a transient guest has none and stays transient */
    GPtrArray *ephemerals; /* of FerryPlanDevice, in the order of the definition */
    GPtrArray *needs;      /* of FerryPlanNeed: what its host devices need at the target */
    bool user_paused;      /* its user had paused it: it is handed over paused */
    bool autostart;
    bool tls;            /* guest memory travels encrypted */
    bool accept_unknown; /* its user takes a device whose state may not load */
    bool allow_degraded; /* its user takes a hybrid without a VF, or without failover */
    char *reservation;   /* (nullable): id of the one at the target that it uses */
    bool auto_converge;  /* a guest that writes too fast is slowed down */
    char *request_key;   /* (nullable): of the user's request, and what it asked: repeat.h */
    char *request_digest;
    json_t *roms;     /* ferry_roms_list() */
    json_t *warnings; /* array of {code, alias, message}: what its user should know */
    uint64_t memory_bytes;
    int64_t max_downtime_ms;
    int64_t timeout_ms;     /* of the transfer; 0 = by forecast */
    int64_t predicted_ms;   /* blackout by the forecast; -1 = no figure */
    uint64_t bandwidth_bps; /* bytes a second; 0 = no limit */
    uint64_t parallel;      /* connections for its memory; 0 = by the link */
} FerryPlan;

FerryPlan *ferry_plan_new(void);
void ferry_plan_free(FerryPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryPlan, ferry_plan_free)

/** Returns: (transfer full): the plan as the journal and the target get it */
json_t *ferry_plan_format(const FerryPlan *plan);

/**
 * Reads a plan.  A peer's plan is hostile until then: every member's type is checked; unknown
 * members are ignored, for a newer peer may send more.
 *
 * @ret: (out) (transfer full): the plan
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the member
 */
bool ferry_plan_parse(const json_t *json, FerryPlan **ret, GError **error);
