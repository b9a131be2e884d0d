#include "api/guest-host.h"

#include "../host/tree.h"
#include "pool/pool.h"

static FerryPool *
pool_of(const char *name, FerryPoolKind kind, const char *pf, const char *vf)
{
    FerryPool *pool = ferry_pool_new(name, kind);

    if (pf != NULL)
        g_ptr_array_add(pool->pfs, g_strdup(pf));
    if (vf != NULL)
        g_ptr_array_add(pool->addresses, g_strdup(vf));
    return pool;
}

/* Two PFs with two VFs each, a parent, and pools over them. */
static FerryGuestHost *
host_new(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryInventory) inventory = NULL;
    GPtrArray *pools = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_pool_free);
    FerryPool *hybrids = pool_of("hybrids", FERRY_POOL_VF, "eth3", NULL);

    tree_pf(tree, "0000:03:00.0", "eth3", "igb", 7, 2);
    tree_pf(tree, "0000:04:00.0", "eth4", "igb", 7, 2);
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 2);
    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    hybrids->hybrid = true;
    hybrids->vlan = 42;
    g_ptr_array_add(pools, hybrids);
    g_ptr_array_add(pools, pool_of("by-address", FERRY_POOL_VF, "0000:04:00.0", NULL));
    g_ptr_array_add(pools, pool_of("one-vf", FERRY_POOL_VF, NULL, "0000:03:10.0"));
    g_ptr_array_add(pools, pool_of("mdevs", FERRY_POOL_MDEV, NULL, NULL));
    return ferry_guest_host_new(pools, g_steal_pointer(&inventory), ferry_clock_system());
}

static void
test_pools(void)
{
    g_autoptr(FerryGuestHost) host = host_new();
    const FerryConvertHost *convert = ferry_guest_host_convert(host);

    g_assert_cmpuint(convert->n_pools, ==, 4);
    g_assert_cmpstr(convert->pools[0].name, ==, "hybrids");
    g_assert_cmpint(convert->pools[0].kind, ==, FERRY_CONVERT_HYBRIDS);
    g_assert_cmpuint(convert->pools[0].vlan, ==, 42);
    g_assert_cmpint(convert->pools[1].kind, ==, FERRY_CONVERT_VFS);
    g_assert_cmpint(convert->pools[3].kind, ==, FERRY_CONVERT_MDEVS);
}

static void
test_pools_of_vf(void)
{
    static const struct {
        const char *vf, *pools;
    } rows[] = {
        { "0000:03:10.0", "hybrids one-vf" },
        { "0000:03:10.2", "hybrids" },
        { "0000:04:10.0", "by-address" },
        { "0000:05:10.0", "" },
        { "0000:03:00.0", "" }, /* a PF */
    };
    g_autoptr(FerryGuestHost) host = host_new();
    const FerryConvertHost *convert = ferry_guest_host_convert(host);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) names = convert->pools_of_vf(convert->data, rows[i].vf);
        g_autofree char *joined = g_strjoinv(" ", names);

        g_assert_cmpstr(joined, ==, rows[i].pools);
    }
}

static void
test_shares_pf(void)
{
    static const struct {
        const char *netdev, *vf;
        FerryConvertAnswer answer;
    } rows[] = {
        { "eth3", "0000:03:10.0", FERRY_CONVERT_YES },
        { "eth3.42", "0000:03:10.0", FERRY_CONVERT_YES },
        { "eth4", "0000:03:10.0", FERRY_CONVERT_NO },
        { "br0", "0000:03:10.0", FERRY_CONVERT_UNKNOWN },
        { "eth3", "0000:09:10.0", FERRY_CONVERT_UNKNOWN },
    };
    g_autoptr(FerryGuestHost) host = host_new();
    const FerryConvertHost *convert = ferry_guest_host_convert(host);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(convert->shares_pf(convert->data, rows[i].netdev, rows[i].vf), ==,
                        rows[i].answer);
}

static void
test_parents(void)
{
    g_autoptr(FerryGuestHost) host = host_new();
    const FerryConvertHost *convert = ferry_guest_host_convert(host);
    g_autofree char *mtty = convert->find_parent(convert->data, "mtty");
    g_autofree char *libvirts = convert->find_parent(convert->data, "mtty_mtty");

    g_assert_cmpstr(mtty, ==, "mtty");
    g_assert_cmpstr(libvirts, ==, "mtty");
    g_assert_null(convert->find_parent(convert->data, "0000:03:00.0")); /* offers no types */
    g_assert_cmpint(convert->has_type(convert->data, "mtty", "mtty-2"), ==, FERRY_CONVERT_YES);
    g_assert_cmpint(convert->has_type(convert->data, "mtty", "mtty-9"), ==, FERRY_CONVERT_NO);
    g_assert_cmpint(convert->has_type(convert->data, "0000:03:00.0", "t"), ==,
                    FERRY_CONVERT_UNKNOWN);
    g_assert_cmpint(convert->has_type(convert->data, "none", "t"), ==, FERRY_CONVERT_UNKNOWN);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guest-host/pools", test_pools);
    g_test_add_func("/guest-host/pools-of-vf", test_pools_of_vf);
    g_test_add_func("/guest-host/shares-pf", test_shares_pf);
    g_test_add_func("/guest-host/parents", test_parents);
    return g_test_run();
}
