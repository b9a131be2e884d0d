#include <microhttpd.h>

#include "api/json.h"
#include "api/resources.h"
#include "base/error.h"
#include "migrate/companion.h"
#include "pool/pools.h"
#include "xml/network.h"

/* A pool in a list: its members' slots are for who looks at that one. */
static json_t *
summarize(const FerryPoolView *view)
{
    json_t *json = ferry_pool_view_to_json(view);
    json_t *member = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(json, "members"), i, member)(void)
        json_object_del(member, "slots");
    return json;
}

static bool
list_pools(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    g_autoptr(GPtrArray) pools = NULL;
    json_t *rows = json_array();

    (void)request;
    if (!ferry_pools_list(self->pools, &pools, error)) {
        json_decref(rows);
        return false;
    }
    for (guint i = 0; i < pools->len; i++) {
        const FerryPool *pool = g_ptr_array_index(pools, i);
        g_autoptr(FerryPoolView) view = NULL;

        /* one that was undefined meanwhile is left out */
        if (ferry_pools_view(self->pools, pool->name, &view, NULL))
            (void)json_array_append_new(rows, summarize(view));
    }
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "pools", rows));
    return true;
}

static bool
show(const FerryApi *self,
     const char *name,
     unsigned status,
     FerryResponse *response,
     GError **error)
{
    g_autoptr(FerryPoolView) view = NULL;

    if (!ferry_pools_view(self->pools, name, &view, error))
        return false;
    ferry_response_json(response, status, ferry_pool_view_to_json(view));
    return true;
}

static bool
get_pool(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    return show(data, request->segments[0], MHD_HTTP_OK, response, error);
}

/* A network's XML, as libvirt or older proposals write it; what XML can't say goes beside it. */
static bool
read_network(const json_t *body, FerryPool **ret, GError **error)
{
    g_auto(FerryFields) fields = { .object = body };
    const char *xml = ferry_fields_string(&fields, "xml");
    const char *policy = ferry_fields_string_or(&fields, "policy", "first");
    g_autoptr(FerryNetwork) network = NULL;
    g_autoptr(FerryPool) pool = NULL;

    if (!ferry_fields_end(&fields, error) || !ferry_network_parse(xml, &network, error) ||
        !ferry_pool_from_network(network, &pool, error))
        return false;
    if (!ferry_policy_parse(policy, &pool->policy)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "field \"policy\" is none of \"first\", \"pack\" and \"spread\"");
        return false;
    }
    *ret = g_steal_pointer(&pool);
    return true;
}

static bool
read_pool(const json_t *body, FerryPool **ret, GError **error)
{
    if (json_object_get(body, "xml") != NULL)
        return read_network(body, ret, error);
    return ferry_pool_from_json(body, ret, error);
}

static FerryInventory *
newest_inventory(void *data)
{
    return ferry_watch_inventory(data, NULL);
}

/* A pool of hybrids has a network beside it. */
static FerryCompanionHost
companion_host(const FerryApi *self)
{
    return (FerryCompanionHost){ .pools = self->pools,
                                 .networks = ferry_companion_guest_ops(),
                                 .networks_data = self->guests,
                                 .inventory = newest_inventory,
                                 .inventory_data = self->watch,
                                 .root = self->kernel->root };
}

static bool
define_pool(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    const FerryCompanionHost host = companion_host(self);
    g_autoptr(FerryPool) pool = NULL;
    json_t *reasons = NULL;

    if (!read_pool(request->body, &pool, error) ||
        !ferry_companion_define(&host, pool, &reasons, error))
        return false;
    if (reasons != NULL) {
        ferry_response_refused(response, "the pool was not defined", reasons);
        return true;
    }
    return show(self, pool->name, MHD_HTTP_CREATED, response, error);
}

static bool
undefine_pool(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryCompanionHost host = companion_host(data);
    json_t *reasons = NULL;

    if (!ferry_companion_undefine(&host, request->segments[0], &reasons, error))
        return false;
    if (reasons != NULL)
        ferry_response_refused(response, "the pool was not undefined", reasons);
    else
        ferry_response_json(response, MHD_HTTP_NO_CONTENT, NULL);
    return true;
}

const FerryRoute ferry_pool_routes[] = {
    { "GET", "/v1/pools", FERRY_ROLE_VIEW, list_pools },
    { "POST", "/v1/pools", FERRY_ROLE_OPERATE, define_pool },
    { "GET", "/v1/pools/{}", FERRY_ROLE_VIEW, get_pool },
    { "DELETE", "/v1/pools/{}", FERRY_ROLE_OPERATE, undefine_pool },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
