#pragma once

#include "world.h"

/**
 * What a host with pools should be like, said as simply as can be, beside the host of world.h that
 * is like it.  A PF has at most MODEL_VFS VFs, a parent as many ports as @ports, of which a device
 * of type N takes N.
 */
#define MODEL_VFS     4
#define MODEL_PFS     3
#define MODEL_PARENTS 2
#define MODEL_TYPES   2

/** One claim, as the model has it. */
typedef struct {
    int64_t generation;
    bool is_vf;
    int place;  /* number of the PF or parent */
    int number; /* the VF's index, the type's number */
    char *guest, *alias, *device;
    FerryClaimState state;
    bool is_prepared;
    bool in_doubt; /* a crash came while it was being prepared or released */
} ModelClaim;

typedef struct {
    World *world;
    GRand *random;
    int n_pfs, n_parents;
    int n_vfs[MODEL_PFS];
    bool without_link[MODEL_PFS];
    bool foreign_vf[MODEL_PFS][MODEL_VFS];
    unsigned ports;
    GPtrArray *claims;    /* of ModelClaim */
    GHashTable *foreign;  /* UUID to "PLACE/TYPE" */
    FerryVfSettings made; /* what a VF has before anybody changed it */
    int fuse;             /* so many more effects until the crash; -1: none is due */
    char *listing;        /* of the host as it was at first */
} Model;

Model *model_new(uint32_t seed);
void model_free(Model *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)

/** Returns: a number from 0 to @n - 1 */
int model_pick(Model *self, int n);

/** After the crash: the process is started again. */
void model_restart(Model *self);

/** Fails unless the host is as the model says. */
void model_check(Model *self);

/** Names: (transfer full) "eth1", "0000:04:00.0", "parent0", "parent0-2", slot ids. */
char *model_netdev(int pf);
char *model_pf(int pf);
char *model_parent(int parent);
char *model_type(int parent, int type);
char *model_slot(const ModelClaim *claim);

/** Returns: (nullable): the claim of a guest's device that is not being released */
ModelClaim *model_find(Model *self, const char *guest, const char *alias);
/** Returns: (nullable): the claim on a VF, be it one that is being released */
ModelClaim *model_holder(Model *self, int pf, int vf);

ModelClaim *model_add(Model *self, const FerryClaimRow *row);
void model_remove(Model *self, ModelClaim *claim);

/** Returns: VFs of a PF that nobody has */
int model_n_free(Model *self, int pf);
/** Returns: ports of a parent that no device has; @ret_pending: (out): claims on it without one */
int model_ports_left(Model *self, int parent, int *ret_pending);
