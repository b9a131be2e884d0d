#pragma once

#include "host/facts.h"
#include "migrate/need.h"
#include "store/store.h"
#include "xml/domain.h"

/** Where the devices of the source are looked up. */
typedef struct {
    const FerryInventory *inventory; /* (nullable): then nothing is known of any device */
    int root;                        /* as for ferry_host_facts() */
    const FerryDriverOps *ops;
    void *data;
    FerryStore *store;     /* (nullable): what is remembered of devices' states */
    const json_t *devices; /* (nullable): {alias: UUID at the target}, of "--device" */
} FerrySurveyHost;

/**
 * What each host device of a running guest needs at the target.
 *
 * @domain: of the live XML
 * @live_xml: the same, for what @domain does not hold
 * @ret: gets a FerryPlanNeed each, in the order of the XML
 * @reasons: an array; gets {code, alias, message} for each device that has no way, or has one that
 *           libvirt would refuse: what is the matter, and what would make it travel
 */
void ferry_survey(const FerryDomain *domain,
                  const char *live_xml,
                  const FerrySurveyHost *host,
                  GPtrArray *ret,
                  json_t *reasons);
