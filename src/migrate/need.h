#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

/** How one device of the guest gets to the target. */
typedef enum {
    FERRY_WAY_STATE,     /* stays plugged; QEMU carries its state */
    FERRY_WAY_EPHEMERAL, /* taken off, and another of the pool plugged in over there */
    FERRY_WAY_HYBRID,    /* virtio carries on, on a PF of the pool over there; its VF is another */
    FERRY_N_WAYS
} FerryWay;

/** Returns: (transfer none): "state", "ephemeral", "hybrid" */
const char *ferry_way_name(FerryWay way);

/** One vendor attribute of an mdev, set in order after it is made. */
typedef struct {
    char *name;
    char *value;
} FerryNeedAttr;

/**
 * What one device of a guest needs at the target: a value in the plan.  No host address and no UUID
 * of the source is in it; the facts have the source's name of the device as a label only, which no
 * check reads.
 */
typedef struct {
    FerryWay way;
    char *alias;
    char *pool;          /* (nullable): a slot of the pool of that name */
    char *parent;        /* (nullable): made outside of a pool: any parent with that type does */
    char *type;          /* (nullable): of an mdev */
    char *device;        /* (nullable): the mdev's UUID at the target, made there beforehand */
    char *vendor_id;     /* (nullable): what its parent is expected to be: "0x10de" */
    char *product_id;    /* (nullable) */
    char *vf_alias;      /* (nullable): of a hybrid: its VF */
    char *vf_address;    /* (nullable): of a hybrid: the guest's address that is kept for it */
    char *mac;           /* (nullable): of a hybrid */
    char *source_print;  /* (nullable): fingerprint of @facts */
    char *target_print;  /* (nullable): of the slot that the check chose: for the history alone */
    char *state_basis;   /* (nullable): how @state_bytes is known: migrate/state-size.h */
    int64_t state_bytes; /* of the device whose state is carried; -1 = no figure */
    bool may_degrade;    /* of a hybrid: it may go where no VF is free */
    GPtrArray *attrs;    /* of FerryNeedAttr, in order */
    json_t *facts;       /* (nullable): of the device whose state is carried */
} FerryPlanNeed;

/** Of one need, and in all: more is hostile. */
#define FERRY_NEED_ATTRS_MAX 64
#define FERRY_NEEDS_MAX      64

FerryPlanNeed *ferry_plan_need_new(FerryWay way, const char *alias);
void ferry_plan_need_free(FerryPlanNeed *need);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryPlanNeed, ferry_plan_need_free)

void ferry_plan_need_add_attr(FerryPlanNeed *need, const char *name, const char *value);

/** Returns: (nullable) (transfer none): the need of that alias, or the hybrid with that VF */
const FerryPlanNeed *ferry_needs_of(const GPtrArray *needs, const char *alias);

/** Returns: (transfer full): an array, as the plan carries it */
json_t *ferry_needs_format(const GPtrArray *needs);

/**
 * Reads what ferry_needs_format() wrote; a peer's is hostile until then.
 *
 * @json: (nullable): absent is none: a plan of a ferry that knew no needs
 * @ret: gets a FerryPlanNeed each
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the need and the member
 */
bool ferry_needs_parse(const json_t *json, GPtrArray *ret, GError **error);
