#include "host/sysfs.h"

#include <sys/stat.h>

#include "tree.h"

static void
test_text(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autofree char *long_text = g_strnfill(FERRY_SYSFS_MAX_BYTES + 100, 'x');
    g_autofree char *fifo = g_build_filename(tree->path, "fifo", NULL);
    g_autofree char *text = NULL;
    g_autofree char *cut = NULL;
    g_autofree char *blocked = NULL;

    tree_file(tree, "a", " one\ttwo\nthree\x01\xff ");
    tree_file(tree, "long", long_text);
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    text = ferry_sysfs_text(tree->root, "a");
    cut = ferry_sysfs_text(tree->root, "long");
    blocked = ferry_sysfs_text(tree->root, "fifo"); /* comes back */
    g_assert_cmpstr(text, ==, "one\ttwo\nthree??");
    g_assert_cmpuint(strlen(cut), ==, FERRY_SYSFS_MAX_BYTES);
    g_assert_cmpstr(blocked, ==, "");
    g_assert_null(ferry_sysfs_text(tree->root, "none"));
    g_assert_null(ferry_sysfs_text(tree->root, "sys")); /* a folder */
}

static void
test_number(void)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t number;
    } rows[] = {
        { "0", true, 0 },    { "7", true, 7 },      { "255", true, 255 }, { "0xff", true, 255 },
        { "256", false, 0 }, { "-1", false, 0 },    { "", false, 0 },     { "0x", false, 0 },
        { "7 8", false, 0 }, { "0x100", false, 0 },
    };
    g_autoptr(Tree) tree = tree_new();

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t number = 99;

        tree_file(tree, "number", rows[i].text);
        g_assert_cmpint(ferry_sysfs_number(tree->root, "number", 255, &number), ==, rows[i].good);
        g_assert_cmpuint(number, ==, rows[i].good ? rows[i].number : 99);
    }
}

static void
test_links_and_lists(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autofree char *last = NULL;
    g_autofree char *whole = NULL;
    g_autoptr(GPtrArray) names = NULL;

    tree_link(tree, "f/b", "../x/y/z");
    tree_link(tree, "f/a", "z");
    tree_file(tree, "f/.hidden", "");
    last = ferry_sysfs_link(tree->root, "f/b");
    whole = ferry_sysfs_link(tree->root, "f/a");
    names = ferry_sysfs_list(tree->root, "f");
    g_assert_cmpstr(last, ==, "z");
    g_assert_cmpstr(whole, ==, "z");
    g_assert_null(ferry_sysfs_link(tree->root, "f"));
    g_assert_cmpuint(names->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(names, 0), ==, "a");
    g_assert_null(ferry_sysfs_list(tree->root, "none"));
    g_assert_null(ferry_sysfs_list(tree->root, "f/a"));
    g_assert_cmpint(ferry_sysfs_open(tree->root, "f/.hidden"), ==, -1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sysfs/text", test_text);
    g_test_add_func("/sysfs/number", test_number);
    g_test_add_func("/sysfs/links-and-lists", test_links_and_lists);
    return g_test_run();
}
