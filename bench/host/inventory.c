/*
 * How long a look at a large host takes: a synthetic sysfs of 10,000 devices (PFs with VFs, half of
 * them on vfio-pci; parents with mdevs).  Prints JSON: best and median time, memory, and what one
 * device costs.  System calls per device: run it under "strace -c -f" (see --once).
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/inventory.h"
#include "tree.h"

#define ROUNDS 15

typedef struct {
    gint64 elapsed_us;
    gint64 cpu_us;
} Round;

static void
add_pfs(Tree *tree, unsigned n_pfs, unsigned n_vfs)
{
    for (unsigned i = 0; i < n_pfs; i++) {
        g_autofree char *pf = g_strdup_printf("0000:%02x:00.0", 2 + i * 2);
        g_autofree char *netdev = g_strdup_printf("eth%u", i);

        tree_pf(tree, pf, netdev, "igb", n_vfs, n_vfs);
        for (unsigned n = 0; n < n_vfs / 2; n++) {
            const unsigned devfn = 0x80 + n * 2;
            g_autofree char *vf = g_strdup_printf("0000:%02x:%02x.%x", 2 + i * 2 + (devfn >> 8),
                                                  (devfn >> 3) & 0x1f, devfn & 7);

            tree_bind(tree, vf, "vfio-pci");
        }
    }
}

static void
add_mdevs(Tree *tree, unsigned n_parents, unsigned n_mdevs)
{
    for (unsigned i = 0; i < n_parents; i++) {
        g_autofree char *parent = g_strdup_printf("pci0000:40/10000:%02x:00.0", i);

        tree_parent(tree, parent, "pci", "bench", 4);
        for (unsigned n = 0; n < n_mdevs; n++) {
            g_autofree char *uuid = g_uuid_string_random();

            g_assert_cmpint(tree_mdev(tree, parent, "bench-1", uuid), ==, 0);
        }
    }
}

static int
compare(const void *a, const void *b)
{
    const Round *left = a;
    const Round *right = b;

    return (left->elapsed_us > right->elapsed_us) - (left->elapsed_us < right->elapsed_us);
}

/* What the look itself costs; elapsed time has other programs' share in it. */
static gint64
cpu_us(void)
{
    struct timespec now;

    g_assert_cmpint(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), ==, 0);
    return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static unsigned
look(const Tree *tree, Round *ret, size_t *ret_bytes)
{
    const gint64 start = g_get_monotonic_time();
    const gint64 cpu_start = cpu_us();
    const size_t before = mallinfo2().uordblks;
    g_autoptr(FerryInventory) inventory = NULL;

    g_assert_true(ferry_inventory_read(tree->root, &inventory, NULL));
    *ret = (Round){ g_get_monotonic_time() - start, cpu_us() - cpu_start };
    *ret_bytes = mallinfo2().uordblks - before;
    return ferry_inventory_n_devices(inventory);
}

int
main(int argc, char **argv)
{
    g_autoptr(Tree) tree = tree_new();
    Round all[ROUNDS] = { 0 };
    size_t bytes = 0;
    unsigned n_devices = 0;
    const int rounds = argc > 1 && strcmp(argv[1], "--once") == 0 ? 1 : ROUNDS;

    tree->ports = 100;
    add_pfs(tree, 64, 125);
    add_mdevs(tree, 40, 47);
    for (int i = 0; i < rounds; i++)
        n_devices = look(tree, &all[i], &bytes);
    qsort(all, (size_t)rounds, sizeof(all[0]), compare);
    printf("{\"bench\": \"inventory\", \"devices\": %u, \"best_us\": %" G_GINT64_FORMAT
           ", \"median_us\": %" G_GINT64_FORMAT ", \"best_cpu_us\": %" G_GINT64_FORMAT
           ", \"memory_bytes\": %zu}\n",
           n_devices, all[0].elapsed_us, all[rounds / 2].elapsed_us, all[0].cpu_us, bytes);
    return 0;
}
