#include "migrate/offer.h"

#include <pthread.h>

#include "migrate/choose.h"
#include "migrate/objection.h"
#include "migrate/rulebook.h"

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
candidates_to_json(const FerryOffer *offer)
{
    json_t *candidates = NULL;

    if (offer->judged != NULL)
        return json_incref(offer->judged->candidates);
    candidates = json_array();
    for (guint i = 0; i < offer->kinds->len; i++) {
        const FerrySlotKind *kind = g_ptr_array_index(offer->kinds, i);

        json_array_append_new(candidates, json_pack("{s:s, s:I}", "name", kind->name, "available",
                                                    (json_int_t)kind->available));
    }
    return candidates;
}

static const char *
verdict_of(const FerryOffer *offer, const FerryRanked *ranked, const FerrySlotKind *kind)
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
                   ferry_offer_kind_of(offer, best)->available > 0
               ? "unknown"
               : "no";
}

static json_t *
answer_of(const FerryOffer *offer,
          const FerryRanked *ranked,
          const FerrySlotKind *kind,
          const char *why)
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

static void
offer_clear(gpointer data)
{
    FerryOffer *offer = data;

    g_ptr_array_unref(offer->kinds);
    json_decref(offer->missing);
}

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
find_kinds(const Round *round, FerryOffer *offer, GError **error)
{
    g_autofree char *key = key_of(round, offer->need);
    GPtrArray *found = key == NULL ? NULL : g_hash_table_lookup(round->found, key);

    if (found != NULL) {
        offer->kinds = g_ptr_array_ref(found);
        return true;
    }
    offer->kinds = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_slot_kind_free);
    if (!ferry_slots_find(&round->host, offer->need, offer->kinds, &offer->missing, error))
        return false;
    if (key != NULL && offer->missing == NULL)
        g_hash_table_insert(round->found, g_steal_pointer(&key), g_ptr_array_ref(offer->kinds));
    return true;
}

/* Devices that are alike, as several vGPUs of one guest are, are judged once. */
static const FerryJudged *
judge(const Round *round, const FerryOffer *offer)
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

/* (transfer full) */
static json_t *
answer_one(const Round *round, FerryOffer *offer)
{
    const FerryRanked *ranked = NULL;
    const FerrySlotKind *kind = NULL;
    const char *why = NULL;

    if (offer->missing != NULL) {
        ferry_object_to(offer->reasons, offer->need->alias,
                        json_string_value(json_object_get(offer->missing, "code")),
                        "%s, for %s: %s", offer->plan->target, offer->need->alias,
                        json_string_value(json_object_get(offer->missing, "message")));
    } else if (offer->need->way == FERRY_WAY_STATE) {
        offer->judged = judge(round, offer);
        ranked = ferry_choose_judged(offer, round->ledger, &why);
        kind = ranked != NULL ? ferry_offer_kind_of(offer, ranked) : NULL;
    } else {
        kind = ferry_choose_any(offer, round->ledger);
    }
    if (kind != NULL)
        ferry_ledger_take(round->ledger, kind);
    return answer_of(offer, ranked, kind, why);
}

static double
size_of(const FerryOffer *offer)
{
    double size = 0;

    for (guint i = 0; i < offer->kinds->len; i++)
        size = MAX(size, ((const FerrySlotKind *)g_ptr_array_index(offer->kinds, i))->size);
    return size;
}

/* State that must fit comes before what fits anywhere, and what takes much of a parent before what
 * takes little, which finds room in what the others leave. */
static int
compare_offers(gconstpointer a, gconstpointer b)
{
    const FerryOffer *first = a;
    const FerryOffer *second = b;
    const bool first_any = first->need->way != FERRY_WAY_STATE;
    const bool second_any = second->need->way != FERRY_WAY_STATE;
    const double larger = size_of(second) - size_of(first);

    if (first_any != second_any)
        return first_any - second_any;
    if (larger < 0 || larger > 0)
        return larger < 0 ? -1 : 1;
    return (int)first->place - (int)second->place;
}

static bool
answer_all(const Round *round, GError **error)
{
    const guint n_needs = round->plan->needs->len;
    g_autoptr(GArray) offers = g_array_sized_new(FALSE, TRUE, sizeof(FerryOffer), n_needs);

    g_array_set_clear_func(offers, offer_clear);
    for (guint i = 0; i < n_needs; i++) {
        FerryOffer offer = { .plan = round->plan,
                             .need = g_ptr_array_index(round->plan->needs, i),
                             .place = i,
                             .reasons = round->reasons };
        bool ok = find_kinds(round, &offer, error);

        g_array_append_val(offers, offer);
        if (!ok)
            return false;
    }
    g_array_sort(offers, compare_offers);
    for (guint i = 0; i < n_needs; i++) {
        FerryOffer *offer = &g_array_index(offers, FerryOffer, i);

        (void)json_array_set_new(round->answers, offer->place, answer_one(round, offer));
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
    ok = ferry_rulebook_rules(self->rulebook, &round.rules, error) && answer_all(&round, error);
    (void)pthread_mutex_unlock(&self->lock);
    if (ok)
        *ret = round.answers;
    else
        json_decref(round.answers);
    return ok;
}
