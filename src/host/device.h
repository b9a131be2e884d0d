#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** What a device is to us; one may be several: a VF that offers mdev types, a PF that does. */
typedef enum {
    FERRY_HOST_PARENT = 1 << 0, /* offers types of mediated devices */
    FERRY_HOST_MDEV = 1 << 1,   /* is one */
    FERRY_HOST_PF = 1 << 2,     /* can have VFs */
    FERRY_HOST_VF = 1 << 3,     /* is one */
    FERRY_HOST_VGPU = 1 << 4, /* a VF that takes a vGPU type by itself: NVIDIA on kernels >= 6.8 */
} FerryHostRoles;

/**
 * One type of mediated device on one parent, or of vGPU on one VF.
 *
 * The types of a device share what it has: @available of each counts as if the others were not
 * used.  They are alternatives, to be joined with "or"; a sum of them means nothing.
 */
typedef struct {
    char *id;          /* "nvidia-474", "mtty-1"; for a vGPU the number, "474" */
    char *name;        /* (nullable) for people */
    char *description; /* (nullable) lines joined with ", " */
    char *device_api;  /* (nullable) "vfio-pci" */
    uint32_t available;
} FerryHostType;

/** One device of a snapshot.  Only read; it lives as long as its snapshot. */
typedef struct {
    char *name; /* the kernel's: "0000:03:10.0", "mtty", "matrix"; of an mdev its UUID */
    char *bus;  /* "pci", "mdev", "css", "matrix"; "virtual" for what has none */
    char *path; /* in sysfs, without its root: "devices/pci0000:00/…" */
    FerryHostRoles roles;
    char *driver;       /* (nullable) that it is bound to */
    char *device_id;    /* (nullable) of PCI: "808610ca", vendor and device */
    char *subsystem_id; /* (nullable) of PCI, likewise */
    char *class_code;   /* (nullable) of PCI: "20000" */
    int iommu_group;    /* -1: none */
    int numa_node;      /* -1: none */
    char *cdev;         /* (nullable) "vfio0": /dev/vfio/devices/vfio0 */
    char *netdev;       /* (nullable) of a PF, or of a VF that the host uses itself */
    char *link;         /* (nullable) its operstate: "up", "down", "unknown" */
    GPtrArray *ports;   /* (nullable) of FerryPort: of a function with several, @netdev's first */

    char *pf;           /* (nullable) of a VF: its PF's name */
    char *pf_netdev;    /* (nullable) of a VF of a PF with several ports: that of its own port */
    int vf_index;       /* of a VF; -1: its PF has no link to it (yet) */
    char *vf_device_id; /* (nullable) of a PF: its VFs' device_id */
    unsigned total_vfs; /* of a PF */
    GPtrArray *vfs;     /* of a PF: of char *, names by index; NULL where a link is missing */
    bool autoprobe;     /* of a PF: new VFs get the host's own driver */

    GPtrArray *types; /* of FerryHostType, of a parent or vGPU VF; empty: none published yet */
    char *parent;     /* (nullable) of an mdev */
    char *type;       /* (nullable) of an mdev, or the type that a vGPU VF has now */
} FerryHostDevice;

FerryHostDevice *ferry_host_device_new(const char *name, const char *bus);
void ferry_host_device_free(FerryHostDevice *self);

/** Returns: (nullable) (transfer none): the type with that id */
const FerryHostType *ferry_host_device_type(const FerryHostDevice *self, const char *id);

/** Returns: how many VFs a PF has now, by its links (reading sriov_numvfs would wait for its lock)
 */
unsigned ferry_host_device_n_vfs(const FerryHostDevice *self);

/** Appends a type with nothing but its id; returns: (transfer none) */
FerryHostType *ferry_host_device_add_type(FerryHostDevice *self, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryHostDevice, ferry_host_device_free)
