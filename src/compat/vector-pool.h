#pragma once

#include <jansson.h>

/**
 * Run one vector of several descriptions: a ranking, a pool's baseline, an upgrade's impact.
 *
 * Returns: (transfer full) (nullable): what came instead, NULL when it passed
 */
char *ferry_vector_run_rank(const json_t *vector);
char *ferry_vector_run_baseline(const json_t *vector);
char *ferry_vector_run_impact(const json_t *vector);
