/*
 * How long a look at a large host takes: a synthetic sysfs of 10,000 devices (PFs with VFs, half of
 * them on vfio-pci; parents with mdevs).  Prints JSON: best and median time, memory, and system
 * calls per device; fails when the best look took longer than its limit.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/inventory.h"
#include "tree.h"

#define ROUNDS      15
#define LIMIT_US    200000
#define SYSCALL_BIT 0x80 /* PTRACE_O_TRACESYSGOOD: a stop is that of a system call */

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

/* Looks between two stops of its own; never returns. */
static void
be_counted(const Tree *tree)
{
    Round round;
    size_t bytes = 0;

    g_assert_cmpint(ptrace(PTRACE_TRACEME, 0, NULL, NULL), ==, 0);
    (void)raise(SIGSTOP);
    (void)look(tree, &round, &bytes);
    (void)raise(SIGSTOP);
    _exit(0);
}

/* The system calls of one look, counted where the kernel stops for each, once before and once after
 * it.  In a process of its own: those that are timed are not stopped. */
static unsigned
count_calls(const Tree *tree)
{
    const pid_t child = fork();
    unsigned n_stops = 0;
    int status = 0;

    if (child == 0)
        be_counted(tree);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSTOPPED(status));
    g_assert_cmpint(ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(long)PTRACE_O_TRACESYSGOOD), ==,
                    0);
    for (;;) {
        g_assert_cmpint(ptrace(PTRACE_SYSCALL, child, NULL, NULL), ==, 0);
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | SYSCALL_BIT))
            break;
        n_stops++;
    }
    g_assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return n_stops / 2;
}

/* As sysfs is: a disk that still writes what was just made would be measured, too. */
static Tree *
tree_in_memory(void)
{
    if (access("/dev/shm", W_OK) == 0)
        (void)g_setenv("TMPDIR", "/dev/shm", TRUE);
    return tree_new();
}

int
main(void)
{
    g_autoptr(Tree) tree = tree_in_memory();
    Round all[ROUNDS] = { 0 };
    size_t bytes = 0;
    unsigned n_devices = 0;

    tree->ports = 100;
    add_pfs(tree, 64, 125);
    add_mdevs(tree, 40, 47);
    for (int i = 0; i < ROUNDS; i++)
        n_devices = look(tree, &all[i], &bytes);
    qsort(all, ROUNDS, sizeof(all[0]), compare);
    printf("{\"bench\": \"inventory\", \"devices\": %u, \"best_us\": %" G_GINT64_FORMAT
           ", \"median_us\": %" G_GINT64_FORMAT ", \"best_cpu_us\": %" G_GINT64_FORMAT
           ", \"limit_us\": %d, \"memory_bytes\": %zu, \"syscalls_per_device\": %.1f}\n",
           n_devices, all[0].elapsed_us, all[ROUNDS / 2].elapsed_us, all[0].cpu_us, LIMIT_US, bytes,
           (double)count_calls(tree) / n_devices);
    return all[0].elapsed_us < LIMIT_US ? EXIT_SUCCESS : EXIT_FAILURE;
}
