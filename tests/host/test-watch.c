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

/* A host that tells of its changes, and who looks at it. */
typedef struct {
    Tree *tree;
    Pipe events;
    FerryWatch *watch; /* each test's own way to make it */
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->tree = tree_new();
    g_assert_cmpint(pipe2(f->events.fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    ferry_watch_free(f->watch);
    (void)close(f->events.fds[0]);
    (void)close(f->events.fds[1]);
    tree_free(f->tree);
}

static void
start_watch(Fixture *f, const FerryWatchOps *how)
{
    f->watch = ferry_watch_new(f->tree->root, how, &f->events, 1, NULL);
}

static void
add_parent(Fixture *f)
{
    tree_parent(f->tree, "virtual/mtty/mtty", NULL, "mtty", 1);
}

static void
test_looks_after_events(Fixture *f, gconstpointer data)
{
    g_autoptr(FerryInventory) before = NULL;
    g_autoptr(FerryInventory) after = NULL;
    uint64_t generation = 0;

    (void)data;
    start_watch(f, &ops);
    before = ferry_watch_inventory(f->watch, &generation);
    g_assert_cmpuint(generation, ==, 1);
    add_parent(f);
    g_assert_false(ferry_watch_wait(f->watch, generation, 0)); /* nobody told yet */
    say(&f->events);
    g_assert_true(ferry_watch_wait(f->watch, generation, LIMIT_MS));
    after = ferry_watch_inventory(f->watch, &generation);
    g_assert_cmpuint(generation, >=, 2);
    g_assert_cmpuint(ferry_inventory_n_devices(before), ==, 0);
    g_assert_cmpuint(ferry_inventory_n_devices(after), ==, 1);
}

/* Sysfs away for a moment: what was known stays. */
static void
test_keeps_what_it_has(Fixture *f, gconstpointer data)
{
    g_autoptr(FerryInventory) now = NULL;
    uint64_t generation = 0;

    (void)data;
    add_parent(f);
    start_watch(f, &ops);
    tree_remove(f->tree, "sys");
    say(&f->events);
    g_assert_false(ferry_watch_wait(f->watch, 1, 50));
    add_parent(f);
    now = ferry_watch_inventory(f->watch, &generation);
    g_assert_cmpuint(generation, ==, 1);
    g_assert_cmpuint(ferry_inventory_n_devices(now), ==, 1);
}

/* An event that nothing can drain is a storm that never ends: a look comes all the same. */
static void
no_drain(void *data)
{
    (void)data;
}

static void
test_storm(Fixture *f, gconstpointer data)
{
    static const FerryWatchOps storm = { pipe_fd, no_drain };

    (void)data;
    start_watch(f, &storm);
    say(&f->events);
    g_assert_true(ferry_watch_wait(f->watch, 3, LIMIT_MS));
}

/* No /sys is a host without devices, until it is there. */
static void
test_no_sysfs(Fixture *f, gconstpointer data)
{
    g_autoptr(FerryInventory) none = NULL;
    g_autoptr(FerryInventory) some = NULL;

    (void)data;
    tree_remove(f->tree, "sys");
    start_watch(f, &ops);
    none = ferry_watch_look(f->watch);
    g_assert_cmpuint(ferry_inventory_n_devices(none), ==, 0);
    add_parent(f);
    some = ferry_watch_look(f->watch);
    g_assert_cmpuint(ferry_inventory_n_devices(some), ==, 1);
}

/* Who has changed something need not wait for the event. */
static void
test_look(Fixture *f, gconstpointer data)
{
    g_autoptr(FerryInventory) before = NULL;
    g_autoptr(FerryInventory) after = NULL;
    g_autoptr(FerryInventory) again = NULL;
    uint64_t generation = 0;

    (void)data;
    start_watch(f, &ops);
    before = ferry_watch_inventory(f->watch, NULL);
    add_parent(f);
    after = ferry_watch_look(f->watch);
    again = ferry_watch_inventory(f->watch, &generation);
    g_assert_cmpuint(ferry_inventory_n_devices(before), ==, 0);
    g_assert_cmpuint(ferry_inventory_n_devices(after), ==, 1);
    g_assert_true(after == again);
    g_assert_cmpuint(generation, ==, 2);
}

/* Told of, and not quiet yet: who asks now sees it; once that is done, asking costs no look. */
static void
test_current(Fixture *f, gconstpointer data)
{
    g_autoptr(FerryInventory) before = NULL;
    g_autoptr(FerryInventory) after = NULL;
    bool rests = false;

    (void)data;
    f->watch = ferry_watch_new(f->tree->root, &ops, &f->events, LIMIT_MS, NULL);
    add_parent(f);
    before = ferry_watch_current(f->watch);
    say(&f->events);
    after = ferry_watch_current(f->watch);
    g_assert_cmpuint(ferry_inventory_n_devices(before), ==, 0);
    g_assert_cmpuint(ferry_inventory_n_devices(after), ==, 1);
    for (int waited_ms = 0; !rests && waited_ms < LIMIT_MS;
         waited_ms++) { /* for the watch to take it */
        g_autoptr(FerryInventory) one = ferry_watch_current(f->watch);
        g_autoptr(FerryInventory) two = ferry_watch_current(f->watch);

        rests = one == two;
        g_usleep(1000);
    }
    g_assert_true(rests);
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

#define ADD(name, func) g_test_add("/watch/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("looks-after-events", test_looks_after_events);
    ADD("keeps-what-it-has", test_keeps_what_it_has);
    ADD("storm", test_storm);
    ADD("no-sysfs", test_no_sysfs);
    ADD("look", test_look);
    ADD("current", test_current);
    g_test_add_func("/watch/without-events", test_without_events);
    g_test_add_func("/watch/udev-is-there", test_udev_is_there);
    return g_test_run();
}
