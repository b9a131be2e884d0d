#pragma once

#include <glib.h>
#include <jansson.h>

#include "compat/baseline.h"
#include "compat/rank.h"

/** Reads an array of descriptions (objects, or raw text as strings): of FerryFacts, owned. */
GPtrArray *ferry_pool_read(const json_t *array);

/** Returns: (transfer full): {baseline: description or null, blocking: [keys]} */
json_t *ferry_baseline_to_json(const FerryBaseline *self);

/** Returns: (transfer full): {targets: [{name, usable, ..., verdict...}]} in order */
json_t *ferry_ranking_to_json(const GPtrArray *ranked);

/**
 * Reads {"hosts":{NAME:[description]},"devices":[{id,home,source}],"upgrade":{host,after:[...]}}
 * and runs the upgrade's impact.
 *
 * @why: (out) (transfer full): set when NULL comes back: what is wrong with @json
 *
 * Returns: (transfer full) (nullable): {devices: [{id, status, before, after, unknown}], one_way}
 */
json_t *ferry_impact_run_json(const json_t *json, const FerryRules *rules, char **why);
