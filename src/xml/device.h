#pragma once

#include <stdbool.h>

#include <glib.h>

/** libxml2's xmlNode, named here so that who reads guests need not include libxml2. */
struct _xmlNode;

/** Whether libvirt and QEMU can take this device off a running guest. */
typedef enum {
    FERRY_PLUG_NO,  /* controllers, consoles, video, IDE disks, whatever sits on q35's bus 0 … */
    FERRY_PLUG_YES, /* NICs, virtio, scsi and usb disks, hostdevs and the like */
} FerryPlug;

/** One child of a domain's <devices>. */
typedef struct {
    char *kind;    /* the element's name: "interface", "hostdev", "disk" */
    char *type;    /* (nullable) its type attribute: "direct", "pci", "mdev", "file" */
    char *model;   /* (nullable) <model type=>, or the model attribute: "virtio", "e1000e" */
    char *alias;   /* (nullable) <alias name=>: an inactive XML has only the user's own, "ua-…" */
    char *address; /* (nullable) guest PCI address: "0000:05:00.0" */
    char *mac;     /* (nullable) of an interface, lower case */
    char *network; /* (nullable) the libvirt network that a NIC is on, whatever type it has live */
    char *listen;  /* (nullable) of graphics: the address that they are given */
    char *source;  /* (nullable) what it is backed by on the host: a network's, netdev's or bridge's
                      name, an mdev's UUID in lower case, a PCI address, a disk's file or device */
    char *teaming_partner; /* (nullable) transient half of a pair: the other's alias; QEMU itself
                              takes such a device off for migration */
    char *rom_file;        /* (nullable) <rom file=>: its option ROM, a path of this host */
    bool rom_off;          /* <rom enabled='no'/> or bar='off': it has none in the guest's memory */
    FerryPlug plug;
    long line;
    char *xml; /* the whole element, as virDomainAttachDeviceFlags takes it */
} FerryDevice;

/** One <disk>, as far as it decides whether the guest can move. */
typedef struct {
    char *target; /* (nullable) "vda" */
    char *device; /* "disk", "cdrom", "floppy", "lun" */
    char *type;   /* "file", "block", "network", "volume", … */
    char *source; /* (nullable) file, device or name; NULL when empty (a cdrom) */
    bool readonly;
    bool shareable;
} FerryDisk;

/**
 * @node: a child of <devices>
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and element, for a PCI address that is none
 *          and an mdev without UUID
 */
bool ferry_device_parse(const struct _xmlNode *node, FerryDevice **ret, GError **error);

/** @node: a child of <devices>, in any form; Returns: what its kind and bus say, not its place */
FerryPlug ferry_device_plug(const struct _xmlNode *node);

void ferry_device_free(FerryDevice *self);

/** @node: a <disk>; Returns: (transfer full) */
FerryDisk *ferry_disk_parse(const struct _xmlNode *node);

void ferry_disk_free(FerryDisk *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryDevice, ferry_device_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryDisk, ferry_disk_free)
