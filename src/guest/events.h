#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * What libvirt told lately, as values: callbacks add, threads that wait look.
 *
 *   oldest ──────────────────────────── newest
 *   [ n-4095 │ … │ n-1 │ n ]      ferry_events_seen() = n
 *
 * Thread-safe; the lock is held for the length of a search only.
 */
typedef struct _FerryEvents FerryEvents;

typedef enum {
    FERRY_EVENT_CONNECTED, /* about every guest: what happened before was not told */
    FERRY_EVENT_LIFECYCLE, /* any but suspended */
    FERRY_EVENT_SUSPENDED,
    FERRY_EVENT_DEVICE_ADDED,
    FERRY_EVENT_DEVICE_REMOVED,
    FERRY_EVENT_DEVICE_KEPT, /* libvirt's device-removal-failed */
    FERRY_EVENT_FAILOVER,    /* QEMU's: the driver of a virtio NIC knows failover (alias) */
} FerryEventKind;

FerryEvents *ferry_events_new(void);

/** No other call may be under way. */
void ferry_events_free(FerryEvents *self);

/**
 * Adds one and wakes who waits.
 *
 * @uuid: (nullable): NULL for FERRY_EVENT_CONNECTED
 * @alias: (nullable): of the device
 * @now_ms: on the monotonic clock
 */
void ferry_events_add(FerryEvents *self,
                      FerryEventKind kind,
                      const char *uuid,
                      const char *alias,
                      int64_t now_ms);

/** Returns: number of the newest, 0 before the first */
uint64_t ferry_events_seen(FerryEvents *self);

/** @uuid: (nullable): NULL for any guest. Returns: whether one about @uuid came after @after,
 * within @timeout_ms, or some were forgotten
 */
bool ferry_events_wait(FerryEvents *self, const char *uuid, uint64_t after, int64_t timeout_ms);

/** Returns: whether one of that kind came after @after for that device; forgotten ones do not count
 */
bool ferry_events_has(FerryEvents *self,
                      FerryEventKind kind,
                      const char *uuid,
                      const char *alias,
                      uint64_t after);

/** Returns: whether something may have gone unheard after @after: reconnected, or forgotten */
bool ferry_events_has_gap(FerryEvents *self, uint64_t after);

/** @alias: (nullable): NULL for any device.  Returns: the @now_ms of the guest's newest event of
 * that kind, 0 when there is none */
int64_t
ferry_events_last_ms(FerryEvents *self, FerryEventKind kind, const char *uuid, const char *alias);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryEvents, ferry_events_free)
