/*
 * The claim keeps guests and other probes away while the device is open.  It is in the store before
 * the device is opened, and goes when it is closed; what a crash left is dropped at the next start.
 */
#include "api/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "migrate/objection.h"
#include "migrate/state-size.h"
#include "store/probes.h"
#include "vfio/device.h"
#include "vfio/find.h"
#include "vfio/uapi.h"

#define ALIAS_PREFIX "probe:"
#define LIMIT_MS     10000

static FerryTransport *
open_device(void *data, const char *name, GError **error)
{
    const FerryFindOptions options = { .timeout_ms = LIMIT_MS };
    g_autofree char *facts = NULL;

    (void)data;
    return ferry_find_open(name, &options, &facts, error);
}

const FerryVfioOps *
ferry_probe_vfio(void)
{
    static const FerryVfioOps ops = { open_device };

    return &ops;
}

/* Of an mdev the driver that counts is its parent's. */
static const char *
driver_of(const FerryHostDevice *device, const json_t *facts)
{
    const char *driver = json_string_value(json_object_get(facts, "driver"));

    if ((device->roles & FERRY_HOST_MDEV) == 0 && device->driver != NULL)
        return device->driver;
    return driver != NULL ? driver : "of an unknown name";
}

json_t *
ferry_probe_remembered(const FerryApi *api,
                       const FerryHostDevice *device,
                       const json_t *facts,
                       GError **error)
{
    g_autofree char *kind = ferry_state_size_probe_kind(device, facts);
    g_autoptr(FerryProbeRow) row = NULL;
    g_autofree char *message = NULL;
    g_autofree char *when = NULL;
    json_t *answer = NULL;

    if (!ferry_store_probe_find(api->store, kind, &row, error))
        return NULL;
    if (row != NULL)
        answer = json_loads(row->answer, 0, NULL);
    if (json_is_object(answer)) {
        when = ferry_clock_format(row->probed_us);
        (void)json_object_set_new(answer, "probed", json_string(when));
        return answer;
    }
    json_decref(answer);
    message = g_strdup_printf("not known: \"ferry device show %s --probe\" asks its driver, which "
                              "resets the device",
                              device->name);
    return json_pack("{s:s}", "message", message);
}

/* What a driver can do, as words for people and for the API. */
typedef struct {
    uint64_t flag;
    const char *word, *key;
} Ability;

static const Ability abilities[] = {
    { FERRY_MIG_STOP_COPY, "stop-copy", "stop-copy" },
    { FERRY_MIG_P2P, "P2P", "p2p" },
    { FERRY_MIG_PRE_COPY, "pre-copy", "pre-copy" },
};

/* What is read of an open device. */
typedef struct {
    uint64_t flags;
    FerrySize size;
    bool logs;
} Answer;

static bool
ask(FerryVfioDevice *device, Answer *ret, GError **error)
{
    FerryFeatureCall call = { .flags = FERRY_FEATURE_DMA_LOGGING_START | FERRY_FEATURE_SET |
                                       FERRY_FEATURE_PROBE };

    ret->flags = device->flags;
    if (device->flags == 0)
        return true;
    if (!ferry_vfio_device_data_size(device, &ret->size, error) ||
        !device->transport->ops->feature(device->transport->data, &call, error))
        return false;
    ret->logs = call.code == 0;
    return true;
}

static char *
describe(const Answer *answer, const char *driver)
{
    g_autoptr(GString) text = g_string_new("migratable: ");
    g_autofree char *size = answer->size.known ? g_strdup_printf("%" G_GUINT64_FORMAT " bytes",
                                                                 (guint64)answer->size.bytes)
                                               : g_strdup("no figure yet");

    if (answer->flags == 0)
        return g_strdup_printf("not migratable: driver %s has no migration support; ephemeral "
                               "possible",
                               driver);
    for (size_t i = 0; i < G_N_ELEMENTS(abilities); i++)
        if ((answer->flags & abilities[i].flag) != 0)
            g_string_append_printf(text, "%s, ", abilities[i].word);
    g_string_append_printf(text, "%s of dirty pages; state: %s", answer->logs ? "log" : "no log",
                           size);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static json_t *
answer_json(const Answer *answer, const char *driver)
{
    g_autofree char *message = describe(answer, driver);
    json_t *flags = json_array();
    json_t *json = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(abilities); i++)
        if ((answer->flags & abilities[i].flag) != 0)
            (void)json_array_append_new(flags, json_string(abilities[i].key));
    json = json_pack("{s:b, s:s, s:o, s:b, s:s}", "migratable", answer->flags != 0, "driver",
                     driver, "flags", flags, "dma_logging", answer->logs, "message", message);
    if (answer->size.known)
        (void)json_object_set_new(json, "stop_copy_bytes",
                                  json_integer((json_int_t)answer->size.bytes));
    return json;
}

static bool
remember(const FerryApi *api,
         const FerryHostDevice *device,
         const json_t *facts,
         const Answer *answer,
         GError **error)
{
    g_autofree char *kind = ferry_state_size_probe_kind(device, facts);
    json_t *json = answer_json(answer, driver_of(device, facts));
    char *text = json_dumps(json, JSON_COMPACT);
    const FerryProbeRow row = { kind, text, api->clock->wall_us(api->clock) };
    const bool ok = ferry_store_probe_set(api->store, &row, error);

    free(text);
    json_decref(json);
    return ok;
}

/* Returns: (transfer full) */
static json_t *
in_use(const char *why)
{
    json_t *reasons = ferry_objection("in-use", "%s", why);

    ferry_object_remedy(reasons, "Try again when it is free: a probe would reset it.");
    return reasons;
}

/* Returns: (transfer full) (nullable): why this device is not to be opened now */
static json_t *
refuse(const FerryDeviceView *view, const FerryHostDevice *device)
{
    g_autofree char *who = NULL;
    g_autofree char *why = NULL;
    json_t *reasons = NULL;

    if (ferry_device_view_use(view, device, &who) != FERRY_DEVICE_FREE) {
        why = g_strdup_printf("%s is used by %s", device->name, who);
        return in_use(why);
    }
    if ((device->roles & (FERRY_HOST_MDEV | FERRY_HOST_VGPU)) != 0 ||
        (device->driver != NULL && strstr(device->driver, "vfio") != NULL))
        return NULL;
    reasons = ferry_objection("no-vfio-driver", "%s has %s%s, and only a VFIO driver knows",
                              device->name, device->driver != NULL ? "the driver " : "no driver",
                              device->driver != NULL ? device->driver : "");
    ferry_object_remedy(reasons, "Bind it to its vendor's VFIO driver, or to vfio-pci: \"virsh "
                                 "nodedev-detach\" does.");
    return reasons;
}

static bool
claim(const FerryApi *api,
      const FerryHostDevice *device,
      int64_t *ret_generation,
      json_t **ret_reasons,
      GError **error)
{
    const bool is_vf = (device->roles & FERRY_HOST_VF) != 0;
    g_autofree char *alias = g_strconcat(ALIAS_PREFIX, device->name, NULL);
    g_autofree char *slot = is_vf ? g_strdup_printf("%s/vf%d", device->pf, device->vf_index)
                                  : g_strdup_printf("%s/%s", device->parent, device->type);
    g_autoptr(FerryClaimRow) holder = NULL;
    g_autofree char *who = NULL;
    g_autofree char *why = NULL;
    char nothing[] = "";
    const FerryClaimRow row = { .pool = nothing,
                                .slot = slot,
                                .device = is_vf ? nothing : device->name,
                                .guest_uuid = nothing,
                                .guest_name = nothing,
                                .alias = alias,
                                .job = nothing,
                                .state = FERRY_CLAIM_RESERVED,
                                .saved_settings = nothing,
                                .attrs = nothing,
                                .made_in = nothing,
                                .since_us = api->clock->wall_us(api->clock) };

    if (!ferry_store_claim_add(api->store, &row, ret_generation, &holder, error))
        return false;
    if (holder == NULL)
        return true;
    who = ferry_claim_describe(holder);
    why = g_strdup_printf("%s is claimed by %s", device->name, who);
    *ret_reasons = in_use(why);
    return true;
}

/* Opened in the moment between our look and our claim: that is an answer, too. */
static bool
open_and_ask(const FerryApi *api,
             const FerryHostDevice *device,
             Answer *ret,
             json_t **ret_reasons,
             GError **error)
{
    g_autoptr(GError) failure = NULL;
    FerryTransport *transport = api->vfio->open(api->vfio_data, device->name, &failure);
    g_autoptr(FerryVfioDevice) opened = NULL;

    if (g_error_matches(failure, FERRY_ERROR, FERRY_ERROR_BUSY)) {
        *ret_reasons = in_use(failure->message);
        return true;
    }
    if (transport == NULL) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    opened = ferry_vfio_device_new(transport, error);
    return opened != NULL && ask(opened, ret, error);
}

bool
ferry_probe_run(const FerryApi *api,
                const FerryDeviceView *view,
                const FerryHostDevice *device,
                const json_t *facts,
                json_t **ret_reasons,
                GError **error)
{
    Answer answer = { 0 };
    int64_t generation = 0;
    bool ok = false;

    *ret_reasons = refuse(view, device);
    if (*ret_reasons != NULL)
        return true;
    if (!claim(api, device, &generation, ret_reasons, error))
        return false;
    if (*ret_reasons != NULL)
        return true;
    ok = open_and_ask(api, device, &answer, ret_reasons, error);
    if (!ferry_store_claim_remove(api->store, generation, ok ? error : NULL))
        return false;
    if (!ok || *ret_reasons != NULL)
        return ok;
    return remember(api, device, facts, &answer, error);
}

bool
ferry_probe_clean_up(FerryStore *store, GError **error)
{
    g_autoptr(GPtrArray) claims = NULL;

    if (!ferry_store_claim_list(store, "", &claims, error))
        return false;
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *row = g_ptr_array_index(claims, i);

        if (g_str_has_prefix(row->alias, ALIAS_PREFIX) &&
            !ferry_store_claim_remove(store, row->generation, error))
            return false;
    }
    return true;
}
