#pragma once

#include "base/error.h"
#include "migrate/hybrid.h"
#include "world.h"

#define HYBRID_UUID  "6f1d2c1e-7d3b-4a57-8a44-0000000000bb"
#define HYBRID_NICS  2
#define HYBRID_POOL  "{\"name\": \"net-x\", \"pfs\": [\"eth3\", \"eth4\"], \"hybrid\": true}"
#define HYBRID_POOL1 "{\"name\": \"net-x\", \"pfs\": [\"eth3\"], \"hybrid\": true}"

/** One hybrid NIC as the fake libvirt and the kernel have it. */
typedef struct {
    const char *netdev; /* macvtap is on it; NULL: the guest is not running */
    bool link_is_down;
    char *vf; /* (nullable): PCI address of the VF that is in the guest */
} HybridNic;

/**
 * A running guest "web" with hybrid NICs ua-net0 and ua-net1, on the host of tests/pool: real pools
 * and claims, and a libvirt and a kernel that do what they are told, or not.
 *
 * Every call of an ops table is counted.  @fail_at: that one fails, and changes nothing;
 * @crash_at: it and all after it fail, for the process is dead.  0: none.
 */
typedef struct {
    World *world;
    FerryHybridsConfig config;
    FerryHybrids *hybrids;
    FerryClock clock;
    int64_t now_ms;
    HybridNic nics[HYBRID_NICS];
    unsigned n_nics;
    const char *on_no_vf;
    unsigned n_calls, fail_at, crash_at;
    const char *attach_error; /* (nullable): libvirt's words, each time */
    FerryDetach answer;       /* to detach_ask */
    bool lets_go;             /* the guest does what it is asked for, at once */
    bool keeps;               /* it says no */
    bool is_paused;           /* libvirt has its macvtaps down */
    unsigned n_asked;
    GString *log; /* "attach 0, link 0 down, netdev 0 down": what was changed */
} HybridWorld;

/** @n_nics: 1 or 2; the guest is up, its NICs on eth3, without VFs */
HybridWorld *hybrid_world_new(const char *pool, unsigned n_nics);
void hybrid_world_free(HybridWorld *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HybridWorld, hybrid_world_free)

/** ferryd starts anew. */
void hybrid_world_restart(HybridWorld *self);

/** Returns: (transfer full): the guest's XML as it is now */
char *hybrid_world_xml(const HybridWorld *self);

/** Returns: (transfer full) */
FerryDomain *hybrid_world_domain(const HybridWorld *self);

/** Looks once, at a fresh XML; time moves by @ms before. */
unsigned hybrid_world_look(HybridWorld *self, unsigned ms);

/** The guest's driver takes every VF that is in it, or leaves all. */
void hybrid_world_drive(HybridWorld *self);
void hybrid_world_leave(HybridWorld *self);

/** The guest lets its VF go. */
void hybrid_world_let_go(HybridWorld *self, unsigned nic);

/** Returns: (transfer full): "vf eth3/0, degraded: why": the state of each, for people */
char *hybrid_world_states(HybridWorld *self);

/** Whether it has the guest's MAC. */
bool hybrid_world_macvtap_receives(const HybridWorld *self, unsigned nic);

bool hybrid_world_macvtap_is_up(const HybridWorld *self, unsigned nic);
unsigned hybrid_world_n_claims(HybridWorld *self);

/** Asserts what was changed since the last time. */
void hybrid_world_assert_log(HybridWorld *self, const char *expected);

/** Asserts that each NIC works: virtio is up whole, or its VF is in and driven. */
void hybrid_world_assert_working(HybridWorld *self);
