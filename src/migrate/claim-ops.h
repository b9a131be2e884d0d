#pragma once

#include "pool/pools.h"

/**
 * Claims of this host's devices as the life of a guest needs them: src/pool's functions, or a
 * test's.  Each is what the function of pool/pools.h with its name says.
 */
typedef struct {
    bool (*claim)(void *data,
                  const FerryNeed *need,
                  FerryClaimRow **ret,
                  json_t **ret_reasons,
                  GError **error);
    bool (*prepare)(void *data, int64_t generation, json_t **ret_reasons, GError **error);
    bool (*keep)(void *data, int64_t generation, GError **error);
    bool (*release)(void *data, int64_t generation, unsigned limit_ms, GError **error);
    bool (*list)(void *data, const char *guest_uuid, GPtrArray **ret, GError **error);
} FerryClaimOps;

/** Those of a FerryPools, which is @data. */
extern const FerryClaimOps ferry_claim_ops;
