#pragma once

#include "vfio/device.h"

/**
 * One save session: from PRE_COPY on (or from the stop, for a device that has no PRE_COPY) to the
 * end of the stream in STOP_COPY.  All data read in between is one stream.
 *
 *   begin ──► read… poll… ──► quiet ──► stop ──► read… ──► finish
 *     └──────────┴──────────────┴────────┴───────────┴──► abort: the device runs on
 *
 * Invariants: 1 a session's bytes are void once it is aborted; the next begins from nothing.
 * 2 the end is a read of 0 bytes in STOP_COPY and nothing else, no counter.  3 in PRE_COPY a read
 * of 0, ENOMSG and EAGAIN all mean "nothing now" (drivers differ).  4 the device's figures are
 * only ever used to decide when, never how much to allocate or whether all has come.
 *
 * One thread at a time.
 */
typedef struct {
    FerryVfioDevice *device; /* (transfer none) */
    bool open;
    bool saw_end;
    uint64_t precopy_bytes; /* read while the device ran */
    uint64_t stop_bytes;    /* read since it stopped */
    /* The latest PRECOPY_INFO; unknown where the transport or the driver has none. */
    FerrySize initial;
    FerrySize dirty;
    unsigned initial_round; /* counts sets of initial data: 1, then +1 with each REINIT */
    bool initial_done;      /* the current set was read to its end */
} FerrySave;

typedef enum {
    FERRY_SAVE_DATA,
    FERRY_SAVE_NOTHING_NOW, /* only while the device runs; poll, wait, read again */
    FERRY_SAVE_END,         /* stopped and complete */
} FerrySaveRead;

/** What one visit to a running device may cost; reaching either ends the visit. */
typedef struct {
    uint64_t bytes;
    int ms;
} FerryBudget;

/**
 * Opens a session.  A device without PRE_COPY keeps running; its whole state comes after the stop.
 *
 * Returns: false with FERRY_ERROR_UNSUPPORTED, or when the device is not in RUNNING
 *          (FERRY_ERROR_BUSY), or the driver refused: @self->open then says whether to abort
 */
bool ferry_save_begin(FerrySave *self, FerryVfioDevice *device, GError **error);

/**
 * Reads what comes next.
 *
 * @ret_n: (out): bytes in @buf with FERRY_SAVE_DATA
 *
 * Returns: false when the driver failed the read: the session can only be aborted then
 */
bool ferry_save_read(FerrySave *self,
                     void *buf,
                     size_t size,
                     FerrySaveRead *ret,
                     size_t *ret_n,
                     GError **error);

/** Asks for the sizes of what is left.  Do it between visits: with mlx5 the question itself starts
 *  the next round.  An answer of "no such call" makes them unknown for good. */
bool ferry_save_poll(FerrySave *self, GError **error);

/** Brings a device that has P2P to its quiet state, session going on; nothing for one without. */
bool ferry_save_quiet(FerrySave *self, GError **error);

/** Stops the device: STOP_COPY. */
bool ferry_save_stop(FerrySave *self, GError **error);

/** Ends a complete session: STOP.  The device stays stopped. */
bool ferry_save_finish(FerrySave *self, GError **error);

/** Ends a session in any state: the device runs again (by reset if it must be). */
bool ferry_save_abort(FerrySave *self, GError **error);

/**
 * Quiets all devices, then stops each: no device may write to another that has stopped already.
 *
 * Returns: false with FERRY_ERROR_UNSUPPORTED when there are several and one of them has no P2P;
 *          or the first failure; the caller aborts all sessions then
 */
bool ferry_save_stop_all(FerrySave *const *sessions, size_t n_sessions, GError **error);
