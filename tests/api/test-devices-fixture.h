#pragma once

#include "api/resources.h"
#include "api/server.h"
#include "base/error.h"
#include "client/client.h"
#include "tree.h"

/**
 * A host of a synthetic sysfs behind a server on a Unix socket, with the routes of devices,
 * mdevs, PFs, pools and claims.  It has what each test puts into its tree.
 */
typedef struct {
    Tree *tree;
    char *folder, *socket_path;
    FerryKernel kernel;
    FerryStore *store;
    FerryWatch *watch;
    FerryPools *pools;
    FerryApi api;
    FerryServer *server;
    FerryClient *client;
    char *kept;           /* "eth3=7": what was to be kept last */
    FerryErrorCode keeps; /* what keeping fails with; FERRY_ERROR_N_CODES: it does not */
} TestHost;

TestHost *test_host_new(void);
void test_host_free(TestHost *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestHost, test_host_free)

/** As if the kernel had told of a change. */
void test_host_look(TestHost *self);

/** A running process that has a device open: its group.  @guest: (nullable): QEMU's -name */
void test_host_open(TestHost *self, const char *device, const char *guest);

/** A claim of guest "g1" on a slot, or of an mdev. */
void test_host_claim(TestHost *self, const char *slot, const char *uuid);

/** Returns: (transfer full): the body of an answer of @status; of an error {error, message} */
json_t *test_host_call(TestHost *self,
                       const char *method,
                       const char *path,
                       const char *body,
                       unsigned status);

/** The same for an answer with an error: checks its code and message. */
void test_host_error(TestHost *self,
                     const char *method,
                     const char *path,
                     const char *body,
                     FerryErrorCode code,
                     const char *message);

/** Returns: (transfer none) (nullable): text at "a.b", a number between dots being an index; a
 * number there is written as text */
const char *test_text(const json_t *json, const char *path);

/** What test_text() gives at @path; NULL: nothing. */
typedef struct {
    const char *path, *value;
} TestRow;

/** Checks every row against @json. */
void test_rows(const json_t *json, const TestRow *rows, size_t n_rows);
