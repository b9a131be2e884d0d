#include "host/watch.h"

#include <fcntl.h>
#include <unistd.h>

#include "tree.h"

/* No test waits for this long, but for one that fails. */
#define LIMIT_MS 20000

typedef struct {
    int fds[2];
} Pipe;

static int
pipe_fd(void *data)
{
    const Pipe *self = data;

    return self->fds[0];
}

static void
pipe_drain(void *data)
{
    const Pipe *self = data;
    char buffer[64];

    while (read(self->fds[0], buffer, sizeof(buffer)) > 0)
        continue;
}

static const FerryWatchOps ops = { pipe_fd, pipe_drain };

static void
say(const Pipe *self)
{
    g_assert_cmpint(write(self->fds[1], "e", 1), ==, 1);
}

static void
open_pipe(Pipe *self)
{
    g_assert_cmpint(pipe2(self->fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
}

static void
close_pipe(Pipe *self)
{
    (void)close(self->fds[0]);
    (void)close(self->fds[1]);
}

static void
test_looks_after_events(void)
{
    g_autoptr(Tree) tree = tree_new();
    Pipe events;
    g_autoptr(FerryWatch) watch = NULL;
    g_autoptr(FerryInventory) before = NULL;
    g_autoptr(FerryInventory) after = NULL;
    uint64_t generation = 0;

    open_pipe(&events);
    watch = ferry_watch_new(tree->root, &ops, &events, 1, NULL);
    before = ferry_watch_inventory(watch, &generation);
    g_assert_cmpuint(generation, ==, 1);
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    g_assert_false(ferry_watch_wait(watch, generation, 0)); /* nobody told yet */
    say(&events);
    g_assert_true(ferry_watch_wait(watch, generation, LIMIT_MS));
    after = ferry_watch_inventory(watch, &generation);
    g_assert_cmpuint(generation, >=, 2);
    g_assert_cmpuint(ferry_inventory_n_devices(before), ==, 0);
    g_assert_cmpuint(ferry_inventory_n_devices(after), ==, 1);
    ferry_watch_free(g_steal_pointer(&watch));
    close_pipe(&events);
}

/* Sysfs away for a moment: what was known stays. */
static void
test_keeps_what_it_has(void)
{
    g_autoptr(Tree) tree = tree_new();
    Pipe events;
    g_autoptr(FerryWatch) watch = NULL;
    g_autoptr(FerryInventory) now = NULL;
    uint64_t generation = 0;

    open_pipe(&events);
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    watch = ferry_watch_new(tree->root, &ops, &events, 1, NULL);
    tree_remove(tree, "sys");
    say(&events);
    g_assert_false(ferry_watch_wait(watch, 1, 50));
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    now = ferry_watch_inventory(watch, &generation);
    g_assert_cmpuint(generation, ==, 1);
    g_assert_cmpuint(ferry_inventory_n_devices(now), ==, 1);
    ferry_watch_free(g_steal_pointer(&watch));
    close_pipe(&events);
}

/* An event that nothing can drain is a storm that never ends: a look comes all the same. */
static void
no_drain(void *data)
{
    (void)data;
}

static void
test_storm(void)
{
    static const FerryWatchOps storm = { pipe_fd, no_drain };
    g_autoptr(Tree) tree = tree_new();
    Pipe events;
    g_autoptr(FerryWatch) watch = NULL;

    open_pipe(&events);
    watch = ferry_watch_new(tree->root, &storm, &events, 1, NULL);
    say(&events);
    g_assert_true(ferry_watch_wait(watch, 3, LIMIT_MS));
    ferry_watch_free(g_steal_pointer(&watch));
    close_pipe(&events);
}

/* No /sys is a host without devices, until it is there. */
static void
test_no_sysfs(void)
{
    g_autoptr(Tree) tree = tree_new();
    Pipe events;
    g_autoptr(FerryWatch) watch = NULL;
    g_autoptr(FerryInventory) none = NULL;
    g_autoptr(FerryInventory) some = NULL;

    open_pipe(&events);
    tree_remove(tree, "sys");
    watch = ferry_watch_new(tree->root, &ops, &events, 1, NULL);
    none = ferry_watch_look(watch);
    g_assert_cmpuint(ferry_inventory_n_devices(none), ==, 0);
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    some = ferry_watch_look(watch);
    g_assert_cmpuint(ferry_inventory_n_devices(some), ==, 1);
    ferry_watch_free(g_steal_pointer(&watch));
    close_pipe(&events);
}

/* Who has changed something need not wait for the event. */
static void
test_look(void)
{
    g_autoptr(Tree) tree = tree_new();
    Pipe events;
    g_autoptr(FerryWatch) watch = NULL;
    g_autoptr(FerryInventory) before = NULL;
    g_autoptr(FerryInventory) after = NULL;
    g_autoptr(FerryInventory) again = NULL;
    uint64_t generation = 0;

    open_pipe(&events);
    watch = ferry_watch_new(tree->root, &ops, &events, 1, NULL);
    before = ferry_watch_inventory(watch, NULL);
    tree_parent(tree, "virtual/mtty/mtty", NULL, "mtty", 1);
    after = ferry_watch_look(watch);
    again = ferry_watch_inventory(watch, &generation);
    g_assert_cmpuint(ferry_inventory_n_devices(before), ==, 0);
    g_assert_cmpuint(ferry_inventory_n_devices(after), ==, 1);
    g_assert_true(after == again);
    g_assert_cmpuint(generation, ==, 2);
    ferry_watch_free(g_steal_pointer(&watch));
    close_pipe(&events);
}

static void
test_without_events(void)
{
    g_autoptr(Tree) tree = tree_new();
    g_autoptr(FerryWatch) watch = ferry_watch_new(tree->root, NULL, NULL, 1, NULL);

    g_assert_true(ferry_watch_wait(watch, 3, LIMIT_MS));
}

static void
test_udev_is_there(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FerryUdev) udev = ferry_udev_new(&error);

    g_assert_no_error(error);
    g_assert_cmpint(ferry_udev_ops()->fd(udev), >=, 0);
    ferry_udev_ops()->drain(udev); /* returns though there is none */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch/looks-after-events", test_looks_after_events);
    g_test_add_func("/watch/keeps-what-it-has", test_keeps_what_it_has);
    g_test_add_func("/watch/storm", test_storm);
    g_test_add_func("/watch/no-sysfs", test_no_sysfs);
    g_test_add_func("/watch/look", test_look);
    g_test_add_func("/watch/without-events", test_without_events);
    g_test_add_func("/watch/udev-is-there", test_udev_is_there);
    return g_test_run();
}
