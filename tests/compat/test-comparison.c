/* What gets in as a finding, and what a rule or a list entry has to say of that. */
#include <string.h>

#include "compat/comparison.h"

#define RULES                                                                                      \
    "{\"ferry_compat_rules\":1,\"rules\":[{\"id\":\"r\",\"effect\":\"relax\",\"reason\":\"test\"," \
    "\"ignore\":[\"kernel\"],\"equal\":{\"firmware\":[[\"1\",\"2\"]]}}]}"

/* A target whose list's one entry mentions the kernel. */
#define LISTING "{\"format\":1,\"compatible\":[\"kernel=a\"]}"

/* One comparison under that rule, with the facts as both of its sides. */
typedef struct {
    GPtrArray *files;
    FerryRules *rules;
    FerryFacts *facts;
    FerryRuling *ruling;
    FerryComparison comparison;
} World;

static void
world_clear(World *self)
{
    g_ptr_array_unref(self->comparison.findings);
    ferry_ruling_free(self->ruling);
    ferry_facts_free(self->facts);
    ferry_rules_free(self->rules);
    g_ptr_array_unref(self->files);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static void
world_init(World *self, FerryCheckFlags flags)
{
    self->files = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_rule_file_free);
    g_ptr_array_add(self->files, ferry_rule_file_new(0, "50-t.json", RULES, strlen(RULES)));
    self->rules = ferry_rules_new(self->files);
    self->facts = ferry_facts_parse(LISTING, strlen(LISTING));
    g_assert_null(self->facts->fault);
    self->ruling = ferry_rules_apply(self->rules, self->facts, self->facts);
    g_assert_cmpuint(self->ruling->relax->len, ==, 1);
    self->comparison = (FerryComparison){
        .source = self->facts,
        .target = self->facts,
        .ruling = self->ruling,
        .flags = flags,
        .findings = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_finding_free),
    };
}

static FerryValue
text(const char *string)
{
    return (FerryValue){ .kind = FERRY_KIND_STRING, .string = (char *)string };
}

typedef struct {
    const char *name;
    const char *key;
    FerryVerdictLevel level;
    FerryCheckFlags flags;
    bool is_found;
    FerryVerdictLevel as_level;
    FerryFindingCode as_code;
    const char *detail;
} NoteRow;

static const NoteRow note_rows[] = {
    { "no", "driver", FERRY_VERDICT_NO, FERRY_CHECK_PLAIN, true, FERRY_VERDICT_NO,
      FERRY_CODE_DIFFERS, "why" },
    { "unknown", "driver", FERRY_VERDICT_UNKNOWN, FERRY_CHECK_EXPLAIN, true, FERRY_VERDICT_UNKNOWN,
      FERRY_CODE_DIFFERS, "why" },
    { "yes-unasked", "driver", FERRY_VERDICT_YES, FERRY_CHECK_PLAIN, false, 0, 0, NULL },
    { "yes-explained", "driver", FERRY_VERDICT_YES, FERRY_CHECK_EXPLAIN, true, FERRY_VERDICT_YES,
      FERRY_CODE_DIFFERS, "why" },
    { "ignored-unasked", "kernel", FERRY_VERDICT_NO, FERRY_CHECK_PLAIN, false, 0, 0, NULL },
    { "ignored-explained", "kernel", FERRY_VERDICT_NO, FERRY_CHECK_EXPLAIN, true, FERRY_VERDICT_YES,
      FERRY_CODE_RELAXED, "50-t/r" },
    { "nothing-to-ignore", "kernel", FERRY_VERDICT_YES, FERRY_CHECK_EXPLAIN, true,
      FERRY_VERDICT_YES, FERRY_CODE_DIFFERS, "why" },
};

static void
test_note(gconstpointer data)
{
    const NoteRow *row = data;
    g_auto(World) world = { 0 };
    FerryValue one = text("1");
    const FerryFinding *finding = NULL;

    world_init(&world, row->flags);
    ferry_comparison_note(&world.comparison, row->key, row->level, FERRY_CODE_DIFFERS, &one, NULL,
                          "why");
    g_assert_cmpuint(world.comparison.findings->len, ==, row->is_found ? 1 : 0);
    if (!row->is_found)
        return;
    finding = world.comparison.findings->pdata[0];
    g_assert_cmpstr(finding->key, ==, row->key);
    g_assert_cmpint(finding->level, ==, row->as_level);
    g_assert_cmpint(finding->code, ==, row->as_code);
    g_assert_cmpstr(finding->source, ==, "1");
    g_assert_cmpstr(finding->target, ==, NULL);
    g_assert_cmpstr(finding->set, ==, NULL);
    g_assert_cmpstr(finding->detail, ==, row->detail);
}

/* A settable value is set, unless a rule has it that the key is no matter. */
static void
test_settable(void)
{
    g_auto(World) world = { 0 };
    FerryValue one = text("1"), two = text("2"), three = text("3");
    const FerryFinding *finding = NULL;

    world_init(&world, FERRY_CHECK_EXPLAIN);
    ferry_comparison_note_settable(&world.comparison, "driver", &one, &two, &three, "d");
    ferry_comparison_note_settable(&world.comparison, "kernel", &one, &two, &three, NULL);
    g_assert_cmpuint(world.comparison.findings->len, ==, 2);
    finding = world.comparison.findings->pdata[0];
    g_assert_cmpint(finding->level, ==, FERRY_VERDICT_PROVISION);
    g_assert_cmpint(finding->code, ==, FERRY_CODE_SETTABLE);
    g_assert_cmpstr(finding->set, ==, "3");
    g_assert_cmpstr(finding->detail, ==, "d");
    finding = world.comparison.findings->pdata[1];
    g_assert_cmpint(finding->code, ==, FERRY_CODE_RELAXED);
    g_assert_cmpstr(finding->set, ==, NULL);
}

static void
test_settable_of_no_matter(void)
{
    g_auto(World) world = { 0 };
    FerryValue one = text("1");

    world_init(&world, FERRY_CHECK_PLAIN);
    ferry_comparison_note_settable(&world.comparison, "kernel", &one, NULL, &one, NULL);
    g_assert_cmpuint(world.comparison.findings->len, ==, 0);
}

static void
test_missing(void)
{
    static const struct {
        const char *source, *target;
        FerryFindingCode code;
    } rows[] = {
        { "1", NULL, FERRY_CODE_MISSING_TARGET },
        { NULL, "1", FERRY_CODE_MISSING_SOURCE },
        { NULL, NULL, FERRY_CODE_MISSING_BOTH },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(World) world = { 0 };
        FerryValue source = text(rows[i].source), target = text(rows[i].target);
        const FerryFinding *finding = NULL;

        world_init(&world, FERRY_CHECK_PLAIN);
        ferry_comparison_note_missing(&world.comparison, "driver",
                                      rows[i].source != NULL ? &source : NULL,
                                      rows[i].target != NULL ? &target : NULL, "why");
        g_assert_cmpuint(world.comparison.findings->len, ==, 1);
        finding = world.comparison.findings->pdata[0];
        g_assert_cmpint(finding->level, ==, FERRY_VERDICT_UNKNOWN);
        g_assert_cmpint(finding->code, ==, rows[i].code);
        g_assert_cmpstr(finding->detail, ==, "why");
    }
}

static void
test_equated(void)
{
    static const struct {
        const char *key, *source, *target;
        bool is_equated;
    } rows[] = {
        { "firmware", "1", "2", true },   { "firmware", "2", "1", true },
        { "firmware", "1", "3", false },  { "driver", "1", "2", false },
        { "firmware", NULL, "2", false }, { "firmware", "1", NULL, false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(World) world = { 0 };
        FerryValue source = text(rows[i].source), target = text(rows[i].target);

        world_init(&world, FERRY_CHECK_EXPLAIN);
        g_assert_cmpint(ferry_comparison_is_equated(&world.comparison, rows[i].key,
                                                    rows[i].source != NULL ? &source : NULL,
                                                    rows[i].target != NULL ? &target : NULL),
                        ==, rows[i].is_equated);
        g_assert_cmpuint(world.comparison.findings->len, ==, rows[i].is_equated ? 1 : 0);
    }
}

/* What an entry of the target's list mentions is out of every rule's reach. */
static void
test_listed(void)
{
    g_auto(World) world = { 0 };

    world_init(&world, FERRY_CHECK_PLAIN);
    g_assert_false(ferry_comparison_is_listed(&world.comparison, "kernel"));
    g_assert_nonnull(ferry_comparison_ignoring_rule(&world.comparison, "kernel"));
    world.comparison.entry = world.facts->list->pdata[0];
    g_assert_true(ferry_comparison_is_listed(&world.comparison, "kernel"));
    g_assert_null(ferry_comparison_ignoring_rule(&world.comparison, "kernel"));
    g_assert_false(ferry_comparison_is_listed(&world.comparison, "driver"));
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(note_rows); i++) {
        g_autofree char *path = g_strconcat("/comparison/note/", note_rows[i].name, NULL);

        g_test_add_data_func(path, &note_rows[i], test_note);
    }
    g_test_add_func("/comparison/settable", test_settable);
    g_test_add_func("/comparison/settable-of-no-matter", test_settable_of_no_matter);
    g_test_add_func("/comparison/missing", test_missing);
    g_test_add_func("/comparison/equated", test_equated);
    g_test_add_func("/comparison/listed", test_listed);
    return g_test_run();
}
