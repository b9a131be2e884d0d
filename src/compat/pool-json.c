#include "compat/pool-json.h"

#include <string.h>

#include "compat/impact.h"
#include "compat/vectors.h"

GPtrArray *
ferry_pool_read(const json_t *array)
{
    GPtrArray *pool = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_facts_free);

    for (size_t i = 0; i < json_array_size(array); i++)
        g_ptr_array_add(pool, ferry_vector_facts(json_array_get(array, i)));
    return pool;
}

json_t *
ferry_baseline_to_json(const FerryBaseline *self)
{
    json_t *object = json_object();
    json_t *blocking = json_array();

    for (size_t i = 0; self->blocking[i] != NULL; i++)
        json_array_append_new(blocking, json_string(self->blocking[i]));
    json_object_set_new(object, "baseline",
                        self->facts != NULL ? ferry_facts_to_json(self->facts) : json_null());
    json_object_set_new(object, "blocking", blocking);
    return object;
}

json_t *
ferry_ranking_to_json(const GPtrArray *ranked)
{
    json_t *targets = json_array();

    for (guint i = 0; i < ranked->len; i++) {
        const FerryRanked *one = ranked->pdata[i];
        json_t *object = json_pack("{s:s,s:b,s:b}", "target", one->name, "usable", one->is_usable,
                                   "return", one->has_return);
        g_autoptr(json_t) verdict = ferry_verdict_to_json(one->verdict);

        json_object_update(object, verdict);
        json_array_append_new(targets, object);
    }
    return json_pack("{s:o}", "targets", targets);
}

/* Everything an impact borrows, kept until it is written. */
typedef struct {
    GPtrArray *pools; /* of GPtrArray of FerryFacts */
    GPtrArray *facts; /* of FerryFacts */
    GArray *hosts;    /* of FerryImpactHost */
    GArray *devices;  /* of FerryImpactDevice */
    FerryImpactHost upgraded;
} Question;

static void
question_clear(Question *self)
{
    g_ptr_array_unref(self->pools);
    g_ptr_array_unref(self->facts);
    g_array_unref(self->hosts);
    g_array_unref(self->devices);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Question, question_clear)

static FerryImpactHost
read_host(Question *self, const char *name, const json_t *targets)
{
    GPtrArray *pool = ferry_pool_read(targets);

    g_ptr_array_add(self->pools, pool);
    return (FerryImpactHost){ name, (const FerryFacts *const *)pool->pdata, pool->len };
}

static const char *
read_devices(Question *self, const json_t *json)
{
    const json_t *devices = json_object_get(json, "devices");

    if (!json_is_array(devices))
        return "\"devices\" is not an array";
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const json_t *device = json_array_get(devices, i);
        const json_t *source = json_object_get(device, "source");
        FerryImpactDevice one = { .id = json_string_value(json_object_get(device, "id")),
                                  .home = json_string_value(json_object_get(device, "home")) };

        if (one.id == NULL || one.home == NULL || source == NULL)
            return "a device needs an id, a home and a source";
        one.facts = ferry_vector_facts(source);
        g_ptr_array_add(self->facts, (gpointer)one.facts);
        g_array_append_val(self->devices, one);
    }
    return NULL;
}

static const char *
read_question(Question *self, const json_t *json)
{
    json_t *hosts = json_object_get(json, "hosts");
    const json_t *upgrade = json_object_get(json, "upgrade");
    const char *name = json_string_value(json_object_get(upgrade, "host"));
    const json_t *after = json_object_get(upgrade, "after");

    if (!json_is_object(hosts))
        return "\"hosts\" is not an object";
    if (name == NULL || !json_is_array(after))
        return "\"upgrade\" needs a host and an array \"after\"";
    for (void *at = json_object_iter(hosts); at != NULL; at = json_object_iter_next(hosts, at)) {
        FerryImpactHost host =
            read_host(self, json_object_iter_key(at), json_object_iter_value(at));
        if (!json_is_array(json_object_iter_value(at)))
            return "a host is not an array of descriptions";
        g_array_append_val(self->hosts, host);
    }
    self->upgraded = read_host(self, name, after);
    return read_devices(self, json);
}

static json_t *
names_to_json(const GPtrArray *names)
{
    json_t *array = json_array();

    for (guint i = 0; i < names->len; i++)
        json_array_append_new(array, json_string(names->pdata[i]));
    return array;
}

static json_t *
impact_to_json(const FerryImpact *impact)
{
    json_t *devices = json_array();

    for (guint i = 0; i < impact->devices->len; i++) {
        const FerryDeviceImpact *device = impact->devices->pdata[i];
        json_t *object = json_object();

        json_object_set_new(object, "id", json_string(device->id));
        json_object_set_new(object, "status",
                            json_string(ferry_impact_status_name(device->status)));
        json_object_set_new(object, "before", names_to_json(device->before));
        json_object_set_new(object, "after", names_to_json(device->after));
        json_object_set_new(object, "unknown", names_to_json(device->unknown));
        json_array_append_new(devices, object);
    }
    return json_pack("{s:o,s:b}", "devices", devices, "one_way", impact->is_one_way);
}

json_t *
ferry_impact_run_json(const json_t *json, const FerryRules *rules, char **why)
{
    g_auto(Question) question = {
        .pools = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref),
        .facts = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_facts_free),
        .hosts = g_array_new(FALSE, TRUE, sizeof(FerryImpactHost)),
        .devices = g_array_new(FALSE, TRUE, sizeof(FerryImpactDevice)),
    };
    g_autoptr(FerryImpact) impact = NULL;
    const char *fault = read_question(&question, json);

    if (fault != NULL) {
        *why = g_strdup(fault);
        return NULL;
    }
    impact = ferry_impact((const FerryImpactHost *)question.hosts->data, question.hosts->len,
                          (const FerryImpactDevice *)question.devices->data, question.devices->len,
                          &question.upgraded, rules);
    return impact_to_json(impact);
}
