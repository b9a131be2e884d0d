#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/** No network XML longer than this is looked at, and no more PFs, addresses or interfaces. */
#define FERRY_NETWORK_MAX_BYTES   ((size_t)1 << 18)
#define FERRY_NETWORK_MAX_MEMBERS 4096

/** What a network's guests get from it. */
typedef enum {
    FERRY_NETWORK_HOSTDEV, /* a VF */
    FERRY_NETWORK_HYBRID,  /* a VF and a virtio NIC on its PF: ferry's, libvirt knows it not */
    FERRY_NETWORK_BRIDGE,  /* a macvtap, or a tap in a bridge */
    FERRY_NETWORK_OTHER,   /* nat, route, open, vepa, private, passthrough, isolated: not for us */
    FERRY_NETWORK_N_MODES
} FerryNetworkMode;

/** A network, as libvirt or the older proposals for pools write it; a plain value. */
typedef struct {
    char *name;
    char *uuid; /* (nullable) lower case */
    FerryNetworkMode mode;
    bool managed;          /* libvirt binds the VF to VFIO, and back */
    bool ephemeral;        /* its VFs are taken off for migration and save */
    char *driver_model;    /* (nullable) <driver model=>: a variant driver, "mlx5_vfio_pci" */
    GPtrArray *pfs;        /* of char *: netdevs, all VFs of which belong to it */
    GPtrArray *addresses;  /* of char *: VFs one by one, "0000:03:10.0"; empty beside PFs */
    GPtrArray *interfaces; /* of char *: netdevs that macvtaps sit on */
    char *bridge;          /* (nullable) */
    unsigned vlan;         /* 0: none */
    char *virtualport;     /* (nullable) "802.1Qbh" */
    char *profile;         /* (nullable) the virtualport's profileid */
} FerryNetwork;

/**
 * Reads a network: any that libvirt knows, and beside these forward mode "hostdev-hybrid",
 * ephemeral='yes' and any number of <pf>.  Hostile until read: limits on size and count, no
 * DOCTYPE. Elements that ferry has no use for are skipped.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and element; also for a member that stands
 *          there twice (an address in decimal and in hex is one), and for
 *          what a hybrid's virtio half would not have: 802.1Qbh, a VLAN trunk
 */
bool ferry_network_parse(const char *xml, FerryNetwork **ret, GError **error);

/**
 * The companion network of a pool of hybrids: macvtaps in bridge mode over all its PFs.
 *
 * @interfaces: of char *: the PFs' netdevs, or their VLAN devices
 *
 * Returns: (transfer full): XML that libvirt takes
 */
char *ferry_network_format_companion(const char *name, const GPtrArray *interfaces);

void ferry_network_free(FerryNetwork *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryNetwork, ferry_network_free)
