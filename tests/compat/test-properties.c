/*
 * What must hold for every description, list and rule: random ones, of small domains so that they
 * often meet.  A failure names its seed; g_test_init's --seed repeats it.
 */
#include <string.h>

#include "compat/baseline.h"
#include "compat/check.h"
#include "compat/conversion.h"
#include "compat/entry-json.h"

#define N_ROUNDS 3000

static const char *
pick(const char *const *words, int n)
{
    return words[g_test_rand_int_range(0, n)];
}
#define PICK(...)                                                                                  \
    pick((const char *const[]){ __VA_ARGS__ },                                                     \
         (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)))

static bool
one_in(int n)
{
    return g_test_rand_int_range(0, n) == 0;
}

static json_t *
random_set(void)
{
    json_t *set = json_array();

    for (int i = g_test_rand_int_range(0, 4); i > 0; i--)
        json_array_append_new(set, json_string(PICK("none", "ppgtt", "context")));
    return set;
}

static json_t *
random_quantity(void)
{
    if (one_in(2))
        return json_integer(g_test_rand_int_range(1, 4));
    return json_pack("{s:[ii]}", "frac", g_test_rand_int_range(1, 4), g_test_rand_int_range(1, 4));
}

static json_t *
random_settable(void)
{
    return json_pack("{s:{s:s,s:[s,i]},s:{s:[o,o]},s:{s:[s]}}", "aggregator", "phase",
                     PICK("any", "create"), "values", "2..3", 7, "pv_mode", "values", random_set(),
                     random_set(), "version", "values", PICK("0.0..0.2", "0.1", "1.0..1.1"));
}

/* A description; with a version, so that it is complete in itself unless something is left out. */
static json_t *
random_facts(void)
{
    json_t *facts = json_pack("{s:i,s:s,s:s}", "format", 1, "device_api", "vfio-pci", "version",
                              PICK("0.0", "0.1", "0.1.5", "0.2", "1.0"));
    json_t *attributes = json_object();

    json_object_set_new(facts, "mdev_type", json_string(PICK("t-1", "t-2")));
    if (one_in(3))
        json_object_set_new(facts, "driver", json_string(PICK("a", "b")));
    if (one_in(3))
        json_object_set_new(facts, "parent_id", json_string(PICK("p", "q")));
    if (!one_in(4))
        json_object_set_new(attributes, "pv_mode", random_set());
    if (!one_in(4))
        json_object_set_new(attributes, "aggregator", random_quantity());
    if (one_in(3))
        json_object_set_new(attributes, "prof", json_string(PICK("x", "y", "none")));
    if (one_in(4))
        json_object_set_new(attributes, "uuid", json_string(PICK("u", "v")));
    json_object_set_new(facts, "attributes", attributes);
    if (one_in(3)) {
        json_object_set_new(facts, "state", json_string("type"));
        json_object_set_new(facts, "settable", random_settable());
    }
    return facts;
}

/* Lines of an entry, each key once. */
static char *
random_entry(void)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "mdev_type=%s\n", PICK("t-{n:int:1,2}", "t-1", "*"));
    if (one_in(2))
        g_string_append_printf(text, "version=%s\n",
                               PICK("0.1", "{v:version:0.0..0.2,1.0}", "0.1.5"));
    if (one_in(2))
        g_string_append_printf(text, "aggregator=%s\n",
                               PICK("1", "{m:int:1..3}/2", "{m:int:1,2}*2"));
    if (one_in(2))
        g_string_append_printf(text, "pv_mode=%s\n",
                               PICK("{s:string:\"none\",\"none+ppgtt\"}", "context+none", "*"));
    if (one_in(3))
        g_string_append(text, one_in(2) ? "!prof\n" : "prof={p:string:\"x\",\"y\"}\n");
    if (one_in(3))
        g_string_append(text, "set:aggregator=3\n");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
add_list(json_t *facts)
{
    json_t *list = json_array();

    for (int i = g_test_rand_int_range(0, 3); i > 0; i--) {
        g_autofree char *entry = random_entry();
        json_array_append_new(list, json_string(entry));
    }
    json_object_set_new(facts, "compatible", list);
}

static json_t *
random_rule(const char *effect, int id)
{
    g_autofree char *name = g_strdup_printf("r%d", id);
    json_t *rule = json_pack("{s:s,s:s,s:s}", "id", name, "effect", effect, "reason", "random");
    json_t *when = json_pack("{s:{s:s}}", "both", "mdev_type", PICK("t-1", "t-2"));

    if (one_in(2))
        json_object_set_new(
            when, "source",
            json_pack("{s:{s:s}}", "version", PICK("min", "max"), PICK("0.1", "0.2")));
    if (one_in(3))
        json_object_set_new(when, "differ", json_pack("[s]", PICK("prof", "aggregator")));
    json_object_set_new(rule, "when", when);
    if (strcmp(effect, "relax") != 0)
        return rule;
    json_object_set_new(rule, "ignore", json_pack("[s]", PICK("pv_mode", "aggregator", "version")));
    json_object_set_new(rule, "equal", json_pack("{s:[[ss]]}", "prof", "x", "y"));
    json_object_set_new(rule, "assume",
                        json_pack("{s:{s:s}}", PICK("source", "target"), "prof", PICK("x", "y")));
    return rule;
}

static json_t *
random_rules(void)
{
    json_t *rules = json_array();

    for (int i = g_test_rand_int_range(0, 4); i > 0; i--)
        json_array_append_new(rules, random_rule(PICK("allow", "deny", "relax"), i));
    return rules;
}

/* The rules of @array, split over files; with @shuffled in another order. */
static FerryRules *
rules_of(const json_t *array, unsigned shuffled)
{
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    size_t n = json_array_size(array);

    for (size_t i = 0; i < n; i++) {
        size_t at = shuffled != 0 ? n - 1 - i : i;
        g_autoptr(json_t) file =
            json_pack("{s:i,s:[O]}", "ferry_compat_rules", 1, "rules", json_array_get(array, at));
        g_autofree char *text = ferry_json_canonical(file);
        g_autofree char *name = g_strdup_printf("%zu.json", at);
        g_ptr_array_add(files, ferry_rule_file_new(0, name, text, strlen(text)));
    }
    return ferry_rules_new(files);
}

static void append_shuffled(GString *text, const json_t *json, const char *key);

/* Members from the back to the front; nothing of a list may move, there order counts. */
static void
append_object(GString *text, json_t *object)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();

    for (void *at = json_object_iter(object); at != NULL; at = json_object_iter_next(object, at))
        g_ptr_array_add(keys, (gpointer)json_object_iter_key(at));
    g_string_append_c(text, '{');
    for (guint i = keys->len; i-- > 0;) {
        g_string_append_printf(text, "%s\"%s\":", i + 1 < keys->len ? ", " : "",
                               (const char *)keys->pdata[i]);
        append_shuffled(text, json_object_get(object, keys->pdata[i]), keys->pdata[i]);
    }
    g_string_append_c(text, '}');
}

static void
append_shuffled(GString *text, const json_t *json, const char *key)
{
    bool keeps_order = strcmp(key, "frac") == 0 || strcmp(key, "compatible") == 0;
    size_t n = json_array_size(json);

    if (json_is_object(json)) {
        append_object(text, (json_t *)json);
    } else if (json_is_array(json)) {
        g_string_append_c(text, '[');
        for (size_t i = 0; i < n; i++) {
            g_string_append(text, i > 0 ? "," : "");
            append_shuffled(text, json_array_get(json, keeps_order ? i : n - 1 - i), key);
        }
        g_string_append_c(text, ']');
    } else {
        g_autofree char *plain = ferry_json_canonical(json);
        g_string_append(text, plain);
    }
}

static FerryFacts *
facts_of(const json_t *json)
{
    g_autofree char *text = ferry_json_canonical(json);

    return ferry_facts_parse(text, strlen(text));
}

static FerryFacts *
shuffled_facts_of(const json_t *json)
{
    g_autoptr(GString) text = g_string_new(NULL);

    append_shuffled(text, json, "");
    return ferry_facts_parse(text->str, text->len);
}

static FerryVerdict *
check_with(const FerryFacts *source, const FerryFacts *target, const FerryRules *rules)
{
    FerryCheckOptions options = { .rules = rules };

    return ferry_check(source, target, &options);
}

static char *
text_of(const FerryVerdict *verdict)
{
    g_autoptr(json_t) json = ferry_verdict_to_json(verdict);

    return ferry_json_canonical(json);
}

static void
test_a_device_loads_into_its_equal(void)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        g_autoptr(json_t) json = random_facts();
        g_autoptr(FerryFacts) facts = facts_of(json);
        g_autoptr(FerryVerdict) verdict = ferry_check(facts, facts, NULL);

        g_assert_null(facts->fault);
        g_assert_cmpint(verdict->level, ==, FERRY_VERDICT_YES);
        g_assert_cmpuint(verdict->findings->len, ==, 0);
    }
}

static void
test_order_is_no_matter(void)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        g_autoptr(json_t) left = random_facts();
        g_autoptr(json_t) right = random_facts();
        g_autoptr(json_t) rules_json = random_rules();
        g_autoptr(FerryRules) rules = rules_of(rules_json, 0);
        g_autoptr(FerryRules) shuffled_rules = rules_of(rules_json, 1);
        g_autoptr(FerryFacts) source = facts_of(left);
        g_autoptr(FerryFacts) source_again = shuffled_facts_of(left);
        g_autoptr(FerryFacts) target = NULL;
        g_autoptr(FerryFacts) target_again = NULL;
        g_autoptr(FerryVerdict) first = NULL;
        g_autoptr(FerryVerdict) second = NULL;
        g_autofree char *text = NULL;
        g_autofree char *text_again = NULL;
        g_autofree char *print = ferry_facts_fingerprint(source);
        g_autofree char *print_again = ferry_facts_fingerprint(source_again);

        if (one_in(2))
            add_list(right);
        target = facts_of(right);
        target_again = shuffled_facts_of(right);
        first = check_with(source, target, rules);
        second = check_with(source_again, target_again, shuffled_rules);
        text = text_of(first);
        text_again = text_of(second);
        g_assert_cmpstr(text, ==, text_again);
        g_assert_cmpstr(print, ==, print_again);
    }
}

/* The explanation has more findings, and the same answer. */
static void
test_explaining_changes_nothing(void)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        g_autoptr(json_t) left = random_facts();
        g_autoptr(json_t) right = random_facts();
        g_autoptr(json_t) rules_json = random_rules();
        g_autoptr(FerryRules) rules = rules_of(rules_json, 0);
        g_autoptr(FerryFacts) source = facts_of(left);
        g_autoptr(FerryFacts) target = NULL;
        FerryCheckOptions options = { .rules = rules, .flags = FERRY_CHECK_EXPLAIN };
        g_autoptr(FerryVerdict) plain = NULL;
        g_autoptr(FerryVerdict) explained = NULL;
        g_auto(GStrv) keys = NULL;
        g_auto(GStrv) keys_explained = NULL;

        if (one_in(2))
            add_list(right);
        target = facts_of(right);
        plain = check_with(source, target, rules);
        explained = ferry_check(source, target, &options);
        keys = ferry_verdict_differing(plain);
        keys_explained = ferry_verdict_differing(explained);
        g_assert_cmpint(plain->level, ==, explained->level);
        g_assert_cmpint(plain->basis, ==, explained->basis);
        g_assert_true(g_strv_equal((const char *const *)keys, (const char *const *)keys_explained));
    }
}

static void
test_written_entries_are_read_again(void)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        g_autofree char *text = random_entry();
        FerryNotationFault fault = { FERRY_N_NOTATION_CODES, 0 };
        const char *reason = NULL;
        g_autoptr(FerryEntry) entry = ferry_notation_parse(text, strlen(text), &fault);
        g_autofree char *written = ferry_notation_format(entry, &reason);

        g_assert_cmpstr(written, ==, text);
    }
}

static void
test_both_forms_agree(void)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        g_autofree char *text = random_entry();
        FerryNotationFault fault = { FERRY_N_NOTATION_CODES, 0 };
        const char *reason = NULL;
        g_autoptr(FerryEntry) entry = ferry_notation_parse(text, strlen(text), &fault);
        json_t *form = ferry_entry_to_json(entry, &reason);
        g_autoptr(json_t) left = random_facts();
        g_autoptr(json_t) right = random_facts();
        g_autoptr(json_t) right_again = json_deep_copy(right);
        g_autoptr(FerryFacts) source = facts_of(left);
        g_autoptr(FerryFacts) by_text = NULL;
        g_autoptr(FerryFacts) by_json = NULL;
        g_autoptr(FerryVerdict) first = NULL;
        g_autoptr(FerryVerdict) second = NULL;
        g_auto(GStrv) keys = NULL;
        g_auto(GStrv) keys_again = NULL;

        g_assert_nonnull(form);
        json_object_set_new(right, "compatible", json_pack("[s]", text));
        json_object_set_new(right_again, "compatible", json_pack("[o]", form));
        by_text = facts_of(right);
        by_json = facts_of(right_again);
        first = ferry_check(source, by_text, NULL);
        second = ferry_check(source, by_json, NULL);
        keys = ferry_verdict_differing(first);
        keys_again = ferry_verdict_differing(second);
        g_assert_cmpint(first->level, ==, second->level);
        g_assert_true(g_strv_equal((const char *const *)keys, (const char *const *)keys_again));
    }
}

static void
test_a_baseline_is_accepted_by_every_host(void)
{
    size_t n_found = 0;

    for (int i = 0; i < N_ROUNDS; i++) {
        g_autoptr(GPtrArray) pool =
            g_ptr_array_new_with_free_func((GDestroyNotify)ferry_facts_free);
        g_autoptr(FerryBaseline) baseline = NULL;

        for (int j = g_test_rand_int_range(1, 4); j > 0; j--) {
            g_autoptr(json_t) json = random_facts();
            g_ptr_array_add(pool, facts_of(json));
        }
        baseline = ferry_baseline((const FerryFacts *const *)pool->pdata, pool->len, NULL);
        g_assert_true((baseline->facts == NULL) == (baseline->blocking[0] != NULL));
        for (guint j = 0; baseline->facts != NULL && j < pool->len; j++) {
            g_autoptr(FerryVerdict) verdict = ferry_check(baseline->facts, pool->pdata[j], NULL);
            g_assert_true(ferry_verdict_is_usable(verdict));
        }
        n_found += baseline->facts != NULL;
    }
    g_assert_cmpuint(n_found, >, N_ROUNDS / 10); /* or the test would show nothing */
}

static void
test_nothing_lifts_hard_findings(void)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        g_autoptr(json_t) left = random_facts();
        g_autoptr(json_t) right = random_facts();
        g_autoptr(json_t) rules_json = random_rules();
        g_autoptr(FerryRules) rules = rules_of(rules_json, 0);
        g_autoptr(FerryFacts) source = NULL;
        g_autoptr(FerryFacts) target = NULL;
        g_autoptr(FerryVerdict) verdict = NULL;

        add_list(right);
        if (one_in(2))
            json_object_set_new(right, "device_api", json_string("vfio-ccw"));
        else
            json_object_set_new(one_in(2) ? left : right, "migratable", json_false());
        source = facts_of(left);
        target = facts_of(right);
        verdict = check_with(source, target, rules);
        g_assert_cmpint(verdict->level, ==, FERRY_VERDICT_NO);
    }
}

static void
test_a_deny_never_makes_it_better(void)
{
    for (int i = 0; i < N_ROUNDS; i++) {
        g_autoptr(json_t) left = random_facts();
        g_autoptr(json_t) right = random_facts();
        g_autoptr(json_t) rules_json = random_rules();
        g_autoptr(FerryRules) before_rules = rules_of(rules_json, 0);
        g_autoptr(FerryRules) after_rules = NULL;
        g_autoptr(FerryFacts) source = facts_of(left);
        g_autoptr(FerryFacts) target = facts_of(right);
        g_autoptr(FerryVerdict) before = check_with(source, target, before_rules);
        g_autoptr(FerryVerdict) after = NULL;

        json_array_append_new(rules_json, random_rule("deny", 99));
        after_rules = rules_of(rules_json, 0);
        after = check_with(source, target, after_rules);
        g_assert_cmpint(after->level, >=, before->level);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/properties/a-device-loads-into-its-equal",
                    test_a_device_loads_into_its_equal);
    g_test_add_func("/properties/order-is-no-matter", test_order_is_no_matter);
    g_test_add_func("/properties/explaining-changes-nothing", test_explaining_changes_nothing);
    g_test_add_func("/properties/written-entries-are-read-again",
                    test_written_entries_are_read_again);
    g_test_add_func("/properties/both-forms-agree", test_both_forms_agree);
    g_test_add_func("/properties/a-baseline-is-accepted-by-every-host",
                    test_a_baseline_is_accepted_by_every_host);
    g_test_add_func("/properties/nothing-lifts-hard-findings", test_nothing_lifts_hard_findings);
    g_test_add_func("/properties/a-deny-never-makes-it-better", test_a_deny_never_makes_it_better);
    return g_test_run();
}
