#include <microhttpd.h>

#include "api/json.h"
#include "api/resources.h"
#include "base/error.h"
#include "pool/pools.h"

/* For the kernel's removal of an mdev, while a person waits. */
#define RELEASE_LIMIT_MS 10000

static bool
list_claims(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    g_autoptr(GPtrArray) claims = NULL;
    json_t *rows = NULL;

    if (!ferry_pools_claims(self->pools, ferry_request_query(request, "guest"), &claims, error))
        return false;
    rows = json_array();
    for (guint i = 0; i < claims->len; i++)
        (void)json_array_append_new(rows, ferry_claim_to_json(g_ptr_array_index(claims, i)));
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "claims", rows));
    return true;
}

/* @ret: of FerryMdevAttr, whose strings are the body's */
static bool
read_attrs(const json_t *body, GArray *ret, GError **error)
{
    const json_t *array = json_object_get(body, "attrs");
    const json_t *one = NULL;
    size_t i = 0;

    json_array_foreach(array, i, one)
    {
        g_auto(FerryFields) fields = { .object = one };
        FerryMdevAttr attr = { .name = ferry_fields_string(&fields, "name") };

        attr.value = ferry_fields_string(&fields, "value");
        if (!ferry_fields_end(&fields, error))
            return false;
        g_array_append_val(ret, attr);
    }
    return true;
}

static bool
read_guest(const json_t *body, FerryNeed *need, GError **error)
{
    g_auto(FerryFields) fields = { .object = json_object_get(body, "guest") };

    if (fields.object == NULL)
        return true;
    need->guest_uuid = ferry_fields_string(&fields, "uuid");
    need->guest_name = ferry_fields_string_or(&fields, "name", need->guest_uuid);
    return ferry_fields_end(&fields, error);
}

/* Also says whether the claimed is to be made, "prepare". */
static bool
read_need(const json_t *body, FerryNeed *need, bool *ret_prepare, GError **error)
{
    g_auto(FerryFields) fields = { .object = body };
    const char *policy = ferry_fields_string_or(&fields, "policy", NULL);

    need->alias = ferry_fields_string(&fields, "alias");
    need->pool = ferry_fields_string_or(&fields, "pool", NULL);
    need->parent = ferry_fields_string_or(&fields, "parent", NULL);
    need->type = ferry_fields_string_or(&fields, "type", NULL);
    need->uuid = ferry_fields_string_or(&fields, "uuid", NULL);
    need->pf = ferry_fields_string_or(&fields, "pf", NULL);
    need->slot = ferry_fields_string_or(&fields, "slot", NULL);
    *ret_prepare = ferry_fields_flag(&fields, "prepare");
    if (json_object_get(body, "attrs") != NULL)
        (void)ferry_fields_value(&fields, "attrs", JSON_ARRAY);
    if (json_object_get(body, "guest") != NULL)
        (void)ferry_fields_value(&fields, "guest", JSON_OBJECT);
    if (!ferry_fields_end(&fields, error))
        return false;
    if (policy == NULL || ferry_policy_parse(policy, &need->policy))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "field \"policy\" is none of \"first\", \"pack\" and \"spread\"");
    return false;
}

/* By what rule the slot was chosen: nobody has to guess. */
static const char *
policy_of(FerryPools *pools, const FerryNeed *need)
{
    g_autoptr(FerryPool) pool = NULL;

    if (need->slot != NULL)
        return "slot";
    if (need->pool == NULL)
        return "parent";
    if (need->policy != FERRY_POLICY_OF_POOL)
        return ferry_policy_name(need->policy);
    if (!ferry_pools_find(pools, need->pool, &pool, NULL) || pool == NULL)
        return "pool";
    return ferry_policy_name(pool->policy);
}

/* What cannot be made is not kept: who asked has nothing to release. */
static bool
prepare(const FerryApi *self, int64_t generation, json_t **ret_reasons, GError **error)
{
    const bool ok = ferry_pools_prepare(self->pools, generation, ret_reasons, error);

    if (!ok || *ret_reasons != NULL)
        (void)ferry_pools_release(self->pools, generation, RELEASE_LIMIT_MS, NULL);
    return ok;
}

/* The claim as it is by now: its making may have moved it. */
static bool
answer(const FerryApi *self,
       const FerryNeed *need,
       int64_t generation,
       FerryResponse *response,
       GError **error)
{
    g_autoptr(FerryClaimRow) row = NULL;
    json_t *json = NULL;

    if (!ferry_pools_find_claim(self->pools, generation, &row, error))
        return false;
    json = ferry_claim_to_json(row);
    (void)json_object_set_new(json, "policy", json_string(policy_of(self->pools, need)));
    ferry_response_json(response, MHD_HTTP_CREATED, json);
    return true;
}

static bool
claim(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    g_autoptr(GArray) attrs = g_array_new(FALSE, TRUE, sizeof(FerryMdevAttr));
    g_autoptr(FerryClaimRow) row = NULL;
    FerryNeed need = { .guest_uuid = "" };
    json_t *reasons = NULL;
    bool wants_it_made = false;

    if (!read_need(request->body, &need, &wants_it_made, error) ||
        !read_guest(request->body, &need, error) || !read_attrs(request->body, attrs, error))
        return false;
    need.attrs = (const FerryMdevAttr *)(const void *)attrs->data;
    need.n_attrs = attrs->len;
    if (!ferry_pools_claim(self->pools, &need, &row, &reasons, error) ||
        (row != NULL && wants_it_made && !prepare(self, row->generation, &reasons, error)))
        return false;
    if (reasons == NULL)
        return answer(self, &need, row->generation, response, error);
    ferry_response_refused(response, "nothing was claimed", reasons);
    return true;
}

static bool
release(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    guint64 generation = 0;

    if (!g_ascii_string_to_unsigned(request->segments[0], 10, 1, G_MAXINT64, &generation, NULL)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is not the generation of a claim", request->segments[0]);
        return false;
    }
    if (!ferry_pools_release(self->pools, (int64_t)generation, RELEASE_LIMIT_MS, error))
        return false;
    ferry_response_json(response, MHD_HTTP_NO_CONTENT, NULL);
    return true;
}

const FerryRoute ferry_claim_routes[] = {
    { "GET", "/v1/claims", FERRY_ROLE_VIEW, list_claims },
    { "POST", "/v1/claims", FERRY_ROLE_OPERATE, claim },
    { "DELETE", "/v1/claims/{}", FERRY_ROLE_OPERATE, release },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
