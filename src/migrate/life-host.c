#include "migrate/life-host.h"

#include "guest/act.h"
#include "migrate/hold.h"
#include "migrate/marker.h"

static FerryGuests *
guests_of(void *data)
{
    return ((const FerryLifeHost *)data)->guests;
}

static bool
find(void *data, const char *name_or_uuid, FerryGuest **ret, GError **error)
{
    return ferry_guests_find(guests_of(data), name_or_uuid, ret, error);
}

static bool
list(void *data, GPtrArray **ret, GError **error)
{
    return ferry_guests_list(guests_of(data), ret, error);
}

static bool
look(void *data, const char *uuid, FerryDomainLook *ret, GError **error)
{
    return ferry_guests_look(guests_of(data), uuid, ret, error);
}

static bool
xml(void *data, const char *uuid, FerryGuestsXml which, char **ret, GError **error)
{
    return ferry_guests_xml(guests_of(data), uuid, which, ret, error);
}

static bool
start(void *data, const char *uuid, GError **error)
{
    return ferry_guests_start(guests_of(data), uuid, error);
}

static bool
create(void *data, const char *domain_xml, GError **error)
{
    return ferry_guests_create(guests_of(data), domain_xml, error);
}

static bool
shut_down(void *data, const char *uuid, GError **error)
{
    return ferry_guests_shutdown(guests_of(data), uuid, error);
}

static bool
destroy(void *data, const char *uuid, GError **error)
{
    return ferry_guests_destroy(guests_of(data), uuid, error);
}

static uint64_t
seen(void *data)
{
    return ferry_guests_seen(guests_of(data));
}

static bool
wait_for(void *data, const char *uuid, uint64_t after, int64_t timeout_ms)
{
    return ferry_guests_wait(guests_of(data), uuid, after, timeout_ms);
}

/* A job that is over may have left its marker on purpose: the guest is the other host's still. */
static char *
job_of(void *data, const char *uuid)
{
    const FerryLifeHost *self = data;
    g_autoptr(FerryJob) job = ferry_migrator_job_of_guest(self->migrator, uuid);
    g_autoptr(GError) error = NULL;
    char *held_by = NULL;

    if (job != NULL)
        return g_strdup(ferry_job_identity(job)->id);
    if (!ferry_marker_read(self->marker_dir, uuid, &held_by, &error)) {
        g_warning("guest %s: going on as if a job held it: %s", uuid, error->message);
        return g_strdup("unknown");
    }
    return held_by;
}

static bool
job_is_live(void *data, const char *job_id)
{
    const FerryLifeHost *self = data;
    g_autoptr(FerryJob) job = ferry_migrator_job(self->migrator, job_id);

    return job != NULL ? !ferry_job_is_over(job) : ferry_migrator_holds(self->migrator, job_id);
}

static uint64_t
devices(void *data)
{
    uint64_t generation = 0;

    ferry_inventory_unref(ferry_watch_inventory(((const FerryLifeHost *)data)->watch, &generation));
    return generation;
}

static void
pause_for(void *data, unsigned ms)
{
    (void)data;
    g_usleep((gulong)ms * 1000);
}

static void
guard(void *data, const FerryDomain *incoming, json_t *reasons)
{
    const FerryLifeHost *self = data;

    ferry_migrator_guard(self->migrator, incoming, reasons);
}

const FerryLifeOps ferry_life_host_ops = {
    .guard = guard,
    .find = find,
    .list = list,
    .look = look,
    .xml = xml,
    .start = start,
    .create = create,
    .shutdown = shut_down,
    .destroy = destroy,
    .seen = seen,
    .wait = wait_for,
    .job_of = job_of,
    .job_is_live = job_is_live,
    .devices = devices,
    .pause = pause_for,
};
