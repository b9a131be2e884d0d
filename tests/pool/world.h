#pragma once

#include "pool/pools.h"
#include "store/store.h"
#include "tree.h"

/**
 * A host for the pools: the synthetic sysfs of tests/host, VF settings in memory, and a store, all
 * in temporary folders.  Any thread may change it through the pools.
 */
typedef struct {
    Tree *tree;
    FerryKernel kernel;
    char *folder, *db;
    FerryStore *store;
    FerryPools *pools;
    GHashTable *cards;   /* "eth3/0" to FerryVfSettings; one that is not here is as it was made */
    unsigned n_sets;     /* of VF settings */
    bool refuses_no_mac; /* as some drivers do */
    unsigned n_resets;   /* of functions */
    int n_uuids;
    pthread_mutex_t lock;
    /** (nullable): before each write to the kernel; returns: an errno, 0 to let it through */
    int (*before_write)(void *data, const char *path, const char *text);
    void *before_write_data;
} World;

/** A host without devices. */
World *world_new(void);
/** A host as the 82576 makes it: eth3 at 0000:03:00.0 and eth4 at 0000:03:00.1, 7 VFs each, whose
 * functions can be reset. */
World *world_new_two_ports(void);
void world_free(World *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/** As after a crash, or a restart: the store and the pools are opened anew. */
void world_reopen(World *self);

/** The first half of that. */
void world_close_store(World *self);

/** Returns: (transfer full) */
FerryInventory *world_inventory(World *self);
/** The same, with the type of what reads an inventory whenever it is asked. */
FerryInventory *world_look(void *world);

/** What is set on a VF now, to look at or to change. */
FerryVfSettings *world_card(World *self, const char *netdev, unsigned index);

/** Sets a netdev's state, "down". */
void world_set_link(World *self, const char *pf, const char *netdev, const char *state);

/** A process that has a device's VFIO group open. */
void world_open(World *self, unsigned pid, const char *guest, const char *device);
void world_close(World *self, unsigned pid);

/** Defines a pool from JSON; it must be taken. */
void world_define(World *self, const char *json);
/** Returns: (transfer full): the code and the message, "CODE: MESSAGE"; NULL when it was defined */
char *world_refused_define(World *self, const char *json);

/** Claims; it must not be refused.  Returns: (transfer full) */
FerryClaimRow *world_claim(World *self, const FerryNeed *need);
/** Returns: (transfer full): the only reason, refused it must be */
json_t *world_refused(World *self, const FerryNeed *need);
void world_prepare(World *self, int64_t generation);
void world_release(World *self, int64_t generation);

/** Returns: (transfer full): "used/total free=… " and so on: one line of a pool's view */
char *world_view(World *self, const char *pool);

/** Returns: (transfer full): every file and link of sysfs with its content, to compare */
char *world_listing(World *self);

/** A need of a guest for a VF of a pool, or an mdev. */
#define NEED_VF(guest, name)                                                                       \
    {                                                                                              \
        .guest_uuid = (guest), .guest_name = (guest), .alias = "ua-net0", .pool = (name)           \
    }
#define NEED_MDEV(guest, where, what)                                                              \
    {                                                                                              \
        .guest_uuid = (guest), .guest_name = (guest), .alias = "ua-gpu0", .parent = (where),       \
        .type = (what)                                                                             \
    }
