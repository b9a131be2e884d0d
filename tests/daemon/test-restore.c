#include "daemon/restore.h"

#include "host/sriov.h"
#include "tree.h"

/* No test waits for this long, but for one that fails. */
#define ENOUGH_MS 20000

#define PF    "0000:03:00.0"
#define OTHER "0000:04:00.0"

/* A host whose first look the test decides; later ones are made by ferry_watch_look(). */
typedef struct {
    Tree *tree;
    FerryKernel kernel;
    FerryConfig *config;
    FerryWatch *watch;
} Host;

static const FerryKernelOps ops = { tree_write };

static Host
host_new(const char *config, void (*set_up)(Tree *tree))
{
    Host self = { .tree = tree_new() };

    set_up(self.tree);
    self.kernel = (FerryKernel){ self.tree->root, &ops, self.tree };
    g_assert_true(ferry_config_parse("test", config, &self.config, NULL));
    self.watch = ferry_watch_new(self.tree->root, NULL, NULL, 60000, NULL);
    return self;
}

static void
host_clear(Host *self)
{
    ferry_watch_free(self->watch);
    ferry_config_free(self->config);
    tree_free(self->tree);
}

static unsigned
n_vfs(const Host *host, const char *name)
{
    g_autoptr(FerryInventory) inventory = NULL;
    const FerryHostDevice *pf = NULL;

    g_assert_true(ferry_inventory_read(host->tree->root, &inventory, NULL));
    pf = ferry_inventory_find(inventory, name);
    return pf != NULL ? ferry_host_device_n_vfs(pf) : 0;
}

static void
two_pfs(Tree *tree)
{
    tree_pf(tree, PF, "eth3", "igb", 7, 0);
    tree_pf(tree, OTHER, "eth4", "igb", 7, 0);
}

static void
one_of_three(Tree *tree)
{
    two_pfs(tree);
    tree_pf(tree, PF, "eth3", "igb", 7, 3);
}

static void
no_pf(Tree *tree)
{
    tree_pf(tree, OTHER, "eth4", "igb", 7, 0);
}

typedef struct {
    const char *name;
    const char *config;
    void (*set_up)(Tree *tree);
    bool is_complete;
    unsigned n_vfs, n_other;
    GLogLevelFlags level;
    const char *logged; /* (nullable) */
} Row;

static const Row rows[] = {
    { "by-netdev", "[pf eth3]\nvfs = 7\n", two_pfs, true, 7, 0, G_LOG_LEVEL_MESSAGE,
      "eth3 has its 7 VFs again" },
    { "by-address", "[pf " PF "]\nvfs = 2\n", two_pfs, true, 2, 0, G_LOG_LEVEL_MESSAGE,
      PF " has its 2 VFs again" },
    { "none-wanted", "[pf eth3]\nvfs = 0\n", two_pfs, true, 0, 0, 0, NULL },
    { "there-already", "[pf eth3]\nvfs = 3\n", one_of_three, true, 3, 0, 0, NULL },
    { "others-are-somebodys-wish", "[pf eth3]\nvfs = 7\n", one_of_three, true, 3, 0,
      G_LOG_LEVEL_MESSAGE, "eth3 has 3 VFs and not the 7*" },
    { "too-many", "[pf eth3]\nvfs = 8\n", two_pfs, true, 0, 0, G_LOG_LEVEL_WARNING,
      "going on without the VFs of eth3: *it can have 7 at most" },
    { "absent", "[pf eth3]\nvfs = 7\n", no_pf, false, 0, 0, 0, NULL },
    { "one-absent", "[pf eth4]\nvfs = 1\n[pf eth3]\nvfs = 7\n", no_pf, false, 0, 1,
      G_LOG_LEVEL_MESSAGE, "eth4 has its 1 VFs again" },
};

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    Host host = host_new(row->config, row->set_up);
    FerryRestore *restore = NULL;
    bool complete = false;

    if (row->logged != NULL)
        g_test_expect_message(NULL, row->level, row->logged);
    restore = ferry_restore_new(host.config->pfs, host.watch, &host.kernel, NULL);
    complete = ferry_restore_wait(restore, row->is_complete ? ENOUGH_MS : 1);
    ferry_restore_free(restore); /* ends after a first look */
    g_test_assert_expected_messages();
    g_assert_cmpint(complete, ==, row->is_complete);
    g_assert_cmpuint(n_vfs(&host, PF), ==, row->n_vfs);
    g_assert_cmpuint(n_vfs(&host, OTHER), ==, row->n_other);
    host_clear(&host);
}

/* A driver that is loaded late; and a person's wish for none afterwards stays. */
static void
test_late(void)
{
    Host host = host_new("[pf " PF "]\nvfs = 7\n", no_pf);
    FerryRestore *restore = ferry_restore_new(host.config->pfs, host.watch, &host.kernel, NULL);

    g_assert_false(ferry_restore_wait(restore, 1));
    two_pfs(host.tree);
    ferry_inventory_unref(ferry_watch_look(host.watch));
    g_assert_true(ferry_restore_wait(restore, ENOUGH_MS));
    g_assert_cmpuint(n_vfs(&host, PF), ==, 7);

    g_assert_true(ferry_sriov_set_vfs(&host.kernel, PF, 0, NULL));
    ferry_inventory_unref(ferry_watch_look(host.watch));
    ferry_restore_free(restore); /* after a last look */
    g_assert_cmpuint(n_vfs(&host, PF), ==, 0);
    host_clear(&host);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/restore/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/restore/late", test_late);
    return g_test_run();
}
