/* libFuzzer target: any bytes as a description.  What is read must be written back as the same,
 * and every check with it must end. */
#include <string.h>

#include "compat/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_round_trip(const FerryFacts *facts)
{
    g_autoptr(json_t) json = ferry_facts_to_json(facts);
    g_autofree char *text = ferry_json_canonical(json);
    g_autoptr(FerryFacts) again = ferry_facts_parse(text, strlen(text));
    g_autofree char *fingerprint = ferry_facts_fingerprint(facts);
    g_autofree char *fingerprint_again = ferry_facts_fingerprint(again);

    g_assert_null(again->fault);
    g_assert_cmpstr(fingerprint, ==, fingerprint_again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(FerryFacts) facts = ferry_facts_parse((const char *)data, size);
    g_autoptr(FerryFacts) copy = ferry_facts_copy(facts);
    FerryCheckOptions options = { .flags = FERRY_CHECK_EXPLAIN };
    g_autoptr(FerryVerdict) verdict = ferry_check(facts, copy, &options);
    g_autoptr(FerryVerdict) plain = ferry_check(facts, copy, NULL);
    g_autoptr(json_t) json = ferry_verdict_to_json(verdict);

    g_assert_nonnull(json);
    g_assert_true(verdict->level == plain->level);
    g_assert_true((verdict->level == FERRY_VERDICT_MALFORMED) == (facts->fault != NULL));
    if (facts->fault == NULL && !facts->is_newer_format)
        check_round_trip(facts);
    return 0;
}
