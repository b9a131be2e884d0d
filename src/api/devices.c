/* GET /v1/devices, GET /v1/devices/NAME, POST /v1/devices/NAME/probe. */
#include <microhttpd.h>

#include "api/device-view.h"
#include "api/probe.h"
#include "base/error.h"
#include "host/facts-dir.h"
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

/* A file that counts for nothing must not do so in silence. */
static void
add_problems(const FerryApi *api, json_t *body)
{
    g_autoptr(FerryFactsDir) files = ferry_facts_dir_read(api->kernel->root);
    const GPtrArray *problems = ferry_facts_dir_problems(files);
    json_t *rows = json_array();

    for (guint i = 0; i < problems->len; i++)
        (void)json_array_append_new(rows, json_string(g_ptr_array_index(problems, i)));
    (void)json_object_set_new(body, "facts_problems", rows);
}

/* What the compatibility check would know of it. */
static json_t *
facts_of(const FerryApi *api, const FerryDeviceView *view, const FerryHostDevice *device)
{
    return ferry_host_facts(api->kernel->root, view->inventory, device, NULL, ferry_host_ethtool(),
                            NULL);
}

/* Whether guests are given it: those have facts, and can perhaps migrate. */
static bool
is_assignable(const FerryHostDevice *device)
{
    return (device->roles & (FERRY_HOST_MDEV | FERRY_HOST_VF)) != 0;
}

static bool
show(const FerryApi *api,
     const FerryDeviceView *view,
     const FerryHostDevice *device,
     FerryResponse *response,
     GError **error)
{
    json_t *body = ferry_device_view_json(view, device);
    json_t *facts = is_assignable(device) ? facts_of(api, view, device) : NULL;
    json_t *migration = facts != NULL ? ferry_probe_remembered(api, device, facts, error) : NULL;

    if (facts != NULL) {
        (void)json_object_set_new(body, "facts", facts);
        add_problems(api, body);
    }
    if (migration != NULL)
        (void)json_object_set_new(body, "migration", migration);
    if (facts != NULL && migration == NULL) {
        json_decref(body);
        return false;
    }
    ferry_response_json(response, MHD_HTTP_OK, body);
    return true;
}

static bool
get_device(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *device = NULL;

    if (!ferry_device_view_new(api, &view, error))
        return false;
    device = ferry_device_view_find(view, request->segments[0], error);
    return device != NULL && show(api, view, device, response, error);
}

static bool
probe(const FerryApi *api,
      const FerryDeviceView *view,
      const FerryHostDevice *device,
      FerryResponse *response,
      GError **error)
{
    g_autofree char *detail = g_strdup_printf("%s cannot be probed now", device->name);
    json_t *facts = facts_of(api, view, device);
    json_t *reasons = NULL;
    const bool ok = ferry_probe_run(api, view, device, facts, &reasons, error);

    json_decref(facts);
    if (!ok)
        return false;
    if (reasons == NULL)
        return show(api, view, device, response, error);
    ferry_response_refused(response, detail, reasons);
    return true;
}

static bool
probe_device(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *api = data;
    g_autoptr(FerryDeviceView) view = NULL;
    const FerryHostDevice *device = NULL;

    if (!ferry_device_view_look(api, &view, error))
        return false;
    device = ferry_device_view_find(view, request->segments[0], error);
    if (device == NULL)
        return false;
    if (is_assignable(device))
        return probe(api, view, device, response, error);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "cannot probe %s: only VFs and mediated devices are given to guests", device->name);
    return false;
}

const FerryRoute ferry_device_routes[] = {
    { "GET", "/v1/devices", FERRY_ROLE_VIEW, list_devices },
    { "GET", "/v1/devices/{}", FERRY_ROLE_VIEW, get_device },
    { "POST", "/v1/devices/{}/probe", FERRY_ROLE_OPERATE, probe_device },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
