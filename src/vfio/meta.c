#include "vfio/meta.h"

#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/error.h"
#include "compat/check.h"
#include "vfio/frame.h"

#define KIND "ferry-vfio"

char *
ferry_meta_build(const char *facts, const FerryVfioDevice *device, FerrySize stop_copy)
{
    const FerryClock *clock = ferry_clock_system();
    g_autofree char *made = ferry_clock_format(clock->wall_us(clock));
    json_t *description = json_loads(facts, 0, NULL);
    json_t *meta = json_pack("{s:s, s:i, s:o, s:I, s:s, s:s}", "kind", KIND, "format", 1, "device",
                             description != NULL ? description : json_null(), "migration_flags",
                             (json_int_t)device->flags, "made", made, "ferry", FERRY_VERSION);
    char *text = NULL;
    char *copy = NULL;

    if (stop_copy.known && stop_copy.bytes < INT64_MAX)
        json_object_set_new(meta, "stop_copy_bytes", json_integer((json_int_t)stop_copy.bytes));
    text = json_dumps(meta, JSON_COMPACT | JSON_SORT_KEYS);
    copy = g_strdup(text);
    free(text);
    json_decref(meta);
    return copy;
}

static bool
bad(GError **error, const char *why)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "the stream's description %s", why);
    return false;
}

static void
judge(const json_t *device,
      const char *own_facts,
      FerryMetaPolicy policy,
      GPtrArray *reasons,
      FerryVerdictLevel *ret_level)
{
    g_autoptr(FerryFacts) source = ferry_facts_from_json(device);
    g_autoptr(FerryFacts) target = ferry_facts_parse(own_facts, strlen(own_facts));
    g_autoptr(FerryVerdict) verdict = ferry_check(source, target, NULL);

    if (ret_level != NULL)
        *ret_level = verdict->level;
    if (verdict->level == FERRY_VERDICT_YES ||
        (verdict->level == FERRY_VERDICT_UNKNOWN && policy == FERRY_META_ACCEPT_UNKNOWN))
        return;
    for (guint i = 0; i < verdict->findings->len; i++) {
        const FerryFinding *finding = g_ptr_array_index(verdict->findings, i);

        g_ptr_array_add(reasons, g_strdup(finding->reason));
    }
}

bool
ferry_meta_check(const char *meta,
                 const char *own_facts,
                 FerryMetaPolicy policy,
                 GPtrArray *reasons,
                 FerryVerdictLevel *ret_level,
                 GError **error)
{
    json_t *root = json_loads(meta, JSON_REJECT_DUPLICATES, NULL);
    const char *kind = json_string_value(json_object_get(root, "kind"));
    json_int_t format = json_integer_value(json_object_get(root, "format"));
    const json_t *device = json_object_get(root, "device");
    bool ok = true;

    if (g_strcmp0(kind, KIND) != 0)
        ok = bad(error, "is not one of ferry's");
    else if (format != 1)
        ok = bad(error, "is of a format that this version does not know");
    else if (!json_is_object(device))
        ok = bad(error, "has no device in it");
    else if (policy != FERRY_META_CHECK_OFF)
        judge(device, own_facts, policy, reasons, ret_level);
    json_decref(root);
    return ok;
}
