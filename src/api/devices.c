/* GET /v1/devices, GET /v1/devices/NAME. */
#include <microhttpd.h>

#include "api/device-view.h"
#include "host/facts.h"

static bool
list_devices(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(FerryDeviceView) view = NULL;
    json_t *devices = NULL;

    (void)request;
    if (!ferry_device_view_new(data, &view, error))
        return false;
    devices = json_array();
    for (unsigned i = 0; i < ferry_inventory_n_devices(view->inventory); i++) {
        const FerryHostDevice *device = ferry_inventory_device(view->inventory, i);

        (void)json_array_append_new(devices, ferry_device_view_json(view, device));
    }
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "devices", devices));
    return true;
}

/* What the compatibility check would know of it. */
static json_t *
facts_of(const FerryApi *api, const FerryDeviceView *view, const FerryHostDevice *device)
{
    return ferry_host_facts(api->kernel->root, view->inventory, device, NULL, ferry_host_ethtool(),
                            NULL);
}

static bool
get_device(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *device = NULL;
    json_t *body = NULL;

    if (!ferry_device_view_new(api, &view, error))
        return false;
    device = ferry_device_view_find(view, request->segments[0], error);
    if (device == NULL)
        return false;
    body = ferry_device_view_json(view, device);
    if ((device->roles & (FERRY_HOST_MDEV | FERRY_HOST_VF)) != 0)
        (void)json_object_set_new(body, "facts", facts_of(api, view, device));
    ferry_response_json(response, MHD_HTTP_OK, body);
    return true;
}

const FerryRoute ferry_device_routes[] = {
    { "GET", "/v1/devices", FERRY_ROLE_VIEW, list_devices },
    { "GET", "/v1/devices/{}", FERRY_ROLE_VIEW, get_device },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
