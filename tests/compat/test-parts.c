/* The parts that vectors do not reach: rule directories, fingerprints, texts, exact numbers. */
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "compat/check.h"
#include "compat/rank.h"
#include "compat/rule-dir.h"
#include "temp-folder.h"

typedef struct {
    const char *name;
    const char *text;
    const char *expected; /* NULL: refused */
} FractionRow;

static const FractionRow fraction_rows[] = {
    { "whole", "4", "4" },
    { "reduced", "6/4", "3/2" },
    { "whole-after-reduction", "6/3", "2" },
    { "negative", "-3/6", "-1/2" },
    { "zero", "0/7", "0" },
    { "largest", "2147483647/1", "2147483647" },
    { "smallest", "-2147483647", "-2147483647" },
    { "too-large", "2147483648", NULL },
    { "too-large-divisor", "1/2147483648", NULL },
    { "too-large-though-reducible", "4294967296/4294967296", NULL },
    { "zero-divisor", "1/0", NULL },
    { "negative-divisor", "1/-2", NULL },
    { "leading-zero", "01", NULL },
    { "minus-zero", "-0", NULL },
    { "plus", "+1", NULL },
    { "blank", " 1", NULL },
    { "empty", "", NULL },
    { "no-divisor", "1/", NULL },
    { "two-slashes", "1/2/3", NULL },
};

static void
test_fraction(gconstpointer data)
{
    const FractionRow *row = data;
    FerryFraction value = { 9, 9 };
    g_autofree char *text = NULL;

    g_assert_true(ferry_fraction_parse(row->text, &value) == (row->expected != NULL));
    if (row->expected == NULL) {
        g_assert_cmpint(value.num, ==, 9);
        return;
    }
    text = ferry_fraction_format(value);
    g_assert_cmpstr(text, ==, row->expected);
}

static void
test_fractions_are_ordered(void)
{
    const FerryFraction ascending[] = {
        { -2147483647, 1 }, { -1, 2 }, { 0, 1 },          { 1, 2147483647 },
        { 1, 3 },           { 1, 2 },  { 2147483647, 1 },
    };

    for (size_t i = 0; i + 1 < G_N_ELEMENTS(ascending); i++) {
        g_assert_cmpint(ferry_fraction_compare(ascending[i], ascending[i + 1]), <, 0);
        g_assert_cmpint(ferry_fraction_compare(ascending[i + 1], ascending[i]), >, 0);
        g_assert_cmpint(ferry_fraction_compare(ascending[i], ascending[i]), ==, 0);
    }
}

/* What stands at a fault is named, whatever jansson thinks of the text. */
typedef struct {
    const char *name;
    const char *text;
    const char *key;
} FaultRow;

static const FaultRow fault_rows[] = {
    { "empty", "", "format" },
    { "not-json", "{", "format" },
    { "array", "[]", "format" },
    { "repeated-key", "{\"format\":1,\"driver\":\"a\",\"driver\":\"b\"}", "driver" },
    { "repeated-attribute", "{\"format\":1,\"attributes\":{\"a\":1,\"a\":2}}", "a" },
    { "huge-number", "{\"format\":1,\"attributes\":{\"a\":1,\"b\":99999999999999999999999}}", "b" },
    { "huge-negative", "{\"format\":1,\"attributes\":{\"a\":-99999999999999999999999}}", "a" },
    { "huge-real", "{\"format\":1,\"attributes\":{\"a\":1e999}}", "a" },
    { "huge-available", "{\"format\":1,\"available\":99999999999999999999999}", "available" },
    { "syntax-in-value", "{\"format\":1,\"kernel\":tru}", "kernel" },
    { "control-byte", "{\"format\":1,\"kernel\":\"a\nb\"}", "kernel" },
    { "too-deep", "{\"format\":1,\"info\":{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}}", "info" },
    { "control-in-key", "{\"format\":1,\"a\\u001b[31m\":1}", "a?[31m" },
};

static void
test_fault(gconstpointer data)
{
    const FaultRow *row = data;
    g_autoptr(FerryFacts) facts = ferry_facts_parse(row->text, strlen(row->text));

    g_assert_nonnull(facts->fault);
    g_assert_cmpstr(facts->fault->key, ==, row->key);
    for (const char *at = facts->fault->reason; *at != '\0'; at++)
        g_assert_true(g_ascii_isprint(*at));
}

static void
test_private_keys_may_hold_any_number(void)
{
    static const char text[] =
        "{\"format\":1,\"device_api\":\"vfio-pci\",\"x_n\":[1e999,-1.5E-3,"
        "123456789012345678901234567890],\"info\":{\"a\":[[[[[[[[[[[[[1]]]]]]]]]]]]]}}";
    g_autoptr(FerryFacts) facts = ferry_facts_parse(text, strlen(text));

    g_assert_null(facts->fault);
}

/* Exactly 64 KiB is a description, one byte more is not. */
static void
test_size_limit(void)
{
    g_autoptr(GString) text = g_string_new("{\"format\":1}");

    while (text->len < FERRY_DESCRIPTION_BYTES_MAX)
        g_string_append_c(text, ' ');
    for (int extra = 0; extra <= 1; extra++) {
        g_autoptr(FerryFacts) facts = ferry_facts_parse(text->str, text->len);
        g_assert_true((facts->fault != NULL) == (extra == 1));
        g_string_append_c(text, ' ');
    }
}

static FerryFacts *
facts_of(const char *text)
{
    FerryFacts *facts = ferry_facts_parse(text, strlen(text));

    g_assert_null(facts->fault);
    return facts;
}

#define MDEV "\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"t\",\"version\":\"0.2\""

static void
test_fingerprint_is_of_what_decides(void)
{
    static const struct {
        const char *text;
        bool same;
    } rows[] = {
        { "{" MDEV "}", true },
        { "{" MDEV ",\"parent_id\":\"p\",\"device_id\":\"80861234\",\"name\":\"n\"}", true },
        { "{" MDEV ",\"attributes\":{\"uuid\":\"u\"},\"state\":\"type\",\"available\":3}", true },
        { "{" MDEV ",\"kernel\":\"6.1\"}", false },
        { "{" MDEV ",\"migratable\":true}", false },
        { "{" MDEV ",\"attributes\":{\"a\":1}}", false },
    };
    g_autoptr(FerryFacts) first = facts_of(rows[0].text);
    g_autofree char *print = ferry_facts_fingerprint(first);

    g_assert_cmpuint(strlen(print), ==, 64);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FerryFacts) facts = facts_of(rows[i].text);
        g_autofree char *other = ferry_facts_fingerprint(facts);
        g_assert_true((strcmp(print, other) == 0) == rows[i].same);
    }
}

/* The sentences an administrator reads, one per kind: they are the interface. */
static const struct {
    const char *name;
    const char *source;
    const char *target;
    const char *reason;
} sentence_rows[] = {
    { "lacks", "{" MDEV ",\"attributes\":{\"pv_mode\":\"none+ppgtt\"}}",
      "{" MDEV ",\"attributes\":{\"pv_mode\":\"none+context\"}}",
      "pv_mode: the source offers \"none+ppgtt\"; the target offers \"context+none\", which lacks "
      "\"ppgtt\"." },
    { "settable", "{" MDEV ",\"attributes\":{\"aggregator\":2}}",
      "{" MDEV
      ",\"state\":\"type\",\"attributes\":{\"aggregator\":1},\"settable\":{\"aggregator\":{"
      "\"values\":[2]}}}",
      "aggregator: the source has \"2\", the target \"1\"; create the target with aggregator=2." },
    { "missing", "{" MDEV ",\"attributes\":{\"a\":1}}", "{" MDEV "}",
      "a: the source has \"1\", the target does not state it; a missing fact is never "
      "compatible." },
    { "not-listed", "{" MDEV "}", "{" MDEV ",\"compatible\":[\"version=0.1\"]}",
      "version: the source has \"0.2\"; the target's list does not accept it (entry 1 wants "
      "\"0.1\")." },
    { "migratable", "{" MDEV "}", "{" MDEV ",\"migratable\":false}",
      "migratable: the target cannot be migrated at all, says its driver." },
};

static void
test_sentences(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sentence_rows); i++) {
        g_autoptr(FerryFacts) source = facts_of(sentence_rows[i].source);
        g_autoptr(FerryFacts) target = facts_of(sentence_rows[i].target);
        g_autoptr(FerryVerdict) verdict = ferry_check(source, target, NULL);

        g_assert_cmpuint(verdict->findings->len, ==, 1);
        g_assert_cmpstr(((const FerryFinding *)verdict->findings->pdata[0])->reason, ==,
                        sentence_rows[i].reason);
    }
}

/* K1: a rule that wants a fact to be the same tells what it is on either host; what is not stated
 * is not told. */
static const struct {
    const char *name;
    const char *source;
    const char *target;
    const char *reason;
} denial_rows[] = {
    { "both", "{" MDEV ",\"driver_version\":\"17.4\"}", "{" MDEV ",\"driver_version\":\"17.6\"}",
      "rule:r/d: a rule denies this pair: one driver (driver_version: the source has \"17.4\", the "
      "target \"17.6\")." },
    { "one", "{" MDEV ",\"driver_version\":\"17.4\"}", "{" MDEV "}",
      "rule:r/d: a rule may deny this pair, a fact it asks for is not stated: one driver." },
};

static void
test_denials(void)
{
    static const char text[] =
        "{\"ferry_compat_rules\":1,\"rules\":[{\"id\":\"d\",\"effect\":\"deny\",\"reason\":"
        "\"one driver\",\"when\":{\"differ\":[\"driver_version\"]}}]}";
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    g_autoptr(FerryRules) rules = NULL;
    FerryCheckOptions options = { .rules = NULL };

    g_ptr_array_add(files, ferry_rule_file_new(0, "r.json", text, strlen(text)));
    options.rules = rules = ferry_rules_new(files);
    for (size_t i = 0; i < G_N_ELEMENTS(denial_rows); i++) {
        g_autoptr(FerryFacts) source = facts_of(denial_rows[i].source);
        g_autoptr(FerryFacts) target = facts_of(denial_rows[i].target);
        g_autoptr(FerryVerdict) verdict = ferry_check(source, target, &options);

        g_assert_cmpuint(verdict->findings->len, >=, 1);
        g_assert_cmpstr(((const FerryFinding *)verdict->findings->pdata[0])->reason, ==,
                        denial_rows[i].reason);
    }
}

static void
test_a_rejection_warns(void)
{
    g_autoptr(FerryFacts) facts = facts_of("{" MDEV "}");
    FerryCheckOptions options = { .observations = FERRY_OBSERVED_REJECTION };
    g_autoptr(FerryVerdict) verdict = ferry_check(facts, facts, &options);

    g_assert_cmpint(verdict->level, ==, FERRY_VERDICT_YES);
    g_assert_cmpuint(verdict->warnings->len, ==, 1);
}

#define DENY                                                                                       \
    "{\"ferry_compat_rules\":1,\"rules\":[{\"id\":\"d\",\"effect\":\"deny\",\"reason\":\"x\"}]}"

/* A root with the three directories of rules. */
typedef struct {
    char *root;
} Tree;

static void
tree_clear(Tree *tree)
{
    temp_folder_remove(tree->root);
    g_free(tree->root);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tree, tree_clear)

static char *
tree_path(const Tree *tree, const char *place, const char *name)
{
    g_autofree char *dir = g_strdup_printf("%s/%s/ferry/compat.d", tree->root, place);

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    return g_build_filename(dir, name, NULL);
}

static void
tree_write(const Tree *tree, const char *place, const char *name, const char *text, int mode)
{
    g_autofree char *path = tree_path(tree, place, name);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(chmod(path, (mode_t)mode), ==, 0);
}

/* The keys that differ when a device meets itself under the tree's rules. */
static char *
tree_differing(const Tree *tree)
{
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    g_autoptr(FerryRules) rules = NULL;
    g_autoptr(FerryFacts) facts = facts_of("{" MDEV "}");
    FerryCheckOptions options = { .rules = NULL };
    g_autoptr(FerryVerdict) verdict = NULL;
    g_auto(GStrv) keys = NULL;

    g_assert_true(ferry_rule_dir_read_system(tree->root, files, NULL));
    options.rules = rules = ferry_rules_new(files);
    verdict = ferry_check(facts, facts, &options);
    keys = ferry_verdict_differing(verdict);
    return g_strjoinv(" ", keys);
}

static void
test_system_directories(void)
{
    static const struct {
        const char *place, *name, *text;
        int mode;
        const char *expected; /* after this file was added to those before */
    } rows[] = {
        { "usr/share", "50-a.json", DENY, 0644, "rule:50-a/d" },
        { "run", "50-a.json", "", 0644, "" },
        { "etc", "50-a.json", DENY, 0644, "rule:50-a/d" },
        { "etc", "60-b.json", DENY, 0666, "rule:50-a/d rules:60-b" },
        { "etc", "skipped.txt", DENY, 0644, "rule:50-a/d rules:60-b" },
        { "etc", "60-b.json", "", 0644, "rule:50-a/d" },
    };
    g_auto(Tree) tree = { g_dir_make_tmp("ferry-rules-XXXXXX", NULL) };
    g_autofree char *null_link = NULL;
    g_autofree char *masked = NULL;

    if (getuid() != 0) { /* the files must be root's: another user sees all of them refused */
        tree_write(&tree, "etc", "50-a.json", DENY, 0644);
        masked = tree_differing(&tree);
        g_assert_cmpstr(masked, ==, "rules:50-a");
        return;
    }
    masked = tree_differing(&tree);
    g_assert_cmpstr(masked, ==, "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *differing = NULL;
        tree_write(&tree, rows[i].place, rows[i].name, rows[i].text, rows[i].mode);
        differing = tree_differing(&tree);
        g_assert_cmpstr(differing, ==, rows[i].expected);
    }
    null_link = tree_path(&tree, "etc", "50-a.json");
    g_assert_cmpint(g_unlink(null_link), ==, 0);
    g_assert_cmpint(symlink("/dev/null", null_link), ==, 0);
    g_free(masked);
    masked = tree_differing(&tree);
    g_assert_cmpstr(masked, ==, "");
}

static void
test_files_named_by_the_user(void)
{
    g_auto(Tree) tree = { g_dir_make_tmp("ferry-rules-XXXXXX", NULL) };
    g_autofree char *path = tree_path(&tree, "etc", "50-a.json");
    g_autofree char *odd = tree_path(&tree, "etc", "odd.txt");
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    g_autoptr(GError) error = NULL;

    tree_write(&tree, "etc", "50-a.json", DENY, 0666);
    g_assert_true(ferry_rule_dir_read(path, 0, FERRY_TRUST_ANY, files, NULL));
    g_assert_cmpuint(files->len, ==, 1);
    g_assert_nonnull(((const FerryRuleFile *)files->pdata[0])->text);
    tree_write(&tree, "etc", "odd.txt", DENY, 0644);
    g_assert_false(ferry_rule_dir_read(odd, 0, FERRY_TRUST_ANY, files, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_false(ferry_rule_dir_read("/nonexistent/dir", 0, FERRY_TRUST_ANY, files, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
}

static void
test_more_than_1024_rules(void)
{
    g_autoptr(GPtrArray) files =
        g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    g_autoptr(GString) text = g_string_new("{\"ferry_compat_rules\":1,\"rules\":[");
    g_autoptr(FerryRules) rules = NULL;
    g_autoptr(FerryFacts) facts = facts_of("{" MDEV "}");
    FerryCheckOptions options = { .rules = NULL };
    g_autoptr(FerryVerdict) verdict = NULL;
    g_auto(GStrv) keys = NULL;

    for (int i = 0; i < FERRY_RULES_PER_FILE_MAX; i++)
        g_string_append_printf(text,
                               "%s{\"id\":\"r%d\",\"effect\":\"deny\",\"reason\":\"x\",\"when\":{"
                               "\"source\":{\"version\":\"9.9\"}}}",
                               i > 0 ? "," : "", i);
    g_string_append(text, "]}");
    for (int i = 0; i < 5; i++) {
        g_autofree char *name = g_strdup_printf("%d.json", i);
        g_ptr_array_add(files, ferry_rule_file_new(0, name, text->str, text->len));
    }
    options.rules = rules = ferry_rules_new(files);
    verdict = ferry_check(facts, facts, &options);
    keys = ferry_verdict_differing(verdict);
    g_assert_cmpuint(g_strv_length(keys), ==, 1);
    g_assert_cmpstr(keys[0], ==, "rules:4");
}

static void
test_rank_measures(void)
{
    g_autoptr(FerryFacts) source = facts_of("{" MDEV "}");
    g_autoptr(FerryFacts) newer =
        facts_of("{\"format\":1,\"device_api\":\"vfio-pci\",\"mdev_type\":\"t\","
                 "\"version\":\"0.5.7\"}");
    const FerryCandidate candidates[] = { { .facts = newer, .name = "n" }, { .facts = source } };
    g_autoptr(GPtrArray) ranked = ferry_rank(source, candidates, 2, NULL);
    const FerryRanked *first = ranked->pdata[0];
    const FerryRanked *second = ranked->pdata[1];

    g_assert_cmpuint(first->index, ==, 1);
    g_assert_cmpstr(first->name, ==, "");
    g_assert_true(first->has_return);
    g_assert_cmpuint(first->minor_distance, ==, 0);
    g_assert_false(second->has_return);
    g_assert_cmpuint(second->minor_distance, ==, 3);
    g_assert_cmpuint(second->bugfix, ==, 7);
}

/* Every level and code has a name of its own, and every level its exit code. */
static void
test_names(void)
{
    static const int exits[] = { 0, 20, 21, 1, 2 };
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned level = 0; level < FERRY_N_VERDICTS; level++) {
        g_assert_cmpint(ferry_verdict_exit_code((FerryVerdictLevel)level), ==, exits[level]);
        g_assert_true(
            g_hash_table_add(names, (gpointer)ferry_verdict_level_name((FerryVerdictLevel)level)));
    }
    for (unsigned code = 0; code < FERRY_N_CODES; code++) {
        const char *name = ferry_finding_code_name((FerryFindingCode)code);
        g_assert_true(code == FERRY_CODE_MALFORMED || g_hash_table_add(names, (gpointer)name));
    }
    g_assert_null(ferry_basis_name(FERRY_BASIS_NONE));
    g_assert_cmpstr(ferry_basis_name(FERRY_BASIS_OBSERVED), ==, "observed");
}

#define ADD_ROWS(prefix, rows, func)                                                               \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {                                              \
        g_autofree char *path = g_strconcat("/parts/" prefix "/", (rows)[i].name, NULL);           \
        g_test_add_data_func(path, &(rows)[i], func);                                              \
    }

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ROWS("fraction", fraction_rows, test_fraction);
    ADD_ROWS("fault", fault_rows, test_fault);
    g_test_add_func("/parts/fractions-are-ordered", test_fractions_are_ordered);
    g_test_add_func("/parts/private-keys-may-hold-any-number",
                    test_private_keys_may_hold_any_number);
    g_test_add_func("/parts/size-limit", test_size_limit);
    g_test_add_func("/parts/fingerprint-is-of-what-decides", test_fingerprint_is_of_what_decides);
    g_test_add_func("/parts/sentences", test_sentences);
    g_test_add_func("/parts/denials", test_denials);
    g_test_add_func("/parts/a-rejection-warns", test_a_rejection_warns);
    g_test_add_func("/parts/system-directories", test_system_directories);
    g_test_add_func("/parts/files-named-by-the-user", test_files_named_by_the_user);
    g_test_add_func("/parts/more-than-1024-rules", test_more_than_1024_rules);
    g_test_add_func("/parts/rank-measures", test_rank_measures);
    g_test_add_func("/parts/names", test_names);
    return g_test_run();
}
