#include "migrate/claim-ops.h"

static bool
claim(void *data, const FerryNeed *need, FerryClaimRow **ret, json_t **ret_reasons, GError **error)
{
    return ferry_pools_claim(data, need, ret, ret_reasons, error);
}

static bool
prepare(void *data, int64_t generation, json_t **ret_reasons, GError **error)
{
    return ferry_pools_prepare(data, generation, ret_reasons, error);
}

static bool
keep(void *data, int64_t generation, GError **error)
{
    return ferry_pools_keep(data, generation, error);
}

static bool
release(void *data, int64_t generation, unsigned limit_ms, GError **error)
{
    return ferry_pools_release(data, generation, limit_ms, error);
}

static bool
list(void *data, const char *guest_uuid, GPtrArray **ret, GError **error)
{
    return ferry_pools_claims(data, guest_uuid, ret, error);
}

const FerryClaimOps ferry_claim_ops = { claim, prepare, keep, release, list };
