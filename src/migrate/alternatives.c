#include "migrate/alternatives.h"

#include <string.h>

/* The ways beside the live one.  A live move with the devices off the guest meets what any live
 * move meets but for their state; one by a file meets what their state does, but not the link. */
typedef enum {
    BY_FILE = 1 << 0,
    BY_PLUG = 1 << 1,
    BY_DISK = 1 << 2,
    EVERY = BY_FILE | BY_PLUG | BY_DISK,
} Ways;

/* What each reason of a check limits, and which ways are shut for it: docs/api.md, "Checks". */
/* clang-format off */
static const struct {
    const char *code, *factor;
    Ways shut;
} limits[] = {
    { "already-there",            "other",         EVERY             },
    { "blackout-too-long",        "time",          0                 },
    { "cpu-feature",              "host",          EVERY             },
    { "cpu-model",                "host",          EVERY             },
    { "device-cannot-travel",     "host driver",   EVERY             }, /* no pool has its like */
    { "device-gone",              "device",        EVERY             },
    { "device-in-use",            "device",        EVERY             },
    { "device-needs-pool",        "definition",    EVERY             },
    { "device-unknown",           "device",        EVERY             },
    { "dirty-tracking-missing",   "host driver",   BY_FILE           }, /* libvirt: a save is a migration */
    { "disk-not-shared",          "storage",       EVERY             },
    { "emulator",                 "host",          EVERY             },
    { "failover-unknown",         "guest driver",  BY_PLUG           },
    { "guest-exists",             "host",          EVERY             },
    { "guest-not-running",        "guest",         BY_FILE | BY_PLUG },
    { "has-snapshots",            "guest",         BY_PLUG           },
    { "huge-pages",               "host",          EVERY             },
    { "incompatible",             "device",        BY_FILE           },
    { "machine-type",             "host",          EVERY             },
    { "memory-tls-differs",       "definition",    BY_PLUG           },
    { "name-taken",               "host",          EVERY             },
    { "no-boot-file",             "host",          EVERY             },
    { "no-device",                "device",        EVERY             },
    { "no-devices",               "device",        EVERY             },
    { "no-disk",                  "storage",       EVERY             },
    { "no-free-slot",             "device",        EVERY             },
    { "no-hot-plug-slot",         "definition",    EVERY             },
    { "no-listen-address",        "definition",    EVERY             },
    { "no-memory-tls",            "definition",    BY_PLUG           },
    { "no-network",               "network",       EVERY             },
    { "no-network-device",        "network",       EVERY             },
    { "no-pool",                  "device",        EVERY             },
    { "no-rom",                   "host",          EVERY             },
    { "no-tpm",                   "host",          EVERY             },
    { "no-type",                  "device",        EVERY             },
    { "not-hot-pluggable",        "definition",    BY_FILE | BY_PLUG },
    { "not-migratable",           "definition",    BY_FILE | BY_PLUG },
    { "other-vendor",             "device",        EVERY             },
    { "pool-of-other-kind",       "device",        EVERY             },
    { "qemu-too-old",             "host",          BY_FILE           },
    { "rom-size-differs",         "host",          BY_FILE | BY_PLUG },
    { "same-host-uuid",           "host",          BY_PLUG           },
    { "unknown",                  "device",        BY_FILE           },
    { "viommu",                   "definition",    BY_FILE | BY_PLUG },
    { "virt-type",                "host",          EVERY             },
    { "wrong-type",               "device",        EVERY             },
};
/* clang-format on */

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static Ways
shut_by(const char *code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
        if (g_strcmp0(limits[i].code, code) == 0)
            return limits[i].shut;
    return EVERY;
}

static const json_t *
device_of(const json_t *answer, const char *alias)
{
    const json_t *device = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(answer, "devices"), i, device)
    {
        if (g_strcmp0(text_of(device, "alias"), alias) == 0)
            return device;
    }
    return NULL;
}

/* Of a state that does not load the rules say why: by the driver, or by the device itself. */
static bool
is_drivers(const json_t *device)
{
    const json_t *best = json_array_get(json_object_get(device, "candidates"), 0);
    const json_t *finding = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(best, "findings"), i, finding)
    {
        const char *key = text_of(finding, "key");

        if (g_strcmp0(text_of(finding, "severity"), text_of(best, "verdict")) == 0 && key != NULL &&
            (strstr(key, "driver") != NULL || g_str_equal(key, "kernel")))
            return true;
    }
    return false;
}

static const char *
factor_of(const json_t *reason, const json_t *answer)
{
    const char *code = text_of(reason, "code");

    if ((g_strcmp0(code, "incompatible") == 0 || g_strcmp0(code, "unknown") == 0) &&
        is_drivers(device_of(answer, text_of(reason, "alias"))))
        return "host driver";
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++)
        if (g_strcmp0(limits[i].code, code) == 0)
            return limits[i].factor;
    return "other";
}

/* Whether the target has one that such a device could be plugged in, or made, anew. */
static bool
has_another(const json_t *answer, const FerryPlanNeed *need)
{
    const json_t *candidate = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(device_of(answer, need->alias), "candidates"), i, candidate)
    {
        const char *name = text_of(candidate, "name");
        const char *type = name == NULL ? NULL : strrchr(name, ' '); /* "PARENT TYPE" */

        if (json_integer_value(json_object_get(candidate, "available")) > 0 &&
            (need->type == NULL || (type != NULL && g_str_equal(type + 1, need->type))))
            return true;
    }
    return false;
}

/* A device whose state is left behind is another one there: only a pool names it for both hosts.
 * Each is looked at by itself, so several of one pool are not promised. */
static const char *
why_not_anew(const FerryPlan *plan, const json_t *answer)
{
    g_autoptr(GHashTable) pools = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);

        if (need->way != FERRY_WAY_STATE)
            continue;
        if (need->pool == NULL || need->device != NULL)
            return "a device of it is of no pool, so the target does not know which other one to "
                   "take";
        if (!g_hash_table_add(pools, need->pool))
            return "several devices of it are of one pool, and whether all find a place there is "
                   "not known";
        if (!has_another(answer, need))
            return "the pool there has no free device of that type";
    }
    return NULL;
}

static bool
carries_state(const FerryPlan *plan)
{
    for (guint i = 0; i < plan->needs->len; i++)
        if (((const FerryPlanNeed *)g_ptr_array_index(plan->needs, i))->way == FERRY_WAY_STATE)
            return true;
    return false;
}

/* (nullable): a reason of the check that shuts the way */
static const json_t *
obstacle(const json_t *answer, Ways way)
{
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(answer, "reasons"), i, reason)
    {
        if ((shut_by(text_of(reason, "code")) & way) != 0)
            return reason;
    }
    return NULL;
}

static json_t *
row_of(const char *way, const char *verdict, const char *factor, const char *code, const char *why)
{
    return json_pack("{s:s, s:s, s:s*, s:s*, s:s}", "way", way, "verdict", verdict, "factor",
                     factor, "code", code, "message", why);
}

/* @shut: (nullable): why not, beside the check's reasons; @how: what its user does */
static json_t *
judge(const json_t *answer, const char *name, Ways way, const char *shut, const char *how)
{
    const json_t *reason = obstacle(answer, way);
    const char *code = text_of(reason, "code");
    const char *message = text_of(reason, "message");

    if (reason == NULL && shut == NULL)
        return row_of(name, "yes", NULL, NULL, how);
    if (reason == NULL)
        return row_of(name, "no", "definition", NULL, shut);
    return row_of(name, way == BY_FILE && g_strcmp0(code, "unknown") == 0 ? "unknown" : "no",
                  factor_of(reason, answer), code, message != NULL ? message : "");
}

static json_t *
judge_live(const json_t *answer)
{
    const json_t *reason = json_array_get(json_object_get(answer, "reasons"), 0);
    const char *verdict = text_of(answer, "verdict");
    const char *code = text_of(reason, "code");
    const char *message = text_of(reason, "message");

    return row_of("live", verdict, factor_of(reason, answer), code, message != NULL ? message : "");
}

json_t *
ferry_alternatives(const FerryPlan *plan, const json_t *answer)
{
    json_t *rows = json_array();
    const char *anew = why_not_anew(plan, answer);

    if (json_array_size(json_object_get(answer, "reasons")) == 0)
        return rows;
    json_array_append_new(rows, judge_live(answer));
    json_array_append_new(
        rows, judge(answer, "save", BY_FILE, NULL,
                    "save it to storage that both hosts reach, \"ferry guest save\", and \"ferry "
                    "guest restore\" it there: it stands still meanwhile"));
    json_array_append_new(
        rows,
        judge(answer, "ephemeral", BY_PLUG,
              carries_state(plan) ? anew : "it has no device whose state could be left behind",
              "mark the devices ephemeral (<ferry:ephemeral alias='…' pool='…'/>): the guest loses "
              "what is in them, and gets others there if it lets them go"));
    json_array_append_new(
        rows,
        judge(answer, "cold", BY_DISK,
              plan->inactive_xml == NULL ? "it is transient: there is no definition to move" : anew,
              "shut it down, define it there (with its NVRAM and TPM files, if it has any), "
              "start it there, and undefine it here"));
    return rows;
}
