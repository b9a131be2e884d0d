#include "migrate/replug.h"

static bool
has_hybrids(const FerryPlan *plan)
{
    for (guint i = 0; i < plan->needs->len; i++)
        if (((const FerryPlanNeed *)g_ptr_array_index(plan->needs, i))->way == FERRY_WAY_HYBRID)
            return true;
    return false;
}

static const char *
text_of(const json_t *lack, const char *key)
{
    return json_string_value(json_object_get(lack, key));
}

static void
give_up(const json_t *lacks, FerryJob *job)
{
    const json_t *lack = NULL;
    size_t i = 0;

    json_array_foreach(lacks, i, lack)
    {
        g_autofree char *left =
            g_strdup_printf("on virtio: %s; ferryd goes on trying", text_of(lack, "message"));

        ferry_job_add_degraded(job, text_of(lack, "alias"), left);
    }
}

/* Libvirt away is a lack of all: nothing is known of any. */
static json_t *
look(const FerryPlan *plan, const FerryDeviceOps *devices, void *data)
{
    json_t *lacks = NULL;
    g_autoptr(GError) error = NULL;

    if (devices->plug(data, &lacks, &error))
        return lacks;
    lacks = json_array();
    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);

        if (need->way == FERRY_WAY_HYBRID)
            json_array_append_new(
                lacks, json_pack("{s:s, s:s}", "alias", need->alias, "message", error->message));
    }
    return lacks;
}

static bool
lacks_it(const json_t *lacks, const char *alias)
{
    const json_t *lack = NULL;
    size_t i = 0;

    json_array_foreach(lacks, i, lack)
    {
        if (g_strcmp0(text_of(lack, "alias"), alias) == 0)
            return true;
    }
    return false;
}

/* A lack that the job's user has agreed to, and that no wait of the job's would end. */
static bool
is_taken(const FerryPlan *plan, const json_t *lack)
{
    const FerryPlanNeed *need = ferry_needs_of(plan->needs, text_of(lack, "alias"));

    return need != NULL && need->may_degrade && g_strcmp0(text_of(lack, "code"), "no-free-vf") == 0;
}

/* (nullable): the first one that is worth waiting for */
static const json_t *
find_wait(const FerryPlan *plan, const json_t *lacks)
{
    const json_t *lack = NULL;
    size_t i = 0;

    json_array_foreach(lacks, i, lack)
    {
        if (!is_taken(plan, lack))
            return lack;
    }
    return NULL;
}

/* Seen at the end of a look, so never shorter than it was. */
static void
measure(FerryReplug *self, const FerryPlan *plan, const json_t *lacks, FerryJob *job)
{
    G_STATIC_ASSERT(FERRY_NEEDS_MAX <= 64);

    for (guint i = 0; self->since_ms != 0 && i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);
        const uint64_t bit = UINT64_C(1) << i;

        if (need->way != FERRY_WAY_HYBRID || (self->seen & bit) != 0 ||
            lacks_it(lacks, need->alias))
            continue;
        self->seen |= bit;
        ferry_job_add_gap(job, need->alias, FERRY_GAP_ON, self->since_ms);
    }
}

bool
ferry_replug(FerryReplug *self,
             const FerryPlan *plan,
             const FerryDeviceOps *devices,
             void *data,
             const FerryTimers *timers,
             FerryJob *job,
             int64_t now_ms)
{
    json_t *lacks = NULL;
    const json_t *wait = NULL;

    if (self->over || !has_hybrids(plan))
        return self->over = true;
    if (!self->begun) {
        self->begun = true;
        self->began_ms = now_ms;
    }
    lacks = look(plan, devices, data);
    measure(self, plan, lacks, job);
    wait = find_wait(plan, lacks);
    if (wait != NULL)
        ferry_job_set_waiting(job, text_of(wait, "message"));
    self->over = wait == NULL || now_ms - self->began_ms >= timers->attach_ms;
    if (self->over)
        give_up(lacks, job);
    json_decref(lacks);
    return self->over;
}
