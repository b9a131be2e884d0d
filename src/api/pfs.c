/* GET /v1/pfs, GET and POST /v1/pfs/NAME. */
#include <string.h>

#include <microhttpd.h>

#include "api/device-view.h"
#include "api/json.h"
#include "base/error.h"
#include "host/sriov.h"
#include "migrate/objection.h"

#define MAX_VFS 65535

static const FerryHostDevice *
vf_of(const FerryDeviceView *view, const FerryHostDevice *pf, guint index)
{
    const char *name = g_ptr_array_index(pf->vfs, index);

    return name != NULL ? ferry_inventory_find(view->inventory, name) : NULL;
}

static json_t *
describe(const FerryDeviceView *view, const FerryHostDevice *pf)
{
    json_t *json = ferry_device_view_json(view, pf);
    unsigned n_used = 0;

    for (guint i = 0; i < pf->vfs->len; i++) {
        const FerryHostDevice *vf = vf_of(view, pf, i);

        if (vf != NULL && ferry_device_view_use(view, vf, NULL) != FERRY_DEVICE_FREE)
            n_used++;
    }
    (void)json_object_set_new(json, "used_vfs", json_integer(n_used));
    (void)json_object_set_new(json, "free_vfs", json_integer(ferry_host_device_n_vfs(pf) - n_used));
    return json;
}

static bool
list_pfs(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(FerryDeviceView) view = NULL;
    json_t *pfs = NULL;

    (void)request;
    if (!ferry_device_view_new(data, &view, error))
        return false;
    pfs = json_array();
    for (unsigned i = 0; i < ferry_inventory_n_devices(view->inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(view->inventory, i);

        if ((device->roles & FERRY_HOST_PF) != 0)
            (void)json_array_append_new(pfs, describe(view, device));
    }
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "pfs", pfs));
    return true;
}

static const FerryHostDevice *
find_pf(const FerryDeviceView *view, const char *name, GError **error)
{
    const FerryHostDevice *device = ferry_device_view_find(view, name, NULL);

    if (device != NULL && (device->roles & FERRY_HOST_PF) != 0)
        return device;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "%s is no device that can have VFs: \"ferry pf list\" lists those", name);
    return NULL;
}

static bool
get_pf(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *pf = NULL;

    if (!ferry_device_view_new(data, &view, error))
        return false;
    pf = find_pf(view, request->segments[0], error);
    if (pf == NULL)
        return false;
    ferry_response_json(response, MHD_HTTP_OK, describe(view, pf));
    return true;
}

/* Returns: (transfer full): a reason for every VF that somebody has */
static json_t *
reasons_of(const FerryDeviceView *view, const FerryHostDevice *pf)
{
    json_t *reasons = json_array();

    for (guint i = 0; i < pf->vfs->len; i++) {
        const FerryHostDevice *vf = vf_of(view, pf, i);
        g_autofree char *who = NULL;

        if (vf == NULL || ferry_device_view_use(view, vf, &who) == FERRY_DEVICE_FREE)
            continue;
        ferry_object(reasons, "vf-in-use", "VF %u (%s) of %s is used by %s", i, vf->name,
                     pf->netdev != NULL ? pf->netdev : pf->name, who);
        ferry_object_value(reasons, "vf", json_string(vf->name));
        ferry_object_value(reasons, "used_by", json_string(who));
        ferry_object_remedy(reasons, "stop the guest, or move it to another host, then try again");
    }
    return reasons;
}

static bool
keep(const FerryApi *api,
     const FerryHostDevice *pf,
     const char *name,
     unsigned n_vfs,
     GError **error)
{
    /* as it was typed, if it is a name that a file can have: it is to be found again there */
    const bool is_own = strcmp(name, pf->name) == 0 || g_strcmp0(name, pf->netdev) == 0;
    const char *const names[] = { is_own ? name : pf->name, pf->name, pf->netdev, NULL };

    if (api->keep->set_vfs(api->keep_data, names, n_vfs, error))
        return true;
    g_prefix_error(error, "%s has %u VFs now, but not after the next boot: ", name, n_vfs);
    return false;
}

static bool
set_vfs(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    const char *name = request->segments[0];
    g_auto(FerryFields) fields = { .object = request->body };
    const unsigned n_vfs = (unsigned)ferry_fields_integer(&fields, "vfs", 0, MAX_VFS);
    const bool keeps = ferry_fields_flag(&fields, "keep");
    g_autoptr(FerryDeviceView) before = NULL;
    g_autoptr(FerryDeviceView) after = NULL;
    const FerryHostDevice *pf = NULL;
    json_t *reasons = NULL;

    if (!ferry_fields_end(&fields, error) || !ferry_device_view_look(api, &before, error))
        return false;
    pf = find_pf(before, name, error);
    if (pf == NULL)
        return false;
    reasons = ferry_host_device_n_vfs(pf) != n_vfs ? reasons_of(before, pf) : json_array();
    if (json_array_size(reasons) > 0) {
        ferry_response_refused(response, "the number of VFs cannot be changed now", reasons);
        return true;
    }
    json_decref(reasons);
    if (!ferry_sriov_set_vfs(api->kernel, pf->name, n_vfs, error) ||
        (keeps && !keep(api, pf, name, n_vfs, error)) ||
        !ferry_device_view_look(api, &after, error))
        return false;
    pf = find_pf(after, pf->name, error);
    if (pf == NULL)
        return false;
    ferry_response_json(response, MHD_HTTP_OK, describe(after, pf));
    return true;
}

const FerryRoute ferry_pf_routes[] = {
    { "GET", "/v1/pfs", FERRY_ROLE_VIEW, list_pfs },
    { "GET", "/v1/pfs/{}", FERRY_ROLE_VIEW, get_pf },
    { "POST", "/v1/pfs/{}", FERRY_ROLE_OPERATE, set_vfs },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
