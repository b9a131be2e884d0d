#include "host/definition.h"

#include "base/error.h"
#include "host/json-file.h"
#include "tree.h"

#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"

static char *
describe(const GPtrArray *all)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < all->len; i++) {
        const FerryDefinition *definition = g_ptr_array_index(all, i);

        g_string_append_printf(text, "%s %s %s %s", definition->parent, definition->uuid,
                               definition->type, definition->autostart ? "auto" : "manual");
        for (guint n = 0; n < definition->attrs->len; n++) {
            const FerryDefinitionAttr *attr = g_ptr_array_index(definition->attrs, n);

            g_string_append_printf(text, " %s=%s", attr->name, attr->value);
        }
        if (definition->problem != NULL)
            g_string_append_printf(text, " problem: %s", definition->problem);
        g_string_append_c(text, '\n');
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The recorded folder, where etc/mdevctl.d is looked for. */
static Tree *
recorded(void)
{
    g_autofree char *folder = g_test_build_filename(G_TEST_DIST, "mdevctl.d", NULL);
    Tree *tree = tree_new();

    tree_file(tree, "etc/passwd", "");
    tree_link(tree, "etc/mdevctl.d", folder);
    return tree;
}

static void
test_recorded_folder(void)
{
    g_autoptr(Tree) tree = recorded();
    g_autoptr(GPtrArray) all = ferry_definition_read_all(tree->root);
    g_autofree char *text = describe(all);

    g_assert_cmpstr(text, ==,
                    "0000:41:00.0 0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001 nvidia-474 manual "
                    "nvidia/vgpu_params=frame_rate_limiter=0\n"
                    "matrix 5f7d6a6e-8a4c-4f2b-9f0e-0f6f3a2b7c10 vfio_ap-passthrough manual "
                    "assign_adapter=0x05 assign_adapter=0x06 assign_domain=0x0004\n"
                    "mtty 0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c101 mtty-1 auto\n"
                    "mtty 0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c102 mtty-2 manual\n");
}

/* With mdevctl one bad file hides all; here it is one row with its problem. */
static void
test_bad_file_hides_none(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) all = NULL;
    g_autofree char *text = NULL;

    tree_file(tree, "etc/mdevctl.d/mtty/" UUID, "{\n\"mdev_type\": \"a\",");
    tree_file(tree, "etc/mdevctl.d/mtty/1D9F7F5C-2F0E-4A55-9C4D-6A1F54A1C001",
              "{\"mdev_type\": \"mtty-1\", \"start\": \"whenever\", \"else\": 5}");
    tree_file(tree, "etc/mdevctl.d/mtty/README", "not a UUID");
    tree_file(tree, "etc/mdevctl.d/mtty/2d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001/x", "a folder");
    tree_file(tree, "etc/mdevctl.d/scripts.d/" UUID, "not a parent");
    all = ferry_definition_read_all(tree->root);
    text = describe(all);
    g_assert_cmpstr(text, ==,
                    "mtty " UUID " (null) manual problem: not a definition of mdevctl: line 3: "
                    "string or '}' expected near end of file\n"
                    "mtty 1d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001 mtty-1 manual\n"
                    "mtty 2d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001 (null) manual problem: "
                    "2d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001 is no regular file\n");
}

static void
test_without_mdevctl(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(GPtrArray) all = ferry_definition_read_all(tree->root);

    g_assert_cmpuint(all->len, ==, 0);
}

typedef struct {
    const char *name;
    const char *json; /* NULL: the file refused/NAME.json */
    const char *message;
} RefuseRow;

#define NOT "not a definition of mdevctl: "

static const RefuseRow refuse_rows[] = {
    { "mdevctl-no-start", NULL, NOT "\"start\" is missing or no string" },
    { "mdevctl-attr-number", NULL,
      NOT "\"attrs\" has an element that is not an object with one string" },
    { "empty", "", NOT "line 1: '[' or '{' expected near end of file" },
    { "array", "[]", NOT "it is not an object" },
    { "no-type", "{\"start\": \"auto\"}", NOT "\"mdev_type\" is missing or no string" },
    { "type-number", "{\"mdev_type\": 1, \"start\": \"auto\"}",
      NOT "\"mdev_type\" is missing or no string" },
    { "attrs-object", "{\"mdev_type\": \"a\", \"start\": \"auto\", \"attrs\": {}}",
      NOT "\"attrs\" is not an array" },
    { "attr-empty", "{\"mdev_type\": \"a\", \"start\": \"auto\", \"attrs\": [{}]}",
      NOT "\"attrs\" has an element that is not an object with one string" },
    { "key-twice", "{\"start\": \"auto\", \"start\": \"auto\"}",
      NOT "line 1: duplicate object key near '\"start\"'" },
};

static void
test_refuses(gconstpointer data)
{
    const RefuseRow *row = data;
    g_autofree char *file = g_strconcat(row->name, ".json", NULL);
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "refused", file, NULL);
    g_autofree char *json = g_strdup(row->json);
    FerryDefinition *definition = NULL;
    g_autoptr(GError) error = NULL;

    if (json == NULL)
        g_assert_true(g_file_get_contents(path, &json, NULL, NULL));
    g_assert_false(ferry_definition_parse("mtty", UUID, json, &definition, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(definition);
}

static void
test_too_long(void)
{
    g_autofree char *json = g_strnfill(FERRY_JSON_FILE_MAX_BYTES + 1, ' ');
    FerryDefinition *definition = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_definition_parse("mtty", UUID, json, &definition, &error));
    g_assert_cmpstr(error->message, ==, NOT "it is longer than 65536 bytes");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/definition/recorded-folder", test_recorded_folder);
    g_test_add_func("/definition/bad-file-hides-none", test_bad_file_hides_none);
    g_test_add_func("/definition/without-mdevctl", test_without_mdevctl);
    for (size_t i = 0; i < G_N_ELEMENTS(refuse_rows); i++) {
        g_autofree char *path = g_strconcat("/definition/refuses/", refuse_rows[i].name, NULL);
        g_test_add_data_func(path, &refuse_rows[i], test_refuses);
    }
    g_test_add_func("/definition/too-long", test_too_long);
    return g_test_run();
}
