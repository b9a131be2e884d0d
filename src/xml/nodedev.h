#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/** One <type> that a parent offers. */
typedef struct {
    char *id;         /* "nvidia-474" */
    char *name;       /* (nullable) for people: "GRID X-20C" */
    char *device_api; /* (nullable) "vfio-pci" */
    uint32_t available;
} FerryNodedevType;

/** One vendor attribute, written after an mdev's creation, in this order; names may repeat. */
typedef struct {
    char *name;
    char *value;
} FerryNodedevAttr;

/** A node device, as libvirt writes it; a plain value. */
typedef struct {
    char *name;       /* (nullable) libvirt's: "pci_0000_41_00_0" */
    char *path;       /* (nullable) in sysfs */
    char *parent;     /* (nullable) libvirt's name of the device above */
    char *driver;     /* (nullable) */
    char *capability; /* the outermost one's type: "pci", "mdev", "css", "ap_matrix", "net" … */

    /* of a PCI device */
    char *address;    /* (nullable) the kernel's form, "0000:41:00.0" */
    char *class_code; /* (nullable) "0x030200" */
    char *vendor;     /* (nullable) "0x10de" */
    char *product;    /* (nullable) "0x20b5" */
    char *pf;         /* (nullable) of a VF: its PF's address */
    GPtrArray *vfs;   /* (nullable) of char *: of a PF, empty when it could have some */
    int max_vfs;      /* -1: not told */
    int iommu_group;  /* -1: none told */
    int numa_node;    /* -1: none told */

    GPtrArray *types; /* of FerryNodedevType: what a parent of whatever bus offers */

    /* of an mdev */
    char *type;       /* (nullable) */
    char *uuid;       /* (nullable) lower case */
    GPtrArray *attrs; /* of FerryNodedevAttr */
    bool autostart;   /* <start type='auto'/> */
} FerryNodedev;

/** Returns: (transfer full): an mdev as XML that libvirt and ferry_nodedev_parse() read */
char *ferry_nodedev_format_mdev(const FerryNodedev *mdev);

/**
 * Whether a parent that somebody named is the device that the kernel calls @kernel_name.  Taken are
 * the kernel's own name ("0000:41:00.0", "matrix", "mtty") and libvirt's ("pci_0000_41_00_0",
 * "ap_matrix", "css_0_0_0052", "mtty_mtty").
 */
bool ferry_nodedev_is_named(const char *name, const char *kernel_name);

/**
 * Returns: (transfer full): libvirt's name of a device: ferry_nodedev_name("pci", "0000:41:00.0")
 * is "pci_0000_41_00_0"; of an mdev without the parent that libvirt 8 and later append
 */
char *ferry_nodedev_name(const char *subsystem, const char *kernel_name);

/** @capability: its outermost type, copied; Returns: (transfer full): a device with nothing known
 */
FerryNodedev *ferry_nodedev_new(const char *capability);
void ferry_nodedev_free(FerryNodedev *self);

/** Appends one attribute to @self->attrs; both strings are copied. */
void ferry_nodedev_add_attr(FerryNodedev *self, const char *name, const char *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryNodedev, ferry_nodedev_free)
