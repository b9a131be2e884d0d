#pragma once

#include "api/handler.h"
#include "base/clock.h"
#include "guest/connection.h"
#include "host/kernel.h"
#include "host/watch.h"
#include "migrate/migrator.h"
#include "pool/pools.h"
#include "store/store.h"

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

/** GET, POST /v1/pools; GET, DELETE /v1/pools/{} */
extern const FerryRoute ferry_pool_routes[];

/** GET, POST /v1/claims; DELETE /v1/claims/{} */
extern const FerryRoute ferry_claim_routes[];
