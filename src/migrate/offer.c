#include "migrate/offer.h"

#include "base/clock.h"
#include "migrate/judged.h"
#include "migrate/ledger.h"
#include "migrate/rulebook.h"
#include <pthread.h>

struct _FerryOffers {
    FerryOffersConfig config;
    pthread_mutex_t lock; /* of the rules */
    FerryRulebook *rulebook;
};

FerryOffers *
ferry_offers_new(const FerryOffersConfig *config)
{
    FerryOffers *self = g_new0(FerryOffers, 1);

    self->config = *config;
    (void)pthread_mutex_init(&self->lock, NULL);
    self->rulebook = ferry_rulebook_new(config->rules_root);
    return self;
}

void
ferry_offers_free(FerryOffers *self)
{
    if (self == NULL)
        return;
    ferry_rulebook_free(self->rulebook);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

/* ---- one need ---- */

/* One need on its way to its answer. */
typedef struct {
    const FerryPlan *plan;
    const FerryPlanNeed *need;
    GPtrArray *kinds;          /* of FerrySlotKind */
    const FerryJudged *judged; /* of them; NULL when nothing is judged */
    json_t *reasons;
} Offer;

static void
offer_clear(Offer *self)
{
    g_clear_pointer(&self->kinds, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Offer, offer_clear)

static void G_GNUC_PRINTF(3, 4)
    object(const Offer *offer, const char *code, const char *format, ...)
{
    va_list args;
    g_autofree char *message = NULL;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    json_array_append_new(offer->reasons, json_pack("{s:s, s:s, s:s}", "code", code, "alias",
                                                    offer->need->alias, "message", message));
}

static const FerrySlotKind *
kind_of(const Offer *offer, const FerryRanked *ranked)
{
    return g_ptr_array_index(offer->kinds, ranked->index);
}

static bool
is_acceptable(const Offer *offer, const FerryRanked *ranked)
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
object_to_all(const Offer *offer)
{
    const FerryRanked *best =
        offer->judged->ranked->len == 0 ? NULL : g_ptr_array_index(offer->judged->ranked, 0);
    const char *where = offer->need->pool != NULL ? offer->need->pool : "";
    g_autoptr(GString) why = g_string_new(NULL);

    if (best == NULL) {
        object(offer, "no-free-slot", "%s %s%s%shas no slot for %s", offer->plan->target,
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
        object(offer, "unknown",
               "whether the state of %s loads into %s of %s is not known: %s  A rule of its vendor "
               "may say so; --accept-unknown tries it",
               offer->need->alias, best->name, offer->plan->target, why->str);
    else
        object(offer, "incompatible", "the state of %s does not load into %s of %s: %s",
               offer->need->alias, best->name, offer->plan->target, why->str);
}

/* (nullable): the best one that is acceptable and not used up */
static const FerryRanked *
choose_judged(const Offer *offer, const FerryLedger *ledger, const char **ret_why)
{
    const FerryRanked *full = NULL;

    for (guint i = 0; i < offer->judged->ranked->len; i++) {
        const FerryRanked *ranked = g_ptr_array_index(offer->judged->ranked, i);

        if (!is_acceptable(offer, ranked))
            continue;
        if (ferry_ledger_left(ledger, kind_of(offer, ranked)) == 0) {
            full = full != NULL ? full : ranked;
            continue;
        }
        *ret_why = why_before(ranked, i + 1 < offer->judged->ranked->len
                                          ? g_ptr_array_index(offer->judged->ranked, i + 1)
                                          : NULL);
        return ranked;
    }
    if (full != NULL)
        object(offer, "no-free-slot",
               "%s has nothing left for %s: %s would do, but all of it is in use",
               offer->plan->target, offer->need->alias, full->name);
    else
        object_to_all(offer);
    return NULL;
}

/* What is only plugged anew fits anywhere: a PF with link first. */
static const FerrySlotKind *
choose_any(const Offer *offer, const FerryLedger *ledger)
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
        object(offer, "no-free-slot",
               "pool %s of %s has nothing free for %s (%u free, other devices of the guest "
               "included): see \"ferry pool show %s\" there%s",
               offer->need->pool, offer->plan->target, offer->need->alias, available,
               offer->need->pool,
               offer->need->way == FERRY_WAY_HYBRID
                   ? ", or let it go on over virtio alone (--allow-degraded)"
                   : "");
    return best;
}

/* ---- as JSON ---- */

static json_t *
kind_to_json(const FerrySlotKind *kind)
{
    const char *slot = kind->slots->len > 0 ? g_ptr_array_index(kind->slots, 0) : NULL;

    return json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "name", kind->name, "pool",
                     kind->pool, "member", kind->member, "netdev", kind->netdev, "type", kind->type,
                     "device", kind->device, "slot", slot);
}

static json_t *
loads_to_json(const FerryHistoryLoads *loads)
{
    int64_t last_us = MAX(loads->success_us, loads->rejected_us);
    g_autofree char *last = last_us == 0 ? NULL : ferry_clock_format(last_us);

    return json_pack("{s:i, s:i, s:s?}", "success", (int)loads->n_success, "rejected",
                     (int)loads->n_rejected, "last", last);
}

static json_t *
candidates_to_json(const Offer *offer)
{
    json_t *candidates = json_array();

    for (guint i = 0; offer->judged != NULL && i < offer->judged->ranked->len; i++) {
        const FerryRanked *ranked = g_ptr_array_index(offer->judged->ranked, i);
        json_t *one = ferry_verdict_to_json(ranked->verdict);

        json_object_set_new(one, "name", json_string(ranked->name));
        json_object_set_new(one, "available", json_integer(kind_of(offer, ranked)->available));
        json_object_set_new(one, "return", json_boolean(ranked->has_return));
        json_object_set_new(one, "loads", loads_to_json(&offer->judged->loads[ranked->index]));
        json_array_append_new(candidates, one);
    }
    for (guint i = 0; offer->judged == NULL && i < offer->kinds->len; i++) {
        const FerrySlotKind *kind = g_ptr_array_index(offer->kinds, i);

        json_array_append_new(candidates, json_pack("{s:s, s:I}", "name", kind->name, "available",
                                                    (json_int_t)kind->available));
    }
    return candidates;
}

static const char *
verdict_of(const Offer *offer, const FerryRanked *ranked, const FerrySlotKind *kind)
{
    const FerryRanked *best = offer->judged == NULL || offer->judged->ranked->len == 0
                                  ? NULL
                                  : g_ptr_array_index(offer->judged->ranked, 0);

    if (ranked != NULL)
        return ferry_verdict_level_name(ranked->verdict->level);
    if (kind != NULL || offer->need->may_degrade)
        return "yes";
    /* Nothing was acceptable; when the best one is at least not known, that is the answer. */
    return best != NULL && best->verdict->level == FERRY_VERDICT_UNKNOWN &&
                   kind_of(offer, best)->available > 0
               ? "unknown"
               : "no";
}

static json_t *
answer_of(const Offer *offer, const FerryRanked *ranked, const FerrySlotKind *kind, const char *why)
{
    json_t *verdict = NULL;
    json_t *answer = json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:o}", "alias", offer->need->alias,
                               "way", ferry_way_name(offer->need->way), "pool", offer->need->pool,
                               "verdict", verdict_of(offer, ranked, kind), "why", why, "candidates",
                               candidates_to_json(offer));

    if (kind != NULL)
        json_object_set_new(answer, "slot", kind_to_json(kind));
    else if (offer->need->may_degrade)
        json_object_set_new(answer, "degraded", json_true());
    if (ranked == NULL)
        return answer;
    if (ranked->facts->fault == NULL) {
        g_autofree char *print = ferry_facts_fingerprint(ranked->facts);

        json_object_set_new(json_object_get(answer, "slot"), "print", json_string(print));
    }
    verdict = ferry_verdict_to_json(ranked->verdict);
    json_object_set(answer, "set", json_object_get(verdict, "set"));
    json_decref(verdict);
    return answer;
}

/* ---- all needs of one plan ---- */

typedef struct {
    FerrySlotHost host;
    const FerryRules *rules;
    const FerryPlan *plan;
    FerryStore *store;
    FerryLedger *ledger;
    GHashTable
        *found; /* what a need asks for → its kinds of slots: needs that are alike look once */
    GHashTable *judged; /* and of those with the same facts what is judged */
    json_t *answers;
    json_t *reasons;
} Round;

/* (nullable): of needs with the same key the same slots are found; NULL: it may look alone */
static char *
key_of(const Round *round, const FerryPlanNeed *need)
{
    if (round->host.held != NULL || need->device != NULL)
        return NULL;
    return g_strdup_printf("%d|%s|%s|%s|%s|%s", need->way, need->pool != NULL ? need->pool : "",
                           need->parent != NULL ? need->parent : "",
                           need->type != NULL ? need->type : "",
                           need->vendor_id != NULL ? need->vendor_id : "",
                           need->product_id != NULL ? need->product_id : "");
}

static bool
find_kinds(const Round *round, Offer *offer, json_t **ret_reason, GError **error)
{
    g_autofree char *key = key_of(round, offer->need);
    GPtrArray *found = key == NULL ? NULL : g_hash_table_lookup(round->found, key);

    if (found != NULL) {
        offer->kinds = g_ptr_array_ref(found);
        return true;
    }
    offer->kinds = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_slot_kind_free);
    if (!ferry_slots_find(&round->host, offer->need, offer->kinds, ret_reason, error))
        return false;
    if (key != NULL && *ret_reason == NULL)
        g_hash_table_insert(round->found, g_steal_pointer(&key), g_ptr_array_ref(offer->kinds));
    return true;
}

/* Devices that are alike, as several vGPUs of one guest are, are judged once. */
static const FerryJudged *
judge(const Round *round, const Offer *offer)
{
    const FerryPlanNeed *need = offer->need;
    g_autofree char *key = key_of(round, need);
    char *facts = json_dumps(need->facts, JSON_COMPACT);
    g_autofree char *whole =
        key != NULL ? g_strconcat(key, "|", facts, NULL) : g_strconcat("alone|", need->alias, NULL);
    FerryJudged *judged = g_hash_table_lookup(round->judged, whole);

    free(facts); /* jansson's malloc, not GLib's */
    if (judged != NULL)
        return judged;
    judged = ferry_judged_new(need, offer->kinds, round->rules, round->store);
    g_hash_table_insert(round->judged, g_steal_pointer(&whole), judged);
    return judged;
}

/* (transfer full) (nullable) */
static json_t *
offer_one(const Round *round, Offer *offer, GError **error)
{
    const FerryRanked *ranked = NULL;
    const FerrySlotKind *kind = NULL;
    const char *why = NULL;
    json_t *reason = NULL;

    if (!find_kinds(round, offer, &reason, error))
        return NULL;
    if (reason != NULL) {
        object(offer, json_string_value(json_object_get(reason, "code")), "%s, for %s: %s",
               offer->plan->target, offer->need->alias,
               json_string_value(json_object_get(reason, "message")));
        json_decref(reason);
    } else if (offer->need->way == FERRY_WAY_STATE) {
        offer->judged = judge(round, offer);
        ranked = choose_judged(offer, round->ledger, &why);
        kind = ranked != NULL ? kind_of(offer, ranked) : NULL;
    } else {
        kind = choose_any(offer, round->ledger);
    }
    if (kind != NULL)
        ferry_ledger_take(round->ledger, kind);
    return answer_of(offer, ranked, kind, why);
}

/* Needs of one way, at their places in the answers. */
static bool
offer_way(const Round *round, bool state, GError **error)
{
    for (guint i = 0; i < round->plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(round->plan->needs, i);
        g_auto(Offer) offer = { .plan = round->plan, .need = need, .reasons = round->reasons };
        json_t *answer = NULL;

        if ((need->way == FERRY_WAY_STATE) != state)
            continue;
        answer = offer_one(round, &offer, error);
        if (answer == NULL)
            return false;
        (void)json_array_set_new(round->answers, i, answer);
    }
    return true;
}

bool
ferry_offers_answer(FerryOffers *self,
                    const FerryPlan *plan,
                    json_t **ret,
                    json_t *reasons,
                    GError **error)
{
    const FerryOffersConfig *config = &self->config;
    g_autoptr(FerryInventory) inventory = config->inventory(config->inventory_data);
    g_autoptr(FerryLedger) ledger = ferry_ledger_new();
    g_autoptr(GPtrArray) held = NULL;
    g_autoptr(GHashTable) found =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) judged =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ferry_judged_free);
    Round round = { .host = { .pools = config->pools,
                              .inventory = inventory,
                              .root = config->root,
                              .ops = config->ops,
                              .data = config->data },
                    .plan = plan,
                    .store = config->store,
                    .ledger = ledger,
                    .found = found,
                    .judged = judged,
                    .reasons = reasons };
    bool ok = false;

    if (!ferry_slots_held(config->pools, plan, &held, error))
        return false;
    round.host.held = held;
    round.answers = json_array();
    for (guint i = 0; i < plan->needs->len; i++)
        json_array_append_new(round.answers, json_null());
    (void)pthread_mutex_lock(&self->lock);
    ok = ferry_rulebook_rules(self->rulebook, &round.rules, error) &&
         offer_way(&round, true, error) && offer_way(&round, false, error);
    (void)pthread_mutex_unlock(&self->lock);
    if (ok)
        *ret = round.answers;
    else
        json_decref(round.answers);
    return ok;
}
