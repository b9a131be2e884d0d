#pragma once

#include "sim/device.h"
#include "vfio/device.h"

/** A simulated device that does one thing wrong. */

typedef enum { OP_NONE, OP_FEATURE, OP_READ, OP_WRITE, OP_INFO, OP_RESET, OP_REGION } Op;

/** What a broken driver does instead of its work: once an operation is as the row says, it answers
 * @code and has done nothing. */
typedef struct {
    const char *id; /* the check that must see it */
    Op op;
    uint32_t flags;   /* FEATURE: these and no others; 0: any */
    unsigned argsz;   /* FEATURE, INFO; 0: any */
    unsigned states;  /* the device is in one of these; 0: any */
    unsigned wanted;  /* FEATURE: a SET of this state + 1; 0: any */
    size_t size;      /* READ, WRITE: of so many bytes; 0: any */
    unsigned skip;    /* the first so many go well */
    int code;         /* answered; 0: success */
    size_t n;         /* READ: bytes that come */
    uint64_t payload; /* FEATURE: what comes back, if code is 0 */
    int puts_payload;
    int answers_user; /* the transport says that it is vfio-user */
    SimOptions sim;
} Fault;

/** Returns: (transfer full): a device that works until it has been opened; @fault outlives it */
FerryVfioDevice *faulty_new(const Fault *fault);
