#include <microhttpd.h>

#include "api/guest-devices.h"
#include "api/resources.h"
#include "base/error.h"
#include "guest/look.h"
#include "xml/domain.h"

static json_t *
describe(const FerryApi *self, const FerryGuest *guest)
{
    g_autoptr(FerryJob) job = ferry_migrator_job_of_guest(self->migrator, guest->uuid);
    const char *id = job != NULL ? ferry_job_identity(job)->id : NULL;

    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:I, s:s?}", "name", guest->name, "uuid",
                     guest->uuid, "state", ferry_guests_state_name(guest->state), "persistent",
                     guest->persistent, "autostart", guest->autostart, "memory_bytes",
                     (json_int_t)guest->memory_bytes, "job", id);
}

static bool
list_guests(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    g_autoptr(GPtrArray) rows = NULL;
    json_t *guests = NULL;

    (void)request;
    if (!ferry_guests_list(self->guests, &rows, error))
        return false;
    guests = json_array();
    for (unsigned i = 0; i < rows->len; i++)
        json_array_append_new(guests, describe(self, g_ptr_array_index(rows, i)));
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "guests", guests));
    return true;
}

static void
add_devices(const FerryApi *self, json_t *guest, const FerryDomain *domain, const char *xml)
{
    g_autoptr(FerryInventory) inventory = ferry_watch_inventory(self->watch, NULL);
    json_t *reasons = ferry_migrator_travel(self->migrator, domain, xml);

    json_object_set_new(guest, "devices", ferry_guest_devices_json(domain, reasons));
    json_object_set_new(guest, "mdevs", ferry_guest_mdevs_json(domain, inventory));
    json_object_set_new(guest, "hybrids",
                        ferry_hybrid_describe(self->hybrids, domain->uuid, domain));
    json_object_set_new(guest, "movable", json_boolean(json_array_size(reasons) == 0));
    json_object_set_new(guest, "reasons", reasons);
}

static bool
get_guest(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    const char *name = request->segments[0];
    g_autoptr(FerryGuest) guest = NULL;
    g_autoptr(FerryDomain) domain = NULL;
    g_autofree char *xml = NULL;
    json_t *body = NULL;

    if (!ferry_guests_find(self->guests, name, &guest, error))
        return false;
    if (guest == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no guest %s on %s: see \"ferry guest list\"", name, self->name);
        return false;
    }
    if (!ferry_guests_xml(self->guests, guest->uuid, FERRY_GUESTS_XML_LIVE, &xml, error) ||
        !ferry_domain_parse(xml, &domain, error))
        return false;
    body = describe(self, guest);
    add_devices(self, body, domain, xml);
    ferry_response_json(response, MHD_HTTP_OK, body);
    return true;
}

const FerryRoute ferry_guest_routes[] = {
    { "GET", "/v1/guests", FERRY_ROLE_VIEW, list_guests },
    { "GET", "/v1/guests/{}", FERRY_ROLE_VIEW, get_guest },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
