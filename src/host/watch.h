#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "host/inventory.h"

/**
 * Keeps an inventory up to date: a thread of its own looks again after events of the kernel that
 * udev has finished with.  Every event means a whole new look, once they have been quiet for a
 * moment: a VF's event comes before its links, its PF's "change" after them, and lost events (the
 * kernel says so) need no other cure.
 *
 * Any thread may call any of this.
 */
typedef struct _FerryWatch FerryWatch;

/** Where events come from.  The fake of the tests is a pipe. */
typedef struct {
    /** Returns: a descriptor that is readable when there are some */
    int (*fd)(void *data);
    /** Takes all that there are; what they say does not matter.  Lost ones count as some. */
    void (*drain)(void *data);
} FerryWatchOps;

/** Events of this machine; free it after the watch. */
typedef struct _FerryUdev FerryUdev;

/**
 * Listens to udev, or to the kernel itself where no udev runs (a container), and to changes of
 * network links: a carrier that comes or goes is no device event.
 *
 * Returns: (nullable) (transfer full): NULL with FERRY_ERROR_IO when there is nothing to listen to
 */
FerryUdev *ferry_udev_new(GError **error);
void ferry_udev_free(FerryUdev *self);

/** Returns: (transfer none): for a FerryUdev as its data */
const FerryWatchOps *ferry_udev_ops(void);

/**
 * Looks once, then starts the thread.  While there is no /sys there are no devices.
 *
 * @root: as for ferry_inventory_read(); it and @data stay the caller's until the watch is freed
 * @ops: (nullable): NULL when nothing tells of changes: then it looks after fifty quiet_ms
 * @quiet_ms: how long events must have stopped before a new look; a fresh one is forced after ten
 *            times that
 *
 * Returns: (nullable) (transfer full): NULL with FERRY_ERROR_EXHAUSTED
 */
FerryWatch *
ferry_watch_new(int root, const FerryWatchOps *ops, void *data, unsigned quiet_ms, GError **error);

/**
 * @ret_generation: (out) (optional): 1 for the first look, one more for each that followed
 *
 * Returns: (transfer full): the newest inventory
 */
FerryInventory *ferry_watch_inventory(FerryWatch *self, uint64_t *ret_generation);

/**
 * Looks now if there were events since the newest look, quiet or not: whoever changes something,
 * lets udev settle and then asks is told of it.
 *
 * Returns: (transfer full): an inventory with all in it that has been told of before this call
 */
FerryInventory *ferry_watch_current(FerryWatch *self);

/**
 * Looks now, in the caller's thread: who has changed something sees it without waiting for an
 * event.
 *
 * Returns: (transfer full): an inventory that was begun after this call
 */
FerryInventory *ferry_watch_look(FerryWatch *self);

/**
 * Waits until there is a newer inventory than that of @generation.
 *
 * Returns: false when @limit_ms went by without one
 */
bool ferry_watch_wait(FerryWatch *self, uint64_t generation, unsigned limit_ms);

/** Ends the thread. */
void ferry_watch_free(FerryWatch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryUdev, ferry_udev_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryWatch, ferry_watch_free)
