/*
 * Devices that a job has left for later.  A guest that ignored the unplug may let go of the device
 * after the job was rolled back, for QEMU cannot take the question back; and a device may have
 * failed to go in again.  Both are plugged in as soon as it can be done, for a day after the job.
 * docs/handover.md, section 9.
 */
#include "migrate/run.h"

#include "xml/domain.h"

#define WATCH_MS (24 * 3600 * INT64_C(1000))
/* A device that cannot be plugged in is tried ever more rarely. */
#define FIRST_PAUSE_MS INT64_C(2000)
#define LAST_PAUSE_MS  INT64_C(60000)

typedef struct {
    char *guest_uuid;
    char *alias;
    char *xml;
    int64_t until_ms;
    int64_t due_ms;
    int64_t pause_ms;
} Late;

void
ferry_late_free(gpointer data)
{
    Late *late = data;

    g_free(late->guest_uuid);
    g_free(late->alias);
    g_free(late->xml);
    g_free(late);
}

static void
add(FerryMigrator *migrator, const char *guest_uuid, const json_t *device)
{
    const FerryClock *clock = migrator->config.clock;
    Late *late = g_new0(Late, 1);

    late->guest_uuid = g_strdup(guest_uuid);
    late->alias = g_strdup(json_string_value(json_object_get(device, "alias")));
    late->xml = g_strdup(json_string_value(json_object_get(device, "xml")));
    late->until_ms = clock->now_ms(clock) + WATCH_MS;
    late->pause_ms = FIRST_PAUSE_MS;
    (void)pthread_mutex_lock(&migrator->lock);
    g_ptr_array_add(migrator->late, late);
    (void)pthread_mutex_unlock(&migrator->lock);
}

void
ferry_late_add(FerryMigrator *migrator, const char *guest_uuid, const json_t *devices)
{
    const json_t *device = NULL;
    size_t i = 0;

    json_array_foreach(devices, i, device) add(migrator, guest_uuid, device);
}

static bool
plug(FerryMigrator *migrator, Late *late)
{
    int64_t now_ms = migrator->config.clock->now_ms(migrator->config.clock);

    if (ferry_guests_attach(migrator->config.guests, late->guest_uuid, late->alias, late->xml,
                            FERRY_DEVICE_LIVE, NULL)) /* refused: tried again */
        return true;
    late->due_ms = now_ms + late->pause_ms;
    late->pause_ms = MIN(2 * late->pause_ms, LAST_PAUSE_MS);
    return false;
}

/* Whether the watch is over: replugged, too old, or the guest has ended since. */
static bool
look(FerryMigrator *migrator, Late *late)
{
    FerryGuests *guests = migrator->config.guests;
    const FerryClock *clock = migrator->config.clock;
    FerryDomainLook guest = { 0 };
    g_autofree char *xml = NULL;
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(FerryRun) run = NULL;

    if (clock->now_ms(clock) >= late->until_ms)
        return true;
    if (clock->now_ms(clock) < late->due_ms)
        return false;
    run = ferry_run_of_guest(migrator, late->guest_uuid);
    if (run != NULL || !ferry_guests_look(guests, late->guest_uuid, &guest, NULL))
        return false; /* a job's driver sees to it; libvirt away: later */
    if (!guest.present || (guest.state != 1 && guest.state != 3)) /* running, paused */
        return true;
    if (!ferry_guests_xml(guests, late->guest_uuid, FERRY_GUESTS_XML_LIVE, &xml, NULL) ||
        !ferry_domain_parse(xml, &domain, NULL) || ferry_domain_device(domain, late->alias) != NULL)
        return false;
    return plug(migrator, late);
}

void
ferry_late_look(FerryMigrator *migrator)
{
    GPtrArray *watched = NULL;

    (void)pthread_mutex_lock(&migrator->lock);
    watched = migrator->late;
    migrator->late = g_ptr_array_new_with_free_func(ferry_late_free);
    (void)pthread_mutex_unlock(&migrator->lock);
    for (guint i = watched->len; i > 0; i--)
        if (look(migrator, g_ptr_array_index(watched, i - 1)))
            g_ptr_array_remove_index_fast(watched, i - 1);
    (void)pthread_mutex_lock(&migrator->lock);
    g_ptr_array_extend_and_steal(migrator->late, watched);
    (void)pthread_mutex_unlock(&migrator->lock);
}
