/* What the conditions of a rule say of a pair: the three truths of each way to ask. */
#include <string.h>

#include "compat/rule.h"

typedef struct {
    const char *name;
    const char *when;
    FerryTruth truth;
    bool is_unconditional; /* it may be for all devices: "same" and "differ" are no conditions */
} TestRow;

/* Of the source and of the target; what only one of them, or none, states is undetermined. */
#define SOURCE "{\"format\":1,\"driver\":\"a\",\"kernel\":\"6.1\",\"version\":\"2.3\"}"
#define TARGET "{\"format\":1,\"driver\":\"b\",\"version\":\"2.3\"}"

static const TestRow test_rows[] = {
    { "nothing", "{}", FERRY_TRUTH_TRUE, true },
    { "source", "{\"source\":{\"driver\":\"a\"}}", FERRY_TRUTH_TRUE, false },
    { "source-not", "{\"source\":{\"driver\":\"b\"}}", FERRY_TRUTH_FALSE, false },
    { "source-unstated", "{\"source\":{\"firmware\":\"1\"}}", FERRY_TRUTH_UNDETERMINED, false },
    { "target", "{\"target\":{\"driver\":\"b\"}}", FERRY_TRUTH_TRUE, false },
    { "target-not", "{\"target\":{\"driver\":\"a\"}}", FERRY_TRUTH_FALSE, false },
    { "target-unstated", "{\"target\":{\"kernel\":\"6.1\"}}", FERRY_TRUTH_UNDETERMINED, false },
    { "both", "{\"both\":{\"version\":\"2.3\"}}", FERRY_TRUTH_TRUE, false },
    { "both-of-one", "{\"both\":{\"driver\":\"a\"}}", FERRY_TRUTH_FALSE, false },
    { "both-unstated-by-one", "{\"both\":{\"kernel\":\"6.1\"}}", FERRY_TRUTH_UNDETERMINED, false },
    { "same", "{\"same\":[\"version\"]}", FERRY_TRUTH_TRUE, true },
    { "same-not", "{\"same\":[\"driver\"]}", FERRY_TRUTH_FALSE, true },
    { "same-unstated-by-one", "{\"same\":[\"kernel\"]}", FERRY_TRUTH_UNDETERMINED, true },
    { "same-unstated-by-both", "{\"same\":[\"firmware\"]}", FERRY_TRUTH_UNDETERMINED, true },
    { "differ", "{\"differ\":[\"driver\"]}", FERRY_TRUTH_TRUE, true },
    { "differ-not", "{\"differ\":[\"version\"]}", FERRY_TRUTH_FALSE, true },
    { "differ-unstated", "{\"differ\":[\"kernel\"]}", FERRY_TRUTH_UNDETERMINED, true },
    { "all", "{\"source\":{\"driver\":\"a\"},\"target\":{\"driver\":\"b\"},\"same\":[\"version\"]}",
      FERRY_TRUTH_TRUE, false },
    { "false-beats-undetermined",
      "{\"source\":{\"firmware\":\"1\"},\"same\":[\"kernel\"],\"differ\":[\"version\"]}",
      FERRY_TRUTH_FALSE, false },
    { "false-after-undetermined-in-one", "{\"same\":[\"kernel\",\"driver\"]}", FERRY_TRUTH_FALSE,
      true },
    { "undetermined-beats-true", "{\"source\":{\"driver\":\"a\"},\"target\":{\"firmware\":\"1\"}}",
      FERRY_TRUTH_UNDETERMINED, false },
};

static FerryRuleSet *
set_of(const char *when)
{
    g_autofree char *text =
        g_strdup_printf("{\"ferry_compat_rules\":1,\"rules\":[{\"id\":\"r\",\"effect\":\"deny\","
                        "\"reason\":\"test\",\"when\":%s}]}",
                        when);

    return ferry_rule_set_parse("50-test", text, strlen(text));
}

static void
test_test(gconstpointer data)
{
    const TestRow *row = data;
    g_autoptr(FerryRuleSet) set = set_of(row->when);
    g_autoptr(FerryFacts) source = ferry_facts_parse(SOURCE, strlen(SOURCE));
    g_autoptr(FerryFacts) target = ferry_facts_parse(TARGET, strlen(TARGET));
    const FerryRule *rule = NULL;

    g_assert_cmpstr(set->fault, ==, NULL);
    g_assert_cmpuint(set->rules->len, ==, 1);
    rule = set->rules->pdata[0];
    g_assert_cmpstr(ferry_rule_name(rule), ==, "50-test/r");
    g_assert_cmpint(ferry_rule_test(rule, source, target), ==, row->truth);
    g_assert_cmpint(ferry_rule_is_unconditional(rule), ==, row->is_unconditional);
}

/* A rule that its reader gave up has nothing but what every rule has. */
static void
test_new(void)
{
    FerryRule *rule = ferry_rule_new();

    g_assert_true(ferry_rule_is_unconditional(rule));
    g_assert_true(rule->same[0] == NULL && rule->differ[0] == NULL && rule->ignore[0] == NULL);
    g_assert_cmpuint(rule->equal->len + rule->assume->len, ==, 0);
    ferry_rule_free(rule);
    ferry_rule_free(NULL);
    ferry_rule_set_free(NULL);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rule/new", test_new);
    for (size_t i = 0; i < G_N_ELEMENTS(test_rows); i++) {
        g_autofree char *path = g_strconcat("/rule/test/", test_rows[i].name, NULL);

        g_test_add_data_func(path, &test_rows[i], test_test);
    }
    return g_test_run();
}
