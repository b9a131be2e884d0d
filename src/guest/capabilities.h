#pragma once

#include "guest/connection.h"
#include "xml/domain.h"

/** What a host says of itself. */
typedef struct {
    char *name;            /* as libvirt calls the host */
    char *libvirt_version; /* "11.3.0" */
    char *qemu_version;    /* "10.0.2" */
} FerryHostInfo;

void ferry_host_info_free(FerryHostInfo *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryHostInfo, ferry_host_info_free)

/** @ret: (out) (transfer full) */
bool ferry_guests_host(FerryGuests *self, FerryHostInfo **ret, GError **error);

/** What a host has not that a guest needs. */
typedef enum {
    FERRY_LACK_VIRT_TYPE,   /* "kvm for x86_64" */
    FERRY_LACK_EMULATOR,    /* the QEMU that the guest names: "/opt/qemu/bin/qemu-system-x86_64" */
    FERRY_LACK_MACHINE,     /* machine type "pc-q35-10.1" */
    FERRY_LACK_CPU_MODEL,   /* the model, or libvirt's words when it names no feature */
    FERRY_LACK_CPU_FEATURE, /* one row a feature: "avx512f" */
    FERRY_LACK_HUGE_PAGES,  /* "16 free huge pages of 2048 KiB (3 are free)" */
    FERRY_LACK_TPM,         /* "an emulated TPM (swtpm)" */
    FERRY_LACK_N_KINDS
} FerryLackKind;

typedef struct {
    FerryLackKind kind;
    char *what;
} FerryLack;

void ferry_lack_free(FerryLack *self);

/** Returns: (transfer none): "machine-type", "cpu-feature" …: the reason's code in JSON */
const char *ferry_lack_code(FerryLackKind kind);

/**
 * Asks *this* host's libvirt whether it could run a guest that comes from elsewhere: virtualisation
 * type, machine type, CPU model and features, emulated TPM, free huge pages.
 *
 * @domain: read from the source's *live* XML: there libvirt says what QEMU really gave the guest,
 * while the migratable form repeats the definition (tried: a TCG guest defined as Skylake-Server
 *          runs without AVX-512, says so in its live XML, and moves)
 * @ret: (out) (transfer container): of FerryLack; empty when nothing is missing
 */
bool
ferry_guests_lacks(FerryGuests *self, const FerryDomain *domain, GPtrArray **ret, GError **error);
