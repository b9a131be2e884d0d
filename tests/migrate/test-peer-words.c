#include "migrate/peer-words.h"

/* What one end writes the other reads: every record with every domain. */
static void
test_round_trip(void)
{
    for (unsigned record = 0; record < FERRY_T_N_ANSWERS; record++) {
        for (unsigned domain = 0; domain < FERRY_TD_N_DOMAINS; domain++) {
            const FerryAnswer answer = { .record = (FerryTargetAnswer)record,
                                         .domain = (FerryTargetDomain)domain };
            json_t *json = ferry_answer_format(&answer, 7);
            FerryAnswer read = { 0 };

            ferry_answer_parse(json, &read);
            g_assert_cmpint(read.record, ==, record);
            g_assert_cmpint(read.domain, ==, domain);
            g_assert_cmpint(json_integer_value(json_object_get(read.details, "change")), ==, 7);
            ferry_answer_clear(&read);
            json_decref(json);
        }
    }
}

/* An answer's own details travel, and formatting does not change them. */
static void
test_details_travel(void)
{
    json_t *details = json_pack("{s:b, s:[{s:s}]}", "finished", 1, "degraded", "alias", "ua-nic7");
    const FerryAnswer answer = { FERRY_T_RUNNING, FERRY_TD_RUN, details };
    json_t *json = ferry_answer_format(&answer, 1);
    FerryAnswer read = { 0 };

    ferry_answer_parse(json, &read);
    g_assert_true(json_is_true(json_object_get(read.details, "finished")));
    g_assert_cmpuint(json_array_size(json_object_get(read.details, "degraded")), ==, 1);
    g_assert_null(json_object_get(details, "record"));
    ferry_answer_clear(&read);
    json_decref(json);
    json_decref(details);
}

/* A hostile or newer peer: what is not understood says nothing, so nothing is done for it. */
static void
test_unknown_words_know_nothing(void)
{
    static const char *const texts[] = { "{}", "{\"record\": 5, \"domain\": []}",
                                         "{\"record\": \"WON\", \"domain\": \"everywhere\"}" };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        json_t *json = json_loads(texts[i], 0, NULL);
        FerryAnswer read = { .record = FERRY_T_RUNNING, .domain = FERRY_TD_RUN };

        ferry_answer_parse(json, &read);
        g_assert_cmpint(read.record, ==, FERRY_T_UNKNOWN);
        g_assert_cmpint(read.domain, ==, FERRY_TD_UNKNOWN);
        ferry_answer_clear(&read);
        json_decref(json);
    }
}

typedef struct {
    FerryRecordKind kind;
    FerrySaid said;
} SaidRow;

static const SaidRow said_rows[] = {
    { FERRY_RECORD_PLANNED, FERRY_SAID_EARLY },       { FERRY_RECORD_DETACH, FERRY_SAID_EARLY },
    { FERRY_RECORD_TRANSFER, FERRY_SAID_EARLY },      { FERRY_RECORD_HANDOFF, FERRY_SAID_HANDOFF },
    { FERRY_RECORD_COMMITTED, FERRY_SAID_COMMITTED }, { FERRY_RECORD_ABORTED, FERRY_SAID_ABORTED },
    { FERRY_RECORD_DONE, FERRY_SAID_UNKNOWN }, /* says how it ended in words of its own */
    { FERRY_RECORD_COMMIT, FERRY_SAID_UNKNOWN },      { FERRY_RECORD_NONE, FERRY_SAID_UNKNOWN },
};

static void
test_said(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(said_rows); i++)
        g_assert_cmpint(ferry_said_of_record(said_rows[i].kind), ==, said_rows[i].said);
}

static void
test_asks_have_names_of_their_own(void)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < FERRY_N_ASKS; i++)
        g_assert_true(g_hash_table_add(names, (gpointer)ferry_ask_name((FerryAsk)i)));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/peer-words/round-trip", test_round_trip);
    g_test_add_func("/peer-words/details-travel", test_details_travel);
    g_test_add_func("/peer-words/unknown-words-know-nothing", test_unknown_words_know_nothing);
    g_test_add_func("/peer-words/said", test_said);
    g_test_add_func("/peer-words/asks-have-names-of-their-own", test_asks_have_names_of_their_own);
    return g_test_run();
}
