#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "migrate/decide.h"
#include "store/record.h"

/**
 * One half of the relay: docs/handover.md, section 3.
 *
 *     S: libvirt client ── near ── relay ── far ── tunnel to T          T: tunnel ── far ── relay
 * ── near ── libvirtd
 *
 * It carries libvirt's RPC of one migration and holds back the reply of "finish".  Has a thread of
 * its own; every function may be called from any thread but from its own callbacks, but for
 * _listen, _join and _free: these by the owner, the first two once.
 *
 * Invariants:
 *   1. From the call of finish until release or cut, neither side is closed nor told of the other's
 *      end; but S's half ends when its own client hangs up, and T's half then keeps libvirtd's
 * side.
 *   2. S passes the reply of finish only after release, and one that says "error" never.
 *   3. After cut has returned, nothing passes any more and both sides have seen an end of file.
 */
typedef struct _FerryRelay FerryRelay;

/** Both are called in the relay's thread, without locks held; they must not block for long. */
typedef struct {
    /** State, breach or the far side's end changed: look again. */
    void (*changed)(void *data);
    /** T only: whether the job is PREPARED; otherwise the call of prepare is a breach. */
    bool (*may_prepare)(void *data);
} FerryRelayWatch;

/** @watch: must outlive the relay, as must @data */
FerryRelay *ferry_relay_new(FerrySide side, const FerryRelayWatch *watch, void *data);

/**
 * S: listens for libvirt's client on @socket_path, mode 0600, which is unlinked once the one client
 * is there, or at the end.
 *
 * @tunnel_fd: (transfer full): a stream socket, also on failure
 *
 * Returns: false with FERRY_ERROR_INVALID (path too long), FERRY_ERROR_DENIED, FERRY_ERROR_IO …
 */
bool ferry_relay_listen(FerryRelay *self, const char *socket_path, int tunnel_fd, GError **error);

/**
 * T: carries between these two stream sockets.
 *
 * @libvirt_fd, @tunnel_fd: (transfer full): also on failure
 *
 * Returns: false with FERRY_ERROR_IO or FERRY_ERROR_EXHAUSTED when there is no thread to be had
 */
bool ferry_relay_join(FerryRelay *self, int libvirt_fd, int tunnel_fd, GError **error);

/**
 * NEW before _listen or _join; OPEN; HELD; REPLY, also after release until all is over; NONE once
 * over. At S it is over when libvirt's client has hung up; before finish also when the tunnel has
 * ended.
 */
FerryRelayState ferry_relay_state(FerryRelay *self);

/** Monotonic time in ms when finish was asked (whatever state it is in now), 0: not yet. */
int64_t ferry_relay_held_ms(FerryRelay *self);

/** Whether the tunnel's end was seen. */
bool ferry_relay_far_broken(FerryRelay *self);

/**
 * Returns: (transfer none) (nullable): what was asked through the relay that no migration asks, as
 *          "procedure 17 of program 0x20008086 is not allowed"; the job is to be aborted
 */
const char *ferry_relay_breach(FerryRelay *self);

/**
 * S: from now on finish is not passed but ends the relay, unless it was asked already.
 *
 * Returns: whether finish was not asked and never will be
 */
bool ferry_relay_seal(FerryRelay *self);

/** S, in state REPLY: passes the held reply on, so libvirt removes its copy.  Otherwise no effect.
 */
void ferry_relay_release(FerryRelay *self);

/** Closes both sides; at S libvirt resumes its copy, unless released or gone.  No effect twice. */
void ferry_relay_cut(FerryRelay *self);

/**
 * Cuts first.  So only for a relay that is over; at T after ABORTED or RUNNING; or where the
 * process ends anyway.  NULL is fine.
 */
void ferry_relay_free(FerryRelay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryRelay, ferry_relay_free)
