#include "host/facts-dir.h"

#include <stdlib.h>

#include "tree.h"

#define FOLDER "etc/ferry/facts.d/"

/* What a kernel says of a device. */
#define KERNEL                                                                                     \
    "{\"name\": \"u1\", \"class\": \"mdev\", \"mdev_type\": \"nvidia-474\", \"driver\": "          \
    "\"nvidia\"}"

typedef struct {
    const char *name;
    const char *a, *b; /* (nullable) files a.json and b.json */
    const char *added; /* sorted; "{}": nothing */
} Row;

#define ONE(match, set) "{\"facts\": [{\"match\": " match ", \"set\": " set ", \"info\": 1}]}"

static const Row rows[] = {
    { "nothing", NULL, NULL, "{}" },
    { "matches", ONE("{\"driver\": \"nvidia\"}", "{\"firmware\": \"96.0\"}"), NULL,
      "{\"firmware\":\"96.0\"}" },
    { "all-must-match",
      ONE("{\"driver\": \"nvidia\", \"mdev_type\": \"nvidia-475\"}", "{\"firmware\": \"96.0\"}"),
      NULL, "{}" },
    { "unknown-to-the-kernel", ONE("{\"kernel\": \"6.12\"}", "{\"firmware\": \"96.0\"}"), NULL,
      "{}" },
    { "one-device", ONE("{\"name\": \"u1\"}", "{\"signature\": \"s\", \"version\": \"1.0\"}"), NULL,
      "{\"signature\":\"s\",\"version\":\"1.0\"}" },
    { "first-counts", ONE("{\"driver\": \"nvidia\"}", "{\"firmware\": \"1\"}"),
      ONE("{\"driver\": \"nvidia\"}", "{\"firmware\": \"2\", \"version\": \"2.0\"}"),
      "{\"firmware\":\"1\",\"version\":\"2.0\"}" },
    { "no-chains", ONE("{\"driver\": \"nvidia\"}", "{\"driver_version\": \"550\"}"),
      ONE("{\"driver_version\": \"550\"}", "{\"firmware\": \"2\"}"),
      "{\"driver_version\":\"550\"}" },
    { "attributes",
      ONE("{\"driver\": \"nvidia\"}",
          "{\"attributes\": {\"a\": 1, \"b\": \"x\", \"c\": [\"y\", \"z\"]}}"),
      ONE("{\"driver\": \"nvidia\"}", "{\"attributes\": {\"a\": 2, \"d_1\": 3}}"),
      "{\"attributes\":{\"a\":1,\"b\":\"x\",\"c\":[\"y\",\"z\"],\"d_1\":3}}" },
    { "a-bad-file-hides-no-other", "{", ONE("{\"class\": \"mdev\"}", "{\"firmware\": \"2\"}"),
      "{\"firmware\":\"2\"}" },
};

static void
test_complete(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryFactsDir) files = NULL;
    json_t *facts = json_loads(KERNEL, 0, NULL);
    json_t *before = json_deep_copy(facts);
    const char *key = NULL;
    json_t *value = NULL;
    char *added = NULL;

    if (row->a != NULL)
        tree_file(tree, FOLDER "a.json", row->a);
    if (row->b != NULL)
        tree_file(tree, FOLDER "b.json", row->b);
    tree_file(tree, FOLDER "c.json~", "no file of ours");
    files = ferry_facts_dir_read(tree->root);
    ferry_facts_dir_complete(files, facts);
    json_object_foreach(before, key, value)
    {
        g_assert_true(json_equal(json_object_get(facts, key), value));
        (void)json_object_del(facts, key);
    }
    added = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
    g_assert_cmpstr(added, ==, row->added);
    free(added);
    json_decref(before);
    json_decref(facts);
}

typedef struct {
    const char *name, *text, *problem; /* after "/etc/ferry/facts.d/x.json" */
} BadRow;

#define SECOND(entry)                                                                              \
    "{\n\"facts\": [\n{\"match\": {\"class\": \"pci\"},\n\"set\": {\"firmware\": \"}\"}},\n" entry \
    "]}"
#define SET(set) SECOND("{\"match\": {\"class\": \"mdev\"}, \"set\": " set "}")
#define BAD_ATTRIBUTE                                                                              \
    "in \"attributes\" is not a name of lower-case letters, digits and _ with a text, a number "   \
    "or "                                                                                          \
    "an array of texts"

static const BadRow bad_rows[] = {
    { "no-json", "{\n\"facts\": [,", ":2: unexpected token near ','" },
    { "array", "[]", ":1: it is not an object with an array \"facts\" alone" },
    { "more-keys", "{\"facts\": [], \"fact\": []}",
      ":1: it is not an object with an array \"facts\" alone" },
    { "no-object", SECOND("1"), ":5: an element of \"facts\" is not an object" },
    { "no-match", SECOND("{\"set\": {\"firmware\": \"1\"}}"),
      ":5: \"match\" is missing or empty: it would be for every device" },
    { "empty-match", SECOND("{\"match\": {}, \"set\": {\"firmware\": \"1\"}}"),
      ":5: \"match\" is missing or empty: it would be for every device" },
    { "match-unknown",
      SECOND("\n{\"match\": {\"colour\": \"red\"}, \"set\": {\"firmware\": \"1\"}}"),
      ":6: \"colour\" is nothing to match: see ferry-facts(5)" },
    { "match-number", SECOND("{\"match\": {\"class\": 1}, \"set\": {\"firmware\": \"1\"}}"),
      ":5: \"class\" in \"match\" is not a text of printable ASCII" },
    { "no-set", SECOND("{\"match\": {\"class\": \"mdev\"}}"), ":5: \"set\" is missing or empty" },
    { "unknown-key", SECOND("{\"match\": {\"class\": \"mdev\"}, \"sets\": {}}"),
      ":5: \"sets\" is unknown here" },
    { "set-driver", SET("{\"driver\": \"x\"}"),
      ":5: \"driver\" cannot be set: see ferry-facts(5)" },
    { "set-migratable", SET("{\"migratable\": true}"),
      ":5: \"migratable\" cannot be set: see ferry-facts(5)" },
    { "set-blank", SET("{\"firmware\": \" 1\"}"),
      ":5: \"firmware\" in \"set\" is not a text of printable ASCII" },
    { "set-umlaut", SET("{\"firmware\": \"\xc3\xa4\"}"),
      ":5: \"firmware\" in \"set\" is not a text of printable ASCII" },
    { "attributes-array", SET("{\"attributes\": []}"), ":5: \"attributes\" is not an object" },
    { "attribute-name", SET("{\"attributes\": {\"A\": 1}}"), ":5: \"A\" " BAD_ATTRIBUTE },
    { "attribute-negative", SET("{\"attributes\": {\"a\": -1}}"), ":5: \"a\" " BAD_ATTRIBUTE },
    { "attribute-object", SET("{\"attributes\": {\"a\": {}}}"), ":5: \"a\" " BAD_ATTRIBUTE },
    { "attribute-set", SET("{\"attributes\": {\"a\": [\"x\", 1]}}"), ":5: \"a\" " BAD_ATTRIBUTE },
};

static void
test_bad(gconstpointer data)
{
    const BadRow *row = data;
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryFactsDir) files = NULL;
    g_autofree char *problem = g_strconcat("/" FOLDER "x.json", row->problem, NULL);
    json_t *facts = json_pack("{s:s}", "class", "pci");

    tree_file(tree, FOLDER "x.json", row->text);
    files = ferry_facts_dir_read(tree->root);
    g_assert_cmpuint(ferry_facts_dir_problems(files)->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(ferry_facts_dir_problems(files), 0), ==, problem);
    ferry_facts_dir_complete(files, facts); /* its good entry counts for nothing, too */
    g_assert_cmpuint(json_object_size(facts), ==, 1);
    json_decref(facts);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/facts-dir/complete/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_complete);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad_rows); i++) {
        g_autofree char *path = g_strconcat("/facts-dir/bad/", bad_rows[i].name, NULL);
        g_test_add_data_func(path, &bad_rows[i], test_bad);
    }
    return g_test_run();
}
