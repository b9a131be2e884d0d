/* Which slot one device gets, why that one, and what is said when it gets none. */
#include <string.h>

#include "migrate/choose.h"

/* Two ranked slots at most; the first is the better one. */
typedef struct {
    const char *name;
    FerryRanked first, second; /* of no name: there is none */
    FerryVerdictLevel levels[2];
    FerryBasis bases[2];
    uint32_t available[2];
    bool accept_unknown;
    const char *chosen; /* NULL: none */
    const char *why;    /* or the reason's code */
} JudgedRow;

#define A .name = "a", .index = 0
#define B .name = "b", .index = 1

static const JudgedRow judged_rows[] = {
    { "none-there", { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, false, NULL, "no-free-slot" },
    { "alone", { A }, { 0 }, { 0 }, { 0 }, { 1 }, false, "a", "the only one that fits" },
    { "next-does-not-fit",
      { A },
      { B },
      { 0, FERRY_VERDICT_NO },
      { 0 },
      { 1, 1 },
      false,
      "a",
      "the only one that fits" },
    { "verdict",
      { A },
      { B },
      { 0, FERRY_VERDICT_PROVISION },
      { 0 },
      { 1, 1 },
      false,
      "a",
      "its verdict is the best" },
    { "next-is-full",
      { A },
      { B, .is_full = true },
      { 0 },
      { 0 },
      { 1, 1 },
      false,
      "a",
      "the next one has nothing left" },
    { "basis",
      { A },
      { B },
      { 0 },
      { FERRY_BASIS_DEFAULT, FERRY_BASIS_RULE },
      { 1, 1 },
      false,
      "a",
      "its verdict stands on firmer ground" },
    { "steps",
      { A },
      { B, .n_steps = 2 },
      { 0 },
      { 0 },
      { 1, 1 },
      false,
      "a",
      "the fewest values have to be set" },
    { "return",
      { A, .has_return = true },
      { B },
      { 0 },
      { 0 },
      { 1, 1 },
      false,
      "a",
      "the guest can go back from it" },
    { "minor",
      { A },
      { B, .minor_distance = 1 },
      { 0 },
      { 0 },
      { 1, 1 },
      false,
      "a",
      "its version is the nearest" },
    { "bugfix",
      { A, .bugfix = 3 },
      { B },
      { 0 },
      { 0 },
      { 1, 1 },
      false,
      "a",
      "its bugfix is the newest" },
    { "name",
      { A },
      { B },
      { 0 },
      { 0 },
      { 1, 1 },
      false,
      "a",
      "the first by name of those that are as good" },
    { "first-is-used-up",
      { A },
      { B },
      { 0 },
      { 0 },
      { 0, 1 },
      false,
      "b",
      "the only one that fits" },
    { "all-are-used-up", { A }, { B }, { 0 }, { 0 }, { 0, 0 }, false, NULL, "no-free-slot" },
    { "no", { A }, { 0 }, { FERRY_VERDICT_NO }, { 0 }, { 1 }, true, NULL, "incompatible" },
    { "unknown", { A }, { 0 }, { FERRY_VERDICT_UNKNOWN }, { 0 }, { 1 }, false, NULL, "unknown" },
    { "unknown-accepted",
      { A },
      { 0 },
      { FERRY_VERDICT_UNKNOWN },
      { 0 },
      { 1 },
      true,
      "a",
      "the only one that fits" },
    { "used-up-before-unknown",
      { A },
      { B },
      { 0, FERRY_VERDICT_UNKNOWN },
      { 0 },
      { 0, 1 },
      false,
      NULL,
      "no-free-slot" },
};

static const char *
text_of(const json_t *reasons, const char *key)
{
    g_assert_cmpuint(json_array_size(reasons), ==, 1);
    return json_string_value(json_object_get(json_array_get(reasons, 0), key));
}

static void
test_judged(gconstpointer data)
{
    const JudgedRow *row = data;
    FerryRanked ranked[] = { row->first, row->second };
    FerryVerdict verdicts[2] = { { 0 } };
    FerrySlotKind kinds[2] = { { 0 } };
    g_autoptr(GPtrArray) findings = g_ptr_array_new();
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    g_autoptr(GPtrArray) slots = g_ptr_array_new();
    g_autoptr(FerryLedger) ledger = ferry_ledger_new();
    FerryJudged judged = { .ranked = order };
    FerryPlan plan = { .target = (char *)"beta", .accept_unknown = row->accept_unknown };
    FerryPlanNeed need = { .alias = (char *)"ua-gpu0", .pool = (char *)"gpus" };
    json_t *reasons = json_array();
    FerryOffer offer = { &plan, &need, 0, slots, NULL, &judged, reasons };
    const FerryRanked *chosen = NULL;
    const char *why = NULL;

    for (size_t i = 0; i < 2 && ranked[i].name != NULL; i++) {
        verdicts[i] = (FerryVerdict){ row->levels[i], row->bases[i], findings, NULL };
        ranked[i].verdict = &verdicts[i];
        kinds[i] =
            (FerrySlotKind){ .member = (char *)ranked[i].name, .available = row->available[i] };
        g_ptr_array_add(order, &ranked[i]);
        g_ptr_array_add(slots, &kinds[i]);
    }
    chosen = ferry_choose_judged(&offer, ledger, &why);
    g_assert_cmpstr(chosen == NULL ? NULL : chosen->name, ==, row->chosen);
    g_assert_cmpstr(chosen != NULL ? why : text_of(reasons, "code"), ==, row->why);
    g_assert_cmpuint(json_array_size(reasons), ==, chosen == NULL ? 1 : 0);
    if (chosen == NULL)
        g_assert_cmpstr(text_of(reasons, "alias"), ==, "ua-gpu0");
    else
        g_assert_true(ferry_offer_kind_of(&offer, chosen) == &kinds[chosen->index]);
    json_decref(reasons);
}

/* The refusal quotes what weighs as much as the verdict, and nothing that weighs less. */
static void
test_quotes_the_worst(void)
{
    FerryFinding worst = { .level = FERRY_VERDICT_NO, .reason = (char *)"version: it is newer." };
    FerryFinding lesser = { .level = FERRY_VERDICT_UNKNOWN,
                            .reason = (char *)"kernel: who knows." };
    g_autoptr(GPtrArray) findings = g_ptr_array_new();
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    g_autoptr(GPtrArray) slots = g_ptr_array_new();
    g_autoptr(FerryLedger) ledger = ferry_ledger_new();
    FerryVerdict verdict = { .level = FERRY_VERDICT_NO, .findings = findings };
    FerryRanked ranked = { .name = "mtty mtty-1", .verdict = &verdict };
    FerryJudged judged = { .ranked = order };
    FerryPlan plan = { .target = (char *)"beta" };
    FerryPlanNeed need = { .alias = (char *)"ua-gpu0" };
    json_t *reasons = json_array();
    FerryOffer offer = { &plan, &need, 0, slots, NULL, &judged, reasons };
    const char *why = NULL;

    g_ptr_array_add(findings, &worst);
    g_ptr_array_add(findings, &lesser);
    g_ptr_array_add(order, &ranked);
    g_assert_null(ferry_choose_judged(&offer, ledger, &why));
    g_assert_cmpstr(text_of(reasons, "message"), ==,
                    "the state of ua-gpu0 does not load into mtty mtty-1 of beta: version: it is "
                    "newer.");
    json_decref(reasons);
}

typedef struct {
    const char *name;
    const char *type; /* (nullable) that the need asks for */
    struct {
        const char *member, *type;
        uint32_t available;
        bool without_link;
    } kinds[3];
    bool may_degrade;
    const char *chosen;  /* (nullable) */
    const char *message; /* part of what is said; NULL: nothing is */
} AnyRow;

static const AnyRow any_rows[] = {
    { "one", NULL, { { "eth0", NULL, 1, false } }, false, "eth0", NULL },
    { "first",
      NULL,
      { { "eth0", NULL, 1, false }, { "eth1", NULL, 9, false } },
      false,
      "eth0",
      NULL },
    { "with-link",
      NULL,
      { { "eth0", NULL, 1, true }, { "eth1", NULL, 1, false } },
      false,
      "eth1",
      NULL },
    { "without-link-if-it-must",
      NULL,
      { { "eth0", NULL, 1, true }, { "eth1", NULL, 0, false } },
      false,
      "eth0",
      NULL },
    { "type", "t-2", { { "p", "t-1", 4, false }, { "p", "t-2", 2, false } }, false, "p", NULL },
    { "no-such-type",
      "t-9",
      { { "p", "t-1", 4, false }, { "p", "t-2", 2, false } },
      false,
      NULL,
      "6 free" },
    { "none-left", NULL, { { "eth0", NULL, 0, false } }, false, NULL, "0 free" },
    { "none-there",
      NULL,
      { { .member = NULL } },
      false,
      NULL,
      "pool fast of beta has nothing free for ua-n" },
    { "none-but-it-may", NULL, { { "eth0", NULL, 0, false } }, true, NULL, NULL },
};

static void
test_any(gconstpointer data)
{
    const AnyRow *row = data;
    FerrySlotKind kinds[3] = { { 0 } };
    g_autoptr(GPtrArray) slots = g_ptr_array_new();
    g_autoptr(FerryLedger) ledger = ferry_ledger_new();
    FerryPlan plan = { .target = (char *)"beta" };
    FerryPlanNeed need = { .alias = (char *)"ua-n",
                           .pool = (char *)"fast",
                           .way = FERRY_WAY_HYBRID,
                           .type = (char *)row->type,
                           .may_degrade = row->may_degrade };
    json_t *reasons = json_array();
    FerryOffer offer = { &plan, &need, 0, slots, NULL, NULL, reasons };
    const FerrySlotKind *chosen = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(kinds) && row->kinds[i].member != NULL; i++) {
        kinds[i] = (FerrySlotKind){ .member = (char *)row->kinds[i].member,
                                    .type = (char *)row->kinds[i].type,
                                    .available = row->kinds[i].available,
                                    .size = 1,
                                    .units = row->kinds[i].available,
                                    .without_link = row->kinds[i].without_link };
        g_ptr_array_add(slots, &kinds[i]);
    }
    chosen = ferry_choose_any(&offer, ledger);
    g_assert_cmpstr(chosen == NULL ? NULL : chosen->member, ==, row->chosen);
    if (chosen != NULL)
        g_assert_cmpstr(chosen->type, ==, row->type);
    g_assert_cmpuint(json_array_size(reasons), ==, row->message != NULL ? 1 : 0);
    if (row->message != NULL) {
        g_assert_nonnull(strstr(text_of(reasons, "message"), row->message));
        g_assert_nonnull(strstr(text_of(reasons, "message"), "--allow-degraded"));
    }
    json_decref(reasons);
}

#define ADD(rows, folder, func)                                                                    \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat(folder, (rows)[i].name, NULL);                         \
        g_test_add_data_func(path, &(rows)[i], func);                                              \
    }

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    ADD(judged_rows, "/choose/judged/", test_judged)
    ADD(any_rows, "/choose/any/", test_any)
    g_test_add_func("/choose/quotes-the-worst", test_quotes_the_worst);
    return g_test_run();
}
