/*
 * POST /v1/guests and /v1/guests/NAME/devices: a guest's definition in any form is turned into
 * libvirt's and ferry's metadata, and defined.  libvirt then gives every device its place, which
 * may be the one that was to stay free for a hybrid's VF: so its own XML is converted again, and
 * defined again when that found another place.
 */
#include <string.h>

#include <microhttpd.h>

#include "api/guest-device.h"
#include "api/guest-host.h"
#include "api/guest-like.h"
#include "api/json.h"
#include "api/resources.h"
#include "base/error.h"
#include "guest/act.h"
#include "guest/look.h"
#include "pool/pools.h"
#include "xml/edit.h"

/* One answer under way: what came of the definition, and what is to be said about it. */
typedef struct {
    const FerryApi *api;
    FerryGuestHost *host;
    char *xml;
    json_t *notes;
} Definition;

static void
definition_clear(Definition *self)
{
    ferry_guest_host_free(self->host);
    g_free(self->xml);
    json_decref(self->notes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Definition, definition_clear)

static bool
definition_begin(Definition *self, GError **error)
{
    GPtrArray *pools = NULL;

    self->notes = json_array();
    if (!ferry_pools_list(self->api->pools, &pools, error))
        return false;
    self->host = ferry_guest_host_new(pools, ferry_watch_inventory(self->api->watch, NULL),
                                      self->api->clock);
    return true;
}

static void
add_note(Definition *self, FerryNoteKind kind, const char *text)
{
    static const char *const kinds[] = {
        [FERRY_NOTE_CHANGED] = "changed", [FERRY_NOTE_WARNING] = "warning"
    };

    json_array_append_new(self->notes,
                          json_pack("{s:s, s:s}", "kind", kinds[kind], "message", text));
}

/* @xml: any form; @self gets libvirt's */
static bool
convert(Definition *self, const char *xml, FerryNoteKind least, GError **error)
{
    g_autoptr(GPtrArray) notes = NULL;
    char *text = NULL;

    if (!ferry_convert_domain(xml, ferry_guest_host_convert(self->host), &text, &notes, error))
        return false;
    g_free(self->xml);
    self->xml = text;
    for (guint i = 0; i < notes->len; i++) {
        const FerryNote *note = g_ptr_array_index(notes, i);

        if (note->kind <= least)
            add_note(self, note->kind, note->text);
    }
    return true;
}

static bool
refuse_busy(const FerryApi *api, const FerryGuest *guest, GError **error)
{
    g_autoptr(FerryJob) job = ferry_migrator_job_of_guest(api->migrator, guest->uuid);

    if (job == NULL)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                "cannot change the definition of guest %s: job %s is moving it; wait for its end",
                guest->name, ferry_job_identity(job)->id);
    return false;
}

/* The guest of that name, when there is one: a job may own it. */
static bool
check_owner(const Definition *self, const char *name, GError **error)
{
    g_autoptr(FerryGuest) guest = NULL;

    if (!ferry_guests_find(self->api->guests, name, &guest, error))
        return false;
    return guest == NULL || refuse_busy(self->api, guest, error);
}

/* libvirt has placed the devices: look whether the VFs' places are free still. */
static bool
settle(Definition *self, const FerryGuest *guest, GError **error)
{
    g_autofree char *xml = NULL;

    if (!ferry_guests_xml(self->api->guests, guest->uuid, FERRY_GUESTS_XML_INACTIVE, &xml, error) ||
        !convert(self, xml, FERRY_NOTE_CHANGED, error))
        return false;
    return strcmp(xml, self->xml) == 0 || ferry_guests_define(self->api->guests, self->xml, error);
}

/* @ret: (out) (transfer full): the guest as libvirt has it then */
static bool
define(Definition *self, FerryGuest **ret, GError **error)
{
    g_autofree char *name = NULL;
    g_autoptr(FerryGuest) guest = NULL;

    if (!ferry_domain_xml_name(self->xml, &name, error) || !check_owner(self, name, error) ||
        !ferry_guests_define(self->api->guests, self->xml, error) ||
        !ferry_guests_find(self->api->guests, name, &guest, error))
        return false;
    if (guest == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "guest %s was defined, and is gone already: somebody undefined it", name);
        return false;
    }
    if (!settle(self, guest, error))
        return false;
    *ret = g_steal_pointer(&guest);
    return true;
}

static bool
is_running(const FerryGuest *guest)
{
    return g_strcmp0(ferry_guests_state_name(guest->state), "shut off") != 0;
}

static void
answer_defined(Definition *self, const FerryGuest *guest, FerryResponse *response)
{
    if (is_running(guest)) {
        g_autofree char *text =
            g_strdup_printf("guest %s is %s: it will be like this at its next start", guest->name,
                            ferry_guests_state_name(guest->state));

        add_note(self, FERRY_NOTE_WARNING, text);
    }
    ferry_response_json(response, MHD_HTTP_CREATED,
                        json_pack("{s:{s:s, s:s}, s:O}", "guest", "name", guest->name, "uuid",
                                  guest->uuid, "notes", self->notes));
}

static void
answer_checked(const Definition *self, FerryResponse *response)
{
    ferry_response_json(response, MHD_HTTP_OK,
                        json_pack("{s:s, s:O}", "xml", self->xml, "notes", self->notes));
}

static bool
finish(Definition *self, bool check_only, FerryResponse *response, GError **error)
{
    g_autoptr(FerryGuest) guest = NULL;

    if (check_only) {
        answer_checked(self, response);
        return true;
    }
    if (!define(self, &guest, error))
        return false;
    answer_defined(self, guest, response);
    return true;
}

static bool
define_guest(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(Definition) self = { .api = data };
    g_auto(FerryFields) fields = { .object = request->body };
    const char *xml = ferry_fields_string(&fields, "xml");
    const bool check_only = ferry_fields_flag(&fields, "check_only");

    return ferry_fields_end(&fields, error) && definition_begin(&self, error) &&
           convert(&self, xml, FERRY_NOTE_WARNING, error) &&
           finish(&self, check_only, response, error);
}

static bool
find_guest(const FerryApi *api, const char *name, FerryGuest **ret, GError **error)
{
    if (!ferry_guests_find(api->guests, name, ret, error))
        return false;
    if (*ret == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no guest %s on %s: see \"ferry guest list\"", name, api->name);
    else if (!(*ret)->persistent)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "guest %s has no definition that could be changed: it is gone when it stops",
                    name);
    else
        return true;
    return false;
}

static bool
is_same(const char *one, const char *other)
{
    return other != NULL && g_ascii_strcasecmp(one, other) == 0;
}

/* @ret: whether the guest has that device under its alias; another one is the conversion's to
 * refuse */
static bool
has_already(const Definition *self,
            const char *xml,
            const FerryGuestDevice *device,
            bool *ret,
            GError **error)
{
    g_autoptr(FerryDomain) before = NULL;
    g_autoptr(FerryDomain) after = NULL;
    g_autoptr(GPtrArray) notes = NULL;
    g_autofree char *more = NULL;
    g_autofree char *converted = NULL;
    const FerryDevice *old = NULL;

    if (device->alias == NULL)
        return true;
    if (!ferry_domain_parse(xml, &before, error))
        return false;
    old = ferry_domain_device(before, device->alias);
    if (old == NULL || (device->uuid != NULL && !is_same(device->uuid, old->source)) ||
        (device->mac != NULL && !is_same(device->mac, old->mac)))
        return true;
    if (!ferry_domain_xml_with(xml, device->unnamed, &more, error) ||
        !ferry_convert_domain(more, ferry_guest_host_convert(self->host), &converted, &notes,
                              error) ||
        !ferry_domain_parse(converted, &after, error))
        return false;
    *ret = ferry_guest_like_find(before, after, device->alias) != NULL;
    return true;
}

/* Two alike are common; so is a script that runs twice. */
static bool
warn_like(Definition *self, const char *guest, const char *xml, GError **error)
{
    g_autoptr(FerryDomain) before = NULL;
    g_autoptr(FerryDomain) after = NULL;
    const char *like = NULL;

    if (!ferry_domain_parse(xml, &before, error) || !ferry_domain_parse(self->xml, &after, error))
        return false;
    like = ferry_guest_like_find(before, after, NULL);
    if (like != NULL) {
        g_autofree char *text =
            g_strdup_printf("guest %s has one like it, %s: this is another; with an alias of "
                            "your own a device is added once, however often you ask",
                            guest, like);

        add_note(self, FERRY_NOTE_WARNING, text);
    }
    return true;
}

static bool
add_to(Definition *self,
       const FerryGuest *guest,
       const char *xml,
       const FerryGuestDevice *device,
       GError **error)
{
    g_autofree char *more = NULL;

    if (!(device->ephemeral != NULL
              ? ferry_domain_xml_mark_ephemeral(xml, device->ephemeral, &more, error)
              : ferry_domain_xml_with(xml, device->xml, &more, error)))
        return false;
    return convert(self, more, FERRY_NOTE_WARNING, error) &&
           (device->alias != NULL || warn_like(self, guest->name, xml, error));
}

static void
answer_already(Definition *self, const FerryGuest *guest, FerryResponse *response)
{
    ferry_response_json(response, MHD_HTTP_OK,
                        json_pack("{s:{s:s, s:s}, s:b, s:O}", "guest", "name", guest->name, "uuid",
                                  guest->uuid, "already", true, "notes", self->notes));
}

static bool
add_device(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(Definition) self = { .api = data };
    g_auto(FerryGuestDevice) device = { 0 };
    g_autoptr(FerryGuest) guest = NULL;
    g_autofree char *xml = NULL;
    bool already = false;

    if (!ferry_guest_device_read(request->body, &device, error) ||
        !find_guest(data, request->segments[0], &guest, error) || !definition_begin(&self, error) ||
        !ferry_guests_xml(self.api->guests, guest->uuid, FERRY_GUESTS_XML_INACTIVE, &xml, error) ||
        !has_already(&self, xml, &device, &already, error))
        return false;
    if (!already)
        return add_to(&self, guest, xml, &device, error) &&
               finish(&self, device.check_only, response, error);
    self.xml = g_steal_pointer(&xml);
    if (device.check_only)
        answer_checked(&self, response);
    else
        answer_already(&self, guest, response);
    return true;
}

const FerryRoute ferry_guest_define_routes[] = {
    { "POST", "/v1/guests", FERRY_ROLE_OPERATE, define_guest },
    { "POST", "/v1/guests/{}/devices", FERRY_ROLE_OPERATE, add_device },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
