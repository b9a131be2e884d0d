#include "migrate/rulebook.h"

#include <glib/gstdio.h>

#include "base/error.h"
#include "compat/check.h"
#include "temp-folder.h"

#define RULE(effect)                                                                               \
    "{\"ferry_compat_rules\": 1, \"vendor\": \"x\", \"rules\": [{\"id\": \"a\", \"effect\": "      \
    "\"" effect                                                                                    \
    "\", \"reason\": \"because\", \"when\": {\"both\": {\"device_api\": \"vfio-pci\"}}}]}"

typedef struct {
    char *root;
    char *folder;
} Place;

static void
place_clear(Place *place)
{
    temp_folder_remove(place->root);
    g_free(place->root);
    g_free(place->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static Place
place_new(void)
{
    Place place = { .root = g_dir_make_tmp("ferry-rulebook-XXXXXX", NULL) };

    place.folder = g_build_filename(place.root, "etc/ferry/compat.d", NULL);
    g_assert_cmpint(g_mkdir_with_parents(place.folder, 0755), ==, 0);
    return place;
}

/* As an editor does it: beside it, then renamed into place. */
static void
put(const Place *place, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(place->folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(g_chmod(path, 0644), ==, 0);
}

static unsigned
n_findings(FerryRulebook *book)
{
    static const char text[] = "{\"format\": 1, \"device_api\": \"vfio-pci\"}";
    g_autoptr(FerryFacts) facts = ferry_facts_parse(text, sizeof(text) - 1);
    const FerryRules *rules = NULL;
    FerryRuling *ruling = NULL;
    unsigned n = 0;

    g_assert_true(ferry_rulebook_rules(book, &rules, NULL));
    ruling = ferry_rules_apply(rules, facts, facts);
    n = ruling->findings->len;
    ferry_ruling_free(ruling);
    return n;
}

static void
test_reads_again(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(FerryRulebook) book = ferry_rulebook_new(place.root);
    g_autofree char *path = g_build_filename(place.folder, "a.json", NULL);

    g_assert_cmpuint(n_findings(book), ==, 0);
    put(&place, "a.json", RULE("deny"));
    g_assert_cmpuint(n_findings(book), ==, 1);
    put(&place, "a.json", RULE("allow"));
    g_assert_cmpuint(n_findings(book), ==, 0);
    put(&place, "b.json", RULE("deny"));
    g_assert_cmpuint(n_findings(book), ==, 1);
    put(&place, "b.json", ""); /* masked */
    g_assert_cmpuint(n_findings(book), ==, 0);
    put(&place, "b.json", "{"); /* broken: a finding in every check */
    g_assert_cmpuint(n_findings(book), ==, 1);
    g_assert_cmpint(g_chmod(path, 0666), ==, 0); /* not to be trusted any more: the same */
    g_assert_cmpuint(n_findings(book), ==, 2);
}

/* Nothing changed: the rules are those that were read. */
static void
test_reads_once(void)
{
    g_auto(Place) place = place_new();
    g_autoptr(FerryRulebook) book = ferry_rulebook_new(place.root);
    const FerryRules *first = NULL;
    const FerryRules *second = NULL;

    put(&place, "a.json", RULE("deny"));
    g_assert_true(ferry_rulebook_rules(book, &first, NULL));
    g_assert_true(ferry_rulebook_rules(book, &second, NULL));
    g_assert_true(first == second);
}

static void
test_without_folders(void)
{
    g_autoptr(FerryRulebook) book = ferry_rulebook_new("/no/such/root");

    g_assert_cmpuint(n_findings(book), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rulebook/reads-again", test_reads_again);
    g_test_add_func("/rulebook/reads-once", test_reads_once);
    g_test_add_func("/rulebook/without-folders", test_without_folders);
    return g_test_run();
}
