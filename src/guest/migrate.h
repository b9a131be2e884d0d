#pragma once

#include "guest/connection.h"

typedef enum {
    FERRY_MIGRATION_TLS = 1 << 0,           /* guest memory under TLS, QEMU to QEMU */
    FERRY_MIGRATION_AUTO_CONVERGE = 1 << 1, /* slow the guest down when memory changes too fast */
} FerryMigrationFlags;

typedef struct {
    const char *uuid;
    const char *relay_socket; /* path of the Unix socket whose other end is the target's libvirt */
    const char *migrate_uri;  /* where memory goes: "tcp:10.0.0.2" */
    const char *tls_destination; /* (nullable) name in the target's certificate */
    const char *target_xml;      /* (nullable) the domain as the target shall have it */
    FerryMigrationFlags flags;
    unsigned parallel;        /* connections (QEMU's multifd); 0, 1: one, without multifd */
    uint64_t bandwidth_mib_s; /* 0: no limit */
    uint64_t max_downtime_ms; /* 0: QEMU's 300 ms */
} FerryMigration;

/**
 * virDomainMigrate3 with LIVE and PAUSED, between two connections of its own without keepalive: one
 * to this host's libvirt, one through the relay (docs/handover.md sections 2 and 3).  Blocks until
 * libvirt gives up or ends, which is as long as the relay holds it.
 *
 * Returns: what libvirt said, which proves nothing: "ok" came with the source's copy still there
 * and "error" with the target running.  Look at both guests.  FERRY_ERROR_INVALID only for a relay
 * socket that no URI can hold
 */
bool ferry_guests_migrate(FerryGuests *self, const FerryMigration *migration, GError **error);

/** A running migration as libvirt sees it at the source. */
typedef struct {
    uint64_t total_bytes;
    uint64_t done_bytes;
    uint64_t remaining_bytes;
    uint64_t rate_bps; /* bytes a second, as QEMU measures; 0 before it knows */
    uint64_t dirty_rate_bps;
    uint64_t downtime_ms; /* expected; 0 before QEMU knows */
    uint64_t elapsed_ms;
    uint64_t device_bytes;     /* state of VFIO devices that went over; on top of the others */
    uint64_t iteration;        /* rounds over the memory so far */
    uint64_t throttle_percent; /* how far auto-converge slows the guest down */
} FerryTransferStats;

/**
 * @ret: (out): all zero when the guest has no migration under way
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when the guest is not there
 */
bool ferry_guests_transfer_stats(FerryGuests *self,
                                 const char *uuid,
                                 FerryTransferStats *ret,
                                 GError **error);

/** Changes the longest stop that QEMU may plan for; before or while the guest migrates. */
bool ferry_guests_set_max_downtime(FerryGuests *self,
                                   const char *uuid,
                                   uint64_t downtime_ms,
                                   GError **error);
