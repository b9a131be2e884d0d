#pragma once

#include <stdbool.h>

#include <jansson.h>

#include <glib.h>

#include "xml/network.h"

/** No pool has more members than this, of each kind. */
#define FERRY_POOL_MAX_MEMBERS 4096
#define FERRY_POOL_MAX_NAME    64

typedef enum { FERRY_POOL_VF, FERRY_POOL_MDEV } FerryPoolKind;

/**
 * From which member the next slot is taken; equal ones in the order in which they are named.  PFs
 * without link come last whatever the policy is.
 */
typedef enum {
    FERRY_POLICY_OF_POOL, /* of a need: what the pool says; a pool has none of this */
    FERRY_POLICY_FIRST,   /* the first that has one: what a pool has unless it says otherwise */
    FERRY_POLICY_PACK,    /* the one with the fewest left, so that others stay empty */
    FERRY_POLICY_SPREAD,  /* the one with the most left */
    FERRY_N_POLICIES
} FerryPolicy;

/** Returns: (transfer none): "first", "pack", "spread"; of FERRY_POLICY_OF_POOL "pool" */
const char *ferry_policy_name(FerryPolicy policy);

/** Inverse of the above, but for "pool".  Returns: false, @ret untouched, when there is none */
bool ferry_policy_parse(const char *name, FerryPolicy *ret);

/** A pool as it is defined; a plain value.  What is in it now is pool/view.h. */
typedef struct {
    char *name;
    FerryPoolKind kind;
    FerryPolicy policy;
    GPtrArray *pfs;       /* of char *: netdevs or PCI addresses; all VFs of each */
    GPtrArray *addresses; /* of char *: VFs one by one, "0000:03:10.0"; empty beside PFs */
    GPtrArray *parents;   /* of char *: of mdevs, by the kernel's or libvirt's name */
    GPtrArray *types;     /* of char *: that are given out: alternatives, each on any parent */
    unsigned vlan;        /* 0: none */
    bool hybrid;          /* a VF goes with a virtio NIC on its PF */
    bool ephemeral;       /* its devices are taken off for migration and save */
    char *driver_model;   /* (nullable) of the VFs, "mlx5_vfio_pci" */
    char *port_profile;   /* (nullable) 802.1Qbh profile of the VFs */
} FerryPool;

/** @name: copied; Returns: (transfer full): an empty pool, which is not valid yet */
FerryPool *ferry_pool_new(const char *name, FerryPoolKind kind);
FerryPool *ferry_pool_copy(const FerryPool *self);
void ferry_pool_free(FerryPool *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryPool, ferry_pool_free)

/**
 * Whether the definition makes sense by itself, whatever the host has.
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the field
 */
bool ferry_pool_check(const FerryPool *self, GError **error);

/**
 * Makes a pool of a network with VFs.
 *
 * @ret: (out) (transfer full): valid
 *
 * Returns: false with FERRY_ERROR_INVALID for a network without VFs, or what ferry_pool_check()
 *          says
 */
bool ferry_pool_from_network(const FerryNetwork *network, FerryPool **ret, GError **error);

/** As the API and the store have it; lists that are empty and flags that are off are left out.
 * Returns: (transfer full) */
json_t *ferry_pool_to_json(const FerryPool *self);

/**
 * The inverse; "kind" may be left out.  Hostile until read.
 *
 * @ret: (out) (transfer full): valid
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the field: also for one that is unknown
 */
bool ferry_pool_from_json(const json_t *json, FerryPool **ret, GError **error);
