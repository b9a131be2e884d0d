#pragma once

#include "base/clock.h"
#include "guest/look.h"
#include "migrate/claim-ops.h"
#include "migrate/guest-turns.h"
#include "xml/domain.h"

/**
 * The life of a guest's devices on one host, as the hook, "ferry guest start" and the keeper see
 * it: everything outside of them comes through these tables, so that a test can fake it.
 */

/** The guests of this host, in libvirt's hands; each function is as in guest/ unless it says more.
 */
typedef struct {
    bool (*find)(void *data, const char *name_or_uuid, FerryGuest **ret, GError **error);
    bool (*list)(void *data, GPtrArray **ret, GError **error);
    bool (*look)(void *data, const char *uuid, FerryDomainLook *ret, GError **error);
    bool (*xml)(void *data, const char *uuid, FerryGuestsXml which, char **ret, GError **error);
    bool (*start)(void *data, const char *uuid, GError **error);
    /** Starts a guest from this XML, whatever its definition says. */
    bool (*create)(void *data, const char *xml, GError **error);
    bool (*shutdown)(void *data, const char *uuid, GError **error);
    bool (*destroy)(void *data, const char *uuid, GError **error);
    uint64_t (*seen)(void *data);
    bool (*wait)(void *data, const char *uuid, uint64_t after, int64_t timeout_ms);
    /** Returns: (nullable) (transfer full): the job that holds the guest, or left its hold marker
     */
    char *(*job_of)(void *data, const char *uuid);
    /** Returns: whether that job, or that reservation, still goes on here */
    bool (*job_is_live)(void *data, const char *job_id);
    /** Returns: a number that changes with the host's devices */
    uint64_t (*devices)(void *data);
    void (*pause)(void *data, unsigned ms);
    /** What of an incoming guest was not reserved for it: see ferry_migrator_guard(). */
    void (*guard)(void *data, const FerryDomain *incoming, json_t *reasons);
} FerryLifeOps;

/** How far a start of ours goes. */
typedef enum {
    FERRY_START_WHOLE,    /* not without a VF for each hybrid that must have one */
    FERRY_START_DEGRADED, /* without, and says so */
} FerryStartExtent;

/** Hybrid NICs.  Reasons and degraded[] as the API shows them. */
typedef struct {
    /**
     * Whether a guest that libvirt is about to start may do so; where @live names the PFs that
     * libvirt chose, a VF of each is claimed.  Never asks libvirt.
     *
     * @ret_reasons: (out) (nullable) (transfer full): why not
     */
    bool (*admit)(void *data, const FerryDomain *live, json_t **ret_reasons, GError **error);
    /**
     * Claims a VF for each hybrid of a guest that is about to be started by us.
     *
     * @ret_xml: (out) (nullable) (transfer full): what to start it from; NULL: its definition
     * @degraded: gets {alias, message} of each that goes without
     * @ret_reasons: (out) (nullable) (transfer full): it may not start; its claims are the caller's
     *               to release
     */
    bool (*before_start)(void *data,
                         const FerryDomain *inactive,
                         const char *xml,
                         FerryStartExtent extent,
                         char **ret_xml,
                         json_t *degraded,
                         json_t **ret_reasons,
                         GError **error);
    /**
     * One step towards a running guest with all of its VFs; waits for nothing that the guest does.
     *
     * @ret_again_ms: (out): when the next step is due; 0: not before something happens
     */
    bool (*look)(void *data,
                 const char *guest_uuid,
                 const FerryDomain *live,
                 unsigned *ret_again_ms,
                 GError **error);
} FerryHybridOps;

/** What all of them are given; it outlives them.  A plain value. */
typedef struct {
    const FerryLifeOps *guests;
    void *guests_data;
    const FerryClaimOps *claims;
    void *claims_data;
    const FerryHybridOps *hybrids; /* (nullable) */
    void *hybrids_data;
    FerryGuestTurns *turns;
    int64_t hook_turn_ms; /* how long a hook waits for its guest's turn */
    const FerryClock *clock;
} FerryLife;

/** libvirt's states (FerryDomainLook) in which there is a QEMU, or may be one. */
bool ferry_life_is_up(const FerryDomainLook *look);
