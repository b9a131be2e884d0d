#pragma once

#include <stdbool.h>

#include <glib.h>

#include "base/clock.h"

/** What a pool's slots are. */
typedef enum {
    FERRY_CONVERT_MDEVS,
    FERRY_CONVERT_VFS,
    FERRY_CONVERT_HYBRIDS, /* a VF, and a virtio NIC on its PF */
    FERRY_CONVERT_N_KINDS
} FerryConvertKind;

/** A pool of this host, as far as a guest's definition depends on it. */
typedef struct {
    const char *name;
    FerryConvertKind kind;
    bool ephemeral; /* its VFs are taken off for migration and save */
    unsigned vlan;  /* 0: none */
} FerryConvertPool;

typedef enum { FERRY_CONVERT_UNKNOWN, FERRY_CONVERT_NO, FERRY_CONVERT_YES } FerryConvertAnswer;

/**
 * What a conversion asks of the host that the guest is for.  Host PCI addresses are in the kernel's
 * form.  The functions are called from the thread that converts, in no particular number.
 */
typedef struct {
    const FerryConvertPool *pools;
    size_t n_pools;
    const FerryClock *clock; /* for UUIDs and MAC addresses */
    void *data;
    /** Returns: (transfer full): NULL-terminated names of the pools that this VF is in */
    char **(*pools_of_vf)(void *data, const char *vf);
    /** Returns: whether the VF is one of the PF that @netdev is, or is a VLAN device of */
    FerryConvertAnswer (*shares_pf)(void *data, const char *netdev, const char *vf);
    /**
     * Returns: (transfer full) (nullable): the kernel's name of the parent that somebody calls
     * @name, as ferry_nodedev_is_named() has it; NULL when there is none such now
     */
    char *(*find_parent)(void *data, const char *name);
    /** @parent: the kernel's name; Returns: whether it offers the type */
    FerryConvertAnswer (*has_type)(void *data, const char *parent, const char *type);
} FerryConvertHost;

typedef enum {
    FERRY_NOTE_CHANGED, /* what was turned into what */
    FERRY_NOTE_WARNING, /* nothing was changed, but the guest may not start like this */
} FerryNoteKind;

/** Something that whoever defines a guest should know. */
typedef struct {
    FerryNoteKind kind;
    long line;  /* of the input, counting from 1 */
    char *text; /* for people, names line and element */
} FerryNote;

/**
 * Turns every form of a guest into libvirt's XML with ferry's metadata (docs/man: ferry-guest(1),
 * "The forms of a guest"): managed mdevs by parent and type, expected facts of an mdev, hybrid NICs
 * by network or by VF, ephemeral devices by attribute or by network.  What libvirt accepts keeps
 * its meaning, and every byte that need not change stays.
 *
 * Done twice, the second time changes nothing and has nothing to say.  Run on libvirt's own XML of
 * a guest that was defined, it finds another place for a hybrid's VF when libvirt has put a device
 * where it was to be plugged.
 *
 * @xml: hostile until read; at most FERRY_DOMAIN_MAX_BYTES
 * @ret: (out) (transfer full)
 * @ret_notes: (out) (transfer full): of FerryNote, in the order in which things were found
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and element, why and what to do, for what
 *          libvirt would refuse in these elements, or accept although it cannot work; both out
 *          parameters untouched
 */
bool ferry_convert_domain(const char *xml,
                          const FerryConvertHost *host,
                          char **ret,
                          GPtrArray **ret_notes,
                          GError **error);
