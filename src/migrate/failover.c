#include "migrate/failover.h"

#include "host/netdev.h"
#include "migrate/hybrid-nic.h"
#include "migrate/objection.h"

/* Between a driver's word and its use of the VF lie seconds, in a slow guest a minute
 * (docs/hybrid.md, "Measured").  An older word may be of what the guest ran before its last boot.
 */
#define FRESH_MS (5 * 60 * INT64_C(1000))

static char *
describe_gap(const FerryFailoverKnown *known)
{
    if (known->gap_ms < 0)
        return g_strdup("for how long is not known: it was not moved from here before");
    return g_strdup_printf("for at most %" G_GINT64_FORMAT " s in its last move",
                           (gint64)(known->gap_ms + 999) / 1000);
}

static bool
is_known(const FerryDomain *live, const FerryFailoverKnown *known, const FerryHybridNic *nic)
{
    int64_t heard_ms =
        known->heard_ms == NULL ? 0 : known->heard_ms(known->data, live->uuid, nic->meta->alias);

    return (heard_ms > 0 && known->now_ms - heard_ms < FRESH_MS) ||
           (nic->vf->source != NULL && known->root >= 0 &&
            ferry_vfio_is_driven(known->root, nic->vf->source));
}

static void
look_at_hybrid(const FerryDomain *live,
               const FerryFailoverKnown *known,
               const FerryHybridMeta *meta,
               json_t *doubts)
{
    g_autoptr(FerryHybridNic) nic = ferry_hybrid_nic_new(live, meta);
    g_autofree char *gap = NULL;

    if (nic->vf == NULL || is_known(live, known, nic)) /* without a VF nothing goes off */
        return;
    gap = describe_gap(known);
    ferry_object_to(
        doubts, meta->alias, "failover-unknown",
        "the guest is not seen to join %s and its VF (that takes Linux from 4.18 on, or Windows' "
        "virtio drivers from 0.1.189 on), so the standby may not be used: expect a network gap, "
        "%s.  Wait until \"ferry guest show %s\" says \"vf\" of it, or take the gap with "
        "--allow-degraded",
        meta->alias, gap, live->name);
}

static void
look_at_ephemeral(const FerryDomain *live,
                  const FerryFailoverKnown *known,
                  const FerryEphemeralMeta *meta,
                  json_t *warnings)
{
    const FerryDevice *device = ferry_domain_device(live, meta->alias);
    g_autofree char *gap = NULL;

    if (device == NULL || !g_str_equal(device->kind, "interface"))
        return;
    gap = describe_gap(known);
    ferry_object_to(warnings, meta->alias, "network-gap",
                    "%s is taken off for the move and has no standby: its network is away, %s",
                    meta->alias, gap);
}

void
ferry_failover_look(const FerryDomain *live,
                    const FerryFailoverKnown *known,
                    json_t *doubts,
                    json_t *warnings)
{
    const FerryMetadata *metadata = live->metadata;

    for (guint i = 0; i < metadata->hybrids->len; i++)
        look_at_hybrid(live, known, g_ptr_array_index(metadata->hybrids, i), doubts);
    for (guint i = 0; i < metadata->ephemerals->len; i++)
        look_at_ephemeral(live, known, g_ptr_array_index(metadata->ephemerals, i), warnings);
}

/* The phases at the source in which a device may be away: the last one ends once the target has
 * said that all are back. */
static const char *const away[] = { "detach", "transfer", "handover", "attach", "finish" };

static const char *
text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

int64_t
ferry_failover_gap_ms(const json_t *reports, const char *guest_uuid)
{
    const json_t *job = NULL;
    const json_t *phase = NULL;
    size_t i = 0;
    size_t j = 0;

    json_array_foreach(reports, i, job)
    {
        int64_t sum_ms = 0;
        bool was_off = false;

        if (g_strcmp0(text_of(json_object_get(job, "guest"), "uuid"), guest_uuid) != 0 ||
            g_strcmp0(text_of(job, "kind"), "migrate") != 0 ||
            g_strcmp0(text_of(job, "side"), "source") != 0 ||
            g_strcmp0(text_of(job, "state"), "done") != 0)
            continue;
        json_array_foreach(json_object_get(job, "phases"), j, phase)
        {
            const char *name = text_of(phase, "phase");

            for (size_t k = 0; k < G_N_ELEMENTS(away); k++)
                if (g_strcmp0(name, away[k]) == 0)
                    sum_ms += json_integer_value(json_object_get(phase, "duration_ms"));
            was_off = was_off || g_strcmp0(name, "detach") == 0;
        }
        if (was_off)
            return sum_ms;
    }
    return -1;
}
