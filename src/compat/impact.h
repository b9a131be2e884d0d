#pragma once

#include "compat/check.h"

/** What an upgrade does to one device's ways out of its host. */
typedef enum {
    FERRY_IMPACT_UNCHANGED,
    FERRY_IMPACT_WIDENED,
    FERRY_IMPACT_GAINED_FIRST, /* it had nowhere to go, now it has */
    FERRY_IMPACT_NARROWED,
    FERRY_IMPACT_LOST_LAST, /* it had somewhere to go, now it has not */
    FERRY_IMPACT_STRANDED,  /* neither before nor after */
    FERRY_N_IMPACTS
} FerryImpactStatus;

/** A host with the targets it offers. */
typedef struct {
    const char *name;
    const FerryFacts *const *targets;
    size_t n_targets;
} FerryImpactHost;

/** A device that lives somewhere. */
typedef struct {
    const char *id;
    const char *home; /* a host's name */
    const FerryFacts *facts;
} FerryImpactDevice;

/** The hosts a device could go to, sorted bytewise. */
typedef struct {
    const char *id;
    FerryImpactStatus status;
    GPtrArray *before; /* of const char * */
    GPtrArray *after;
    GPtrArray *unknown; /* hosts that only may accept it, after the upgrade */
} FerryDeviceImpact;

typedef struct {
    GPtrArray *devices; /* of FerryDeviceImpact, in the order they were given */
    bool is_one_way;    /* a device made on the upgraded host could go nowhere else */
} FerryImpact;

/**
 * What changes for @devices when one host's targets become others.
 *
 * @hosts: before the upgrade; @upgraded names one of them (or a new one) with its targets after it
 * @rules: (nullable)
 *
 * Borrows names; the result must not outlive them.
 *
 * Returns: (transfer full): never NULL
 */
FerryImpact *ferry_impact(const FerryImpactHost *hosts,
                          size_t n_hosts,
                          const FerryImpactDevice *devices,
                          size_t n_devices,
                          const FerryImpactHost *upgraded,
                          const FerryRules *rules);
void ferry_impact_free(FerryImpact *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryImpact, ferry_impact_free)

/** Returns: (transfer none): "lost-last" and so on */
const char *ferry_impact_status_name(FerryImpactStatus status);
