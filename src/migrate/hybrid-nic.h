#pragma once

#include "guest/link.h"
#include "pool/pool.h"
#include "xml/domain.h"

/** One hybrid NIC as a guest's XML has it; a plain value, good for as long as the FerryDomain. */
typedef struct {
    const FerryHybridMeta *meta;
    const FerryDevice *virtio; /* (nullable) its half on the macvtap */
    const FerryDevice *vf;     /* (nullable) the VF's half: only in a running guest */
    char *netdev;              /* (nullable) what macvtap sits on: "eth3", "eth3.42"; NULL: libvirt
                                  has not chosen yet */
    char *macvtap;             /* (nullable) of a running guest: "macvtap0" */
    FerryLinkState link;       /* of the virtio half */
} FerryHybridNic;

/**
 * @meta: one of @domain's
 *
 * Returns: (transfer full): what @domain says about it
 */
FerryHybridNic *ferry_hybrid_nic_new(const FerryDomain *domain, const FerryHybridMeta *meta);
void ferry_hybrid_nic_free(FerryHybridNic *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryHybridNic, ferry_hybrid_nic_free)

/** Returns: (nullable) (transfer none): the hybrid of @domain whose VF has that alias */
const FerryHybridMeta *ferry_hybrid_meta_of_vf(const FerryDomain *domain, const char *vf_alias);

/**
 * The VF's half, as it is plugged in: the virtio half's MAC, teaming, the pool's VLAN and driver.
 *
 * @nic: with its virtio half, which has a MAC
 * @pool: what the pool is
 * @vf: PCI address of the VF on the host
 *
 * Returns: (transfer full)
 */
char *ferry_hybrid_vf_xml(const FerryHybridNic *nic, const FerryPool *pool, const char *vf);

/**
 * A definition whose virtio half sits on one netdev instead of a network that chooses one.
 *
 * @alias: of the virtio half
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID when there is no such <interface>
 */
bool ferry_hybrid_xml_on(const char *xml,
                         const char *alias,
                         const char *netdev,
                         char **ret,
                         GError **error);
