#pragma once

#include <stdbool.h>

#include <glib.h>

/**
 * The local database of a ferryd: hosts, pools, claims and the journal of jobs.  SQLite in WAL mode
 * with synchronous=FULL, so what a writing function reported as done is on the disk.
 *
 * One connection behind a mutex: every function of this folder may be called from any thread, and
 * none returns while it holds the lock.  A failed write changed nothing that a later read shows;
 * after a failed sync the disk may still hold it, so a caller must not act upon its absence
 * (rule J of docs/handover.md) but write again or die.
 *
 * Errors of every function here: FERRY_ERROR_EXHAUSTED (disk full), FERRY_ERROR_DENIED (read-only),
 * FERRY_ERROR_CORRUPT, FERRY_ERROR_BUSY (another process holds the file), FERRY_ERROR_IO; each
 * names the file and what to do.
 */
typedef struct _FerryStore FerryStore;

/**
 * Opens the database, checks it and brings an older one up to date; one that is not there is made,
 * mode 0600, complete or not at all.
 *
 * A damaged or foreign file, an empty one too, stays as it is: FERRY_ERROR_CORRUPT.  One that a
 * newer ferry wrote: FERRY_ERROR_UNSUPPORTED.
 *
 * @ret: (out) (transfer full)
 */
bool ferry_store_open(const char *path, FerryStore **ret, GError **error);

/** Closes the database; NULL is fine.  No other thread may still use it. */
void ferry_store_close(FerryStore *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryStore, ferry_store_close)

/**
 * Sees that the database takes writes, and gives its log the room for the records of a migration
 * before it begins: a disk that fills up meanwhile hinders none of them (but on a file system that
 * copies on write).  Not in a blackout: it syncs.
 */
bool ferry_store_make_room(FerryStore *self, GError **error);

/**
 * Moves the write-ahead log into the database and empties it, so that the next writes cost one sync
 * each, and makes room as above.  FERRY_ERROR_BUSY when a reader in another process hinders it:
 * nothing is lost by going on.
 */
bool ferry_store_checkpoint(FerryStore *self, GError **error);

/** No checkpoint shall fall into a blackout: off until the matching _on.  Counted: jobs overlap. */
void ferry_store_checkpoints_off(FerryStore *self);
void ferry_store_checkpoints_on(FerryStore *self);
