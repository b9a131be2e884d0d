#include "migrate/hand.h"

#include "base/error.h"
#include "host/storage.h"
#include "migrate/marker.h"
#include "migrate/reservation.h"
#include "xml/domain.h"

static bool
look(void *data, FerryDomainLook *ret, GError **error)
{
    FerryHand *hand = data;

    return ferry_guests_look(hand->guests, hand->row.guest_uuid, ret, error);
}

static bool
xml(void *data, FerryGuestsXml which, char **ret, GError **error)
{
    FerryHand *hand = data;

    return ferry_guests_xml(hand->guests, hand->row.guest_uuid, which, ret, error);
}

static bool
resume(void *data, GError **error)
{
    FerryHand *hand = data;

    return ferry_guests_resume(hand->guests, hand->row.guest_uuid, error);
}

static bool
destroy(void *data, GError **error)
{
    FerryHand *hand = data;

    return ferry_guests_destroy(hand->guests, hand->row.guest_uuid, error);
}

static bool
define(void *data, const char *text, GError **error)
{
    FerryHand *hand = data;

    return ferry_guests_define(hand->guests, text, error);
}

/* Also what is not known, and NVRAM that is no file: libvirt would unlink a block device's node. */
static unsigned
find_shared(const FerryHand *hand, const char *text)
{
    g_autoptr(FerryDomain) domain = NULL;
    unsigned keep = 0;

    if (!ferry_domain_parse(text, &domain, NULL))
        return FERRY_KEEP_NVRAM | FERRY_KEEP_TPM;
    if (domain->nvram == NULL || ferry_storage_is_shared(hand->root, domain->nvram))
        keep |= FERRY_KEEP_NVRAM;
    if (domain->tpm_state == NULL || ferry_storage_is_shared(hand->root, domain->tpm_state))
        keep |= FERRY_KEEP_TPM;
    return keep;
}

/* The other host may run the guest by now, on the same files. */
static bool
undefine(void *data, GError **error)
{
    FerryHand *hand = data;
    g_autofree char *text = NULL;
    g_autoptr(GError) failure = NULL;

    if (xml(data, FERRY_GUESTS_XML_INACTIVE, &text, &failure))
        return ferry_guests_undefine(hand->guests, hand->row.guest_uuid, find_shared(hand, text),
                                     error);
    if (g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_NOT_FOUND))
        return true; /* done already */
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

static bool
start(void *data, GError **error)
{
    FerryHand *hand = data;

    return ferry_guests_start(hand->guests, hand->row.guest_uuid, error);
}

static bool
set_autostart(void *data, FerryAutostart autostart, GError **error)
{
    FerryHand *hand = data;

    return ferry_guests_set_autostart(hand->guests, hand->row.guest_uuid, autostart, error);
}

static bool
detach_ask(void *data, const char *alias, FerryDetach *ret, char **ret_reason, GError **error)
{
    FerryHand *hand = data;

    hand->asked_at = ferry_guests_seen(hand->guests);
    return ferry_guests_detach_ask(hand->guests, hand->row.guest_uuid, alias, ret, ret_reason,
                                   error);
}

static bool
device_kept(void *data, const char *alias)
{
    FerryHand *hand = data;

    return ferry_guests_device_kept(hand->guests, hand->row.guest_uuid, alias, hand->asked_at);
}

static bool
attach(void *data, const char *alias, const char *device_xml, GError **error)
{
    FerryHand *hand = data;

    return ferry_guests_attach(hand->guests, hand->row.guest_uuid, alias, device_xml,
                               FERRY_DEVICE_LIVE, error);
}

static bool
mark(void *data, GError **error)
{
    FerryHand *hand = data;

    return ferry_marker_set(hand->marker_dir, hand->row.guest_uuid, hand->row.id, error);
}

static bool
unmark(void *data, GError **error)
{
    FerryHand *hand = data;

    return ferry_marker_clear(hand->marker_dir, hand->row.guest_uuid, hand->row.id, error);
}

const FerryGuestOps ferry_hand_guest_ops = {
    .look = look,
    .xml = xml,
    .resume = resume,
    .destroy = destroy,
    .define = define,
    .undefine = undefine,
    .start = start,
    .set_autostart = set_autostart,
    .detach_ask = detach_ask,
    .device_kept = device_kept,
    .attach = attach,
    .mark = mark,
    .unmark = unmark,
};

static bool
reserve(void *data, const FerryPlan *plan, json_t **ret_reasons, GError **error)
{
    const FerryHand *hand = data;
    const FerryReservations held = { hand->store, hand->reserve, hand->clock };

    return plan->reservation != NULL
               ? ferry_reservations_take(&held, plan, ret_reasons, error)
               : ferry_reserve_claim(&hand->reserve, plan, ret_reasons, error);
}

static bool
prepare(void *data,
        const FerryPlan *plan,
        json_t **ret_assign,
        json_t **ret_reasons,
        GError **error)
{
    const FerryHand *hand = data;

    return ferry_reserve_prepare(&hand->reserve, plan, ret_assign, ret_reasons, error);
}

static bool
unplug(void *data, const char *vf_alias, FerryUnplug *ret, char **ret_why, GError **error)
{
    const FerryHand *hand = data;

    if (hand->hybrids != NULL)
        return ferry_hybrid_unplug(hand->hybrids, hand->row.guest_uuid, vf_alias, ret, ret_why,
                                   error);
    *ret = FERRY_UNPLUG_DONE;
    return true;
}

static bool
read_live(void *data, FerryDomain **ret, GError **error)
{
    g_autofree char *text = NULL;

    return xml(data, FERRY_GUESTS_XML_LIVE, &text, error) && ferry_domain_parse(text, ret, error);
}

/* Those that the guest is without, as it is now. */
static json_t *
list_lacks(const FerryHand *hand, const FerryDomain *live)
{
    json_t *rows = ferry_hybrid_describe(hand->hybrids, hand->row.guest_uuid, live);
    json_t *lacks = json_array();
    json_t *row = NULL;
    size_t i = 0;

    json_array_foreach(rows, i, row)
    {
        const char *reason = json_string_value(json_object_get(row, "reason"));

        if (json_object_get(row, "vf") == NULL)
            json_array_append_new(lacks, json_pack("{s:O, s:s, s:O*}", "alias",
                                                   json_object_get(row, "alias"), "message",
                                                   reason != NULL ? reason : "it has no VF", "code",
                                                   json_object_get(row, "code")));
    }
    json_decref(rows);
    return lacks;
}

static bool
plug(void *data, json_t **ret_lacks, GError **error)
{
    FerryHand *hand = data;
    g_autoptr(FerryDomain) before = NULL;
    g_autoptr(FerryDomain) after = NULL;
    unsigned again_ms = 0; /* the next step's business */

    if (hand->hybrids == NULL)
        return true;
    if (!read_live(data, &before, error) ||
        !ferry_hybrid_look(hand->hybrids, hand->row.guest_uuid, before, &again_ms, error) ||
        !read_live(data, &after, error))
        return false;
    *ret_lacks = list_lacks(hand, after);
    return true;
}

static bool
keep(void *data, GError **error)
{
    const FerryHand *hand = data;

    return ferry_reserve_keep(&hand->reserve, hand->row.id, error);
}

static bool
release_job(void *data, GError **error)
{
    const FerryHand *hand = data;

    return ferry_reserve_release_job(&hand->reserve, hand->row.id, error);
}

static bool
release_guest(void *data, GError **error)
{
    const FerryHand *hand = data;

    return ferry_reserve_release_guest(&hand->reserve, hand->row.guest_uuid, error);
}

const FerryDeviceOps ferry_hand_device_ops = {
    .reserve = reserve,
    .prepare = prepare,
    .unplug = unplug,
    .plug = plug,
    .keep = keep,
    .release_job = release_job,
    .release_guest = release_guest,
};

static bool
append(void *data, FerryRecordKind kind, json_t *record, GError **error)
{
    FerryHand *hand = data;
    char *text = json_dumps(record, JSON_COMPACT);
    bool ok = ferry_journal_append(hand->store, &hand->row, kind, text,
                                   hand->clock->wall_us(hand->clock), error);

    free(text); /* jansson's malloc, not GLib's */
    return ok;
}

const FerryJournalOps ferry_hand_journal_ops = { .append = append };
