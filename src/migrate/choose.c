#include "migrate/choose.h"

#include "migrate/objection.h"

const FerrySlotKind *
ferry_offer_kind_of(const FerryOffer *offer, const FerryRanked *ranked)
{
    return g_ptr_array_index(offer->kinds, ranked->index);
}

static bool
is_acceptable(const FerryOffer *offer, const FerryRanked *ranked)
{
    return ferry_verdict_is_usable(ranked->verdict) ||
           (offer->plan->accept_unknown && ranked->verdict->level == FERRY_VERDICT_UNKNOWN);
}

/* Why this one and not the next: the first point of the order that tells them apart. */
static const char *
why_before(const FerryRanked *chosen, const FerryRanked *next)
{
    if (next == NULL || next->verdict->level > FERRY_VERDICT_UNKNOWN)
        return "the only one that fits";
    if (chosen->verdict->level != next->verdict->level)
        return "its verdict is the best";
    if (next->is_full)
        return "the next one has nothing left";
    if (chosen->verdict->basis != next->verdict->basis)
        return "its verdict stands on firmer ground";
    if (chosen->n_steps != next->n_steps)
        return "the fewest values have to be set";
    if (chosen->has_return != next->has_return)
        return "the guest can go back from it";
    if (chosen->minor_distance != next->minor_distance)
        return "its version is the nearest";
    if (chosen->bugfix != next->bugfix)
        return "its bugfix is the newest";
    return "the first by name of those that are as good";
}

static void
object_to_all(const FerryOffer *offer)
{
    const FerryRanked *best =
        offer->judged->ranked->len == 0 ? NULL : g_ptr_array_index(offer->judged->ranked, 0);
    const char *where = offer->need->pool != NULL ? offer->need->pool : "";
    g_autoptr(GString) why = g_string_new(NULL);

    if (best == NULL) {
        ferry_object_to(offer->reasons, offer->need->alias, "no-free-slot",
                        "%s %s%s%shas no slot for %s", offer->plan->target,
                        where[0] != '\0' ? "pool " : "", where, where[0] != '\0' ? " " : "",
                        offer->need->alias);
        return;
    }
    for (guint i = 0; i < best->verdict->findings->len; i++) {
        const FerryFinding *finding = g_ptr_array_index(best->verdict->findings, i);

        if (finding->level == best->verdict->level)
            g_string_append_printf(why, "%s%s", why->len > 0 ? " " : "", finding->reason);
    }
    if (best->verdict->level == FERRY_VERDICT_UNKNOWN)
        ferry_object_to(
            offer->reasons, offer->need->alias, "unknown",
            "whether the state of %s loads into %s of %s is not known: %s  A rule of its vendor "
            "may say so; --accept-unknown tries it",
            offer->need->alias, best->name, offer->plan->target, why->str);
    else
        ferry_object_to(offer->reasons, offer->need->alias, "incompatible",
                        "the state of %s does not load into %s of %s: %s", offer->need->alias,
                        best->name, offer->plan->target, why->str);
}

const FerryRanked *
ferry_choose_judged(const FerryOffer *offer, const FerryLedger *ledger, const char **ret_why)
{
    const FerryRanked *full = NULL;

    for (guint i = 0; i < offer->judged->ranked->len; i++) {
        const FerryRanked *ranked = g_ptr_array_index(offer->judged->ranked, i);

        if (!is_acceptable(offer, ranked))
            continue;
        if (ferry_ledger_left(ledger, ferry_offer_kind_of(offer, ranked)) == 0) {
            full = full != NULL ? full : ranked;
            continue;
        }
        *ret_why = why_before(ranked, i + 1 < offer->judged->ranked->len
                                          ? g_ptr_array_index(offer->judged->ranked, i + 1)
                                          : NULL);
        return ranked;
    }
    if (full != NULL)
        ferry_object_to(offer->reasons, offer->need->alias, "no-free-slot",
                        "%s has nothing left for %s: %s would do, but all of it is in use",
                        offer->plan->target, offer->need->alias, full->name);
    else
        object_to_all(offer);
    return NULL;
}

const FerrySlotKind *
ferry_choose_any(const FerryOffer *offer, const FerryLedger *ledger)
{
    const FerrySlotKind *best = NULL;
    uint32_t available = 0;

    for (guint i = 0; i < offer->kinds->len; i++) {
        const FerrySlotKind *kind = g_ptr_array_index(offer->kinds, i);

        available += kind->available;
        if (ferry_ledger_left(ledger, kind) == 0 ||
            (offer->need->type != NULL && g_strcmp0(kind->type, offer->need->type) != 0))
            continue;
        if (best == NULL || (best->without_link && !kind->without_link))
            best = kind;
    }
    if (best == NULL && !offer->need->may_degrade)
        ferry_object_to(
            offer->reasons, offer->need->alias, "no-free-slot",
            "pool %s of %s has nothing free for %s (%u free, other devices of the guest "
            "included): see \"ferry pool show %s\" there%s",
            offer->need->pool, offer->plan->target, offer->need->alias, available,
            offer->need->pool,
            offer->need->way == FERRY_WAY_HYBRID
                ? ", or let it go on over virtio alone (--allow-degraded)"
                : "");
    return best;
}
