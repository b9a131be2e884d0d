#pragma once

#include "vfio/device.h"

/**
 * The conformance tester: does a driver, or a vfio-user server, do what the specification says?
 * Each check has an id, what is demanded and where that is written, and what was seen.
 *
 * The device is reset many times, so nothing may depend on it.  Before and after each check it is
 * brought to RUNNING; when that fails, the checks that are left are not run.
 */
typedef enum {
    FERRY_CHECK_PASS,
    FERRY_CHECK_NOTE, /* allowed, but a client has to know it */
    FERRY_CHECK_SKIP, /* the device does not have it */
    FERRY_CHECK_FAIL,
    FERRY_CHECK_N_RESULTS
} FerryCheckResult;

typedef struct {
    const char *id;     /* "load/truncated"; (transfer none) while the tester lives */
    const char *demand; /* what the specification demands, and where */
    FerryCheckResult result;
    char *seen; /* (transfer full) */
} FerryCheckRow;

typedef enum {
    FERRY_CONFORM_SAFE = 0,
    FERRY_CONFORM_UNSAFE = 1, /* also STOP_COPY to PRE_COPY on the kernel: hangs those not fixed */
} FerryConformFlags;

typedef struct {
    FerryConformFlags flags;
    const char *only;      /* (nullable): ids or prefixes of ids, by comma */
    FerryVfioDevice *peer; /* (nullable): load into this one too */
    int has_register;      /* a byte of a region that keeps what is written to it */
    uint32_t region;
    uint64_t offset;
    const int *cancelled; /* (nullable): set by a signal handler: the checks left are not run */
} FerryConformOptions;

/** Returns: (transfer full) (element-type FerryCheckRow): one for each check, in order */
GPtrArray *ferry_conform_run(FerryVfioDevice *device, const FerryConformOptions *options);

/** The same without a device: ids and demands only, all SKIP. */
GPtrArray *ferry_conform_list(void);

/** Returns: (transfer none): "pass" */
const char *ferry_check_result_name(FerryCheckResult result);
