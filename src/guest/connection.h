#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * This host's guests: the one connection to its libvirt, and what libvirt told through it.
 *
 * Thread-safe: any number of threads may call at once; none of the locks is held while libvirt is
 * asked.  Two threads of its own: one runs libvirt's event loop, one opens the connection, and
 * opens it again when it ends, 200 ms to 2 s apart for as long as it takes.
 *
 * While libvirt is away every call fails at once with FERRY_ERROR_IO, "libvirt at URI does not
 * answer: …"; a libvirtd that hangs is taken for away after 35 s (keepalive; measured).  The first
 * call after ferry_guests_new() waits up to 5 s for the first opening, so that it need not fail.
 *
 * Errors of every call in guest/: FERRY_ERROR_IO when libvirt is away or refuses,
 * FERRY_ERROR_TIMEOUT when it could not get the guest's job lock (30 s, libvirt's own limit).
 */
typedef struct _FerryGuests FerryGuests;

/** @uri: of this host's libvirt, "qemu:///system"; never fails: it opens by itself, now or later */
FerryGuests *ferry_guests_new(const char *uri);

/**
 * Ends both threads and closes.  No call may be under way.  When libvirtd hangs just now, so that
 * the opening thread cannot be ended within 2 s, it and the memory stay: the process is about to
 * end.
 */
void ferry_guests_free(FerryGuests *self);

/** Returns: whether the connection is up right now; asks libvirt nothing */
bool ferry_guests_is_connected(FerryGuests *self);

/** Returns: (transfer none): as given */
const char *ferry_guests_uri(const FerryGuests *self);

/**
 * Two hosts of one UUID are one host to libvirt, and it migrates nothing between them.
 *
 * Returns: (nullable) (transfer full): this host's (host_uuid of libvirtd.conf, or its firmware's),
 *          asked once a connection; NULL without an error where libvirt has none
 */
char *ferry_guests_host_uuid(FerryGuests *self, GError **error);

/** libvirt's virConnect, named here so that who asks after guests need not include libvirt. */
struct _virConnect;

/**
 * For the files of guest/ only.
 *
 * @ret: (out) (transfer full): a reference to the connection that is up now: virConnectClose
 */
bool ferry_guests_connect(FerryGuests *self, struct _virConnect **ret, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryGuests, ferry_guests_free)

/*
 * Events: a guest's lifecycle, device-added, device-removed, device-removal-failed, and
 * "connected", which is about every guest: whatever happened while libvirt was away is not told
 * again. Every event has a number, counting from 1.
 */

/** Returns: number of the newest event, 0 before the first */
uint64_t ferry_guests_seen(FerryGuests *self);

/**
 * Waits until something happened to a guest.  Look, remember ferry_guests_seen() *before* the look,
 * then wait: nothing is missed.
 *
 * @uuid: (nullable): NULL for any guest
 * @after: number of the last event that is already known
 * @timeout_ms: 0 only asks
 *
 * Returns: whether there is an event about @uuid with a number above @after; true too when so many
 *          came that some were forgotten
 */
bool ferry_guests_wait(FerryGuests *self, const char *uuid, uint64_t after, int64_t timeout_ms);

/**
 * Returns: whether libvirt said after @after that the device is off, or may have said so unheard:
 *          the connection was opened again, or events were forgotten.  In both cases the live XML
 *          has the last word (docs/handover.md section 9).
 */
bool
ferry_guests_device_removed(FerryGuests *self, const char *uuid, const char *alias, uint64_t after);

/** Returns: whether libvirt said after @after that the guest refused to let the device go */
bool
ferry_guests_device_kept(FerryGuests *self, const char *uuid, const char *alias, uint64_t after);

/** Returns: monotonic ms (ferry_clock_system) when the guest's last SUSPENDED event came; 0 never
 */
int64_t ferry_guests_suspended_ms(FerryGuests *self, const char *uuid);

/** Returns: monotonic ms when QEMU said last that the guest's driver of the virtio NIC @alias knows
 * failover (a boot, or the guest's arrival here); 0 when it was not heard */
int64_t ferry_guests_failover_ms(FerryGuests *self, const char *uuid, const char *alias);
