#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "xml/metadata.h"

/** No domain XML longer than this is looked at. */
#define FERRY_DOMAIN_MAX_BYTES ((size_t)1 << 20)

/** Whether libvirt and QEMU can take this kind of device off a running guest. */
typedef enum {
    FERRY_PLUG_NO,  /* controllers, consoles, video, memballoon, IDE disks … */
    FERRY_PLUG_YES, /* PCI NIC, virtio or scsi or usb disk, hostdev, and the like */
} FerryPlug;

/** One child of <devices>. */
typedef struct {
    char *kind;    /* the element's name: "interface", "hostdev", "disk" */
    char *type;    /* (nullable) its type attribute: "direct", "pci", "mdev", "file" */
    char *model;   /* (nullable) <model type=>, or the model attribute: "virtio", "e1000e" */
    char *alias;   /* (nullable) <alias name=>: an inactive XML has only the user's own, "ua-…" */
    char *address; /* (nullable) guest PCI address: "0000:05:00.0" */
    char *mac;     /* (nullable) of an interface, as written */
    char *source;  /* (nullable) what it is backed by on the host: a network's, netdev's or bridge's
                      name, an mdev's UUID, a PCI address, a disk's file or device */
    bool teaming_transient; /* <teaming type='transient'>: QEMU itself takes it off for migration */
    FerryPlug plug;
    unsigned line;
    char *xml; /* the whole element, as virDomainAttachDeviceFlags takes it */
} FerryDevice;

/** One <disk>. */
typedef struct {
    char *target; /* "vda" */
    char *device; /* "disk", "cdrom", "floppy", "lun" */
    char *type;   /* "file", "block", "network", "volume", … */
    char *source; /* (nullable) file, device or network name; NULL when empty (a cdrom) */
    bool readonly;
    bool shareable;
} FerryDisk;

/** <cpu>: what the guest's processor is made of. */
typedef struct {
    char *mode;          /* (nullable) "custom", "host-model", "host-passthrough", "maximum" */
    char *model;         /* (nullable) "qemu64" */
    GPtrArray *required; /* of char *: features with policy require or force */
    GPtrArray *disabled; /* of char *: features with policy disable or forbid */
    char *xml;           /* the whole element */
} FerryDomainCpu;

/** A domain XML, read once; a plain value that nothing changes afterwards. */
typedef struct {
    char *name;
    char *uuid;     /* lower case */
    char *type;     /* "kvm", "qemu" */
    char *arch;     /* (nullable) "x86_64" */
    char *machine;  /* (nullable) "pc-q35-10.0" */
    char *emulator; /* (nullable) path on the host */
    char *nvram;    /* (nullable) path of the guest's own firmware variables */
    bool tpm_state; /* has an emulated TPM: its state is a file of this host */
    uint64_t memory_bytes;
    FerryDomainCpu *cpu; /* (nullable) */
    GPtrArray *disks;    /* of FerryDisk */
    GPtrArray *devices;  /* of FerryDevice, in the order of the XML, disks among them */
    FerryMetadata *metadata;
} FerryDomain;

/**
 * Reads a domain XML: libvirt's own output, a user's file or a peer's text; it is hostile until
 * read. Longer than FERRY_DOMAIN_MAX_BYTES, a DOCTYPE or nesting without measure are refused;
 * nothing is fetched.  Elements that ferry has no use for are skipped, ferry's own metadata is read
 * strictly.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and element.  The same for what libvirt
 *          stands but ferry must not: one alias twice, one mdev UUID twice (in whatever case), a
 *          ferry element whose alias no device has when the XML has any user alias … see domain.c
 */
bool ferry_domain_parse(const char *xml, FerryDomain **ret, GError **error);

void ferry_domain_free(FerryDomain *self);

/** Returns: (nullable) (transfer none): the device with that alias */
const FerryDevice *ferry_domain_device(const FerryDomain *self, const char *alias);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryDomain, ferry_domain_free)
