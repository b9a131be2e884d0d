#include "compat/impact.h"

#include <string.h>

static const char *const status_names[] = {
    [FERRY_IMPACT_UNCHANGED] = "unchanged",       [FERRY_IMPACT_WIDENED] = "widened",
    [FERRY_IMPACT_GAINED_FIRST] = "gained-first", [FERRY_IMPACT_NARROWED] = "narrowed",
    [FERRY_IMPACT_LOST_LAST] = "lost-last",       [FERRY_IMPACT_STRANDED] = "stranded",
};
G_STATIC_ASSERT(G_N_ELEMENTS(status_names) == FERRY_N_IMPACTS);

typedef struct {
    const FerryImpactHost *hosts;
    size_t n_hosts;
    const FerryImpactHost *upgraded;
    const FerryRules *rules;
} Fleet;

const char *
ferry_impact_status_name(FerryImpactStatus status)
{
    g_assert(status < FERRY_N_IMPACTS);
    return status_names[status];
}

static void
device_free(gpointer data)
{
    FerryDeviceImpact *device = data;

    g_ptr_array_unref(device->before);
    g_ptr_array_unref(device->after);
    g_ptr_array_unref(device->unknown);
    g_free(device);
}

void
ferry_impact_free(FerryImpact *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->devices);
    g_free(self);
}

/* The best verdict that any target of the host gives. */
static FerryVerdictLevel
best_level(const Fleet *fleet, const FerryFacts *source, const FerryImpactHost *host)
{
    FerryVerdictLevel best = FERRY_VERDICT_MALFORMED;
    FerryCheckOptions options = { .rules = fleet->rules };

    for (size_t i = 0; i < host->n_targets; i++) {
        g_autoptr(FerryVerdict) verdict = ferry_check(source, host->targets[i], &options);
        best = MIN(best, verdict->level);
    }
    return best;
}

static bool
is_upgraded(const Fleet *fleet, const FerryImpactHost *host)
{
    return strcmp(host->name, fleet->upgraded->name) == 0;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_host(const Fleet *fleet,
         const FerryImpactDevice *device,
         const FerryImpactHost *host,
         GPtrArray *usable,
         GPtrArray *unknown)
{
    FerryVerdictLevel level = FERRY_VERDICT_NO;

    if (strcmp(host->name, device->home) == 0)
        return;
    level = best_level(fleet, device->facts, host);
    if (level <= FERRY_VERDICT_PROVISION)
        g_ptr_array_add(usable, (gpointer)host->name);
    else if (level == FERRY_VERDICT_UNKNOWN && unknown != NULL)
        g_ptr_array_add(unknown, (gpointer)host->name);
}

static bool
is_contained(const GPtrArray *a, const GPtrArray *b)
{
    for (guint i = 0; i < a->len; i++) {
        bool found = false;
        for (guint j = 0; j < b->len && !found; j++)
            found = strcmp(a->pdata[i], b->pdata[j]) == 0;
        if (!found)
            return false;
    }
    return true;
}

static FerryImpactStatus
status_of(const GPtrArray *before, const GPtrArray *after)
{
    if (before->len == 0)
        return after->len == 0 ? FERRY_IMPACT_STRANDED : FERRY_IMPACT_GAINED_FIRST;
    if (after->len == 0)
        return FERRY_IMPACT_LOST_LAST;
    if (!is_contained(after, before))
        return FERRY_IMPACT_WIDENED;
    return is_contained(before, after) ? FERRY_IMPACT_UNCHANGED : FERRY_IMPACT_NARROWED;
}

static FerryDeviceImpact *
device_impact(const Fleet *fleet, const FerryImpactDevice *device)
{
    FerryDeviceImpact *self = g_new0(FerryDeviceImpact, 1);

    self->id = device->id;
    self->before = g_ptr_array_new();
    self->after = g_ptr_array_new();
    self->unknown = g_ptr_array_new();
    for (size_t i = 0; i < fleet->n_hosts; i++) {
        add_host(fleet, device, &fleet->hosts[i], self->before, NULL);
        if (!is_upgraded(fleet, &fleet->hosts[i]))
            add_host(fleet, device, &fleet->hosts[i], self->after, self->unknown);
    }
    add_host(fleet, device, fleet->upgraded, self->after, self->unknown);
    g_ptr_array_sort(self->before, compare_names);
    g_ptr_array_sort(self->after, compare_names);
    g_ptr_array_sort(self->unknown, compare_names);
    self->status = status_of(self->before, self->after);
    return self;
}

/* Whether some other host accepts @source. */
static bool
can_leave(const Fleet *fleet, const FerryFacts *source)
{
    for (size_t i = 0; i < fleet->n_hosts; i++) {
        if (!is_upgraded(fleet, &fleet->hosts[i]) &&
            best_level(fleet, source, &fleet->hosts[i]) <= FERRY_VERDICT_PROVISION)
            return true;
    }
    return false;
}

FerryImpact *
ferry_impact(const FerryImpactHost *hosts,
             size_t n_hosts,
             const FerryImpactDevice *devices,
             size_t n_devices,
             const FerryImpactHost *upgraded,
             const FerryRules *rules)
{
    FerryImpact *self = g_new0(FerryImpact, 1);
    Fleet fleet = { hosts, n_hosts, upgraded, rules };

    self->devices = g_ptr_array_new_with_free_func(device_free);
    for (size_t i = 0; i < n_devices; i++)
        g_ptr_array_add(self->devices, device_impact(&fleet, &devices[i]));
    for (size_t i = 0; i < upgraded->n_targets; i++)
        self->is_one_way = self->is_one_way || !can_leave(&fleet, upgraded->targets[i]);
    return self;
}
