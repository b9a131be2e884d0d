#pragma once

#include "api/handler.h"
#include "base/clock.h"
#include "guest/connection.h"
#include "host/kernel.h"
#include "host/watch.h"
#include "migrate/hybrid.h"
#include "migrate/migrator.h"
#include "pool/pools.h"
#include "store/store.h"
#include "vfio/transport.h"

/** How settings are kept for the next start of the host: in ferryd's configuration. */
typedef struct {
    /**
     * Sets the number of VFs that a PF gets at boot.
     *
     * @names: NULL-terminated: what it may be called; the first is written when none is there
     *
     * Returns: false as ferry_file_write(), or with FERRY_ERROR_INVALID when the file is malformed
     */
    bool (*set_vfs)(void *data, const char *const *names, unsigned n_vfs, GError **error);
} FerryKeepOps;

/** How a device is opened to be asked whether it can migrate. */
typedef struct {
    /** @name: address or UUID.  Returns: as ferry_find_open() */
    FerryTransport *(*open)(void *data, const char *name, GError **error);
} FerryVfioOps;

/** What the resources below are given; all of it outlives the server. */
typedef struct {
    const char *name;              /* this host's, as in its certificate */
    const FerryIdentity *identity; /* NULL: without one no other host can be talked to */
    const FerryClock *clock;
    FerryStore *store;
    FerryGuests *guests;
    const char *memory_tls_dir; /* where QEMU's migration credentials are */
    FerryMigrator *migrator;
    FerryWatch *watch; /* what devices the host has */
    const FerryKernel
        *kernel; /* how they are changed; the process's own, see ferry_mdev_remove() */
    FerryPools *pools;
    FerryHybrids *hybrids;
    const FerryKeepOps *keep;
    void *keep_data;
    const FerryVfioOps *vfio;
    void *vfio_data;
} FerryApi;

/** The protocol between two ferryds: what we speak, and the oldest that we still understand. */
#define FERRY_PROTOCOL     1
#define FERRY_PROTOCOL_MIN 1

/** Whether QEMU has what it needs there to send and to receive guest memory under TLS. */
bool ferry_memory_tls_is_installed(const char *folder);

/** GET /v1/version, GET /v1/peer/version */
extern const FerryRoute ferry_version_routes[];

/** GET, POST /v1/hosts; GET, DELETE /v1/hosts/{}; POST /v1/hosts/{}/check */
extern const FerryRoute ferry_host_routes[];

/** GET /v1/guests, GET /v1/guests/{} */
extern const FerryRoute ferry_guest_routes[];

/** POST /v1/guests, POST /v1/guests/{}/devices */
extern const FerryRoute ferry_guest_define_routes[];

/** GET, POST /v1/pools; GET, DELETE /v1/pools/{} */
extern const FerryRoute ferry_pool_routes[];

/** GET, POST /v1/claims; DELETE /v1/claims/{} */
extern const FerryRoute ferry_claim_routes[];

/** GET /v1/devices, GET /v1/devices/{}, POST /v1/devices/{}/probe */
extern const FerryRoute ferry_device_routes[];

/** GET, POST /v1/mdevs; GET, DELETE /v1/mdevs/{}; GET /v1/mdevs/types */
extern const FerryRoute ferry_mdev_routes[];

/** GET /v1/pfs; GET, POST /v1/pfs/{} */
extern const FerryRoute ferry_pf_routes[];
