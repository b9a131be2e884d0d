#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "xml/device.h"
#include "xml/metadata.h"
#include "xml/obstacle.h"

/** No domain XML longer than this is looked at. */
#define FERRY_DOMAIN_MAX_BYTES ((size_t)1 << 20)

/** A domain XML, read once; a plain value that nothing changes afterwards. */
typedef struct {
    char *name;
    char *uuid;         /* lower case */
    char *type;         /* "kvm", "qemu" */
    char *arch;         /* (nullable) "x86_64" */
    char *machine;      /* (nullable) "pc-q35-10.0" */
    char *emulator;     /* (nullable) path on the host */
    char *loader;       /* (nullable) path of its firmware */
    bool loader_is_raw; /* the file is what the guest sees */
    char *nvram; /* (nullable) path of the guest's own firmware variables, when that is a file */
    char *nvram_template; /* (nullable) what libvirt makes @nvram from where it is not there */
    char *tpm_state; /* (nullable) path of its emulated TPM's state, a file or folder of the host */
    GPtrArray *kernel_files; /* of char *: kernel, initrd and device tree that it boots from */
    uint64_t memory_bytes;
    GArray *page_bytes; /* (nullable) of uint64_t: it sits in huge pages of these sizes, 0 being the
                           host's default */
    char *cpu_xml;      /* (nullable) the <cpu> element, for libvirt to compare */
    GPtrArray *disks;   /* of FerryDisk */
    GPtrArray *devices; /* of FerryDevice, in the order of the XML, disks among them */
    GPtrArray *obstacles; /* of FerryObstacle */
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
 * Returns: false with FERRY_ERROR_INVALID, naming line and element.  So is what libvirt 11.3 lets
 *          pass and ferry must not: one alias twice, one mdev UUID twice (in whatever case), a
 *          transient half of a pair whose other half is not there or has another MAC.  An alias in
 *          ferry's metadata need not exist: an ephemeral device may be off just now
 */
bool ferry_domain_parse(const char *xml, FerryDomain **ret, GError **error);

void ferry_domain_free(FerryDomain *self);

/** Returns: (nullable) (transfer none): the device with that alias */
const FerryDevice *ferry_domain_device(const FerryDomain *self, const char *alias);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryDomain, ferry_domain_free)
