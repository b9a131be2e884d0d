#pragma once

#include <stdatomic.h>

#include "vfio/kernel.h"
#include "vfio/mig-state.h"
#include "vfio/uapi.h"

/** The system calls under the kernel's transport, as a test answers them. */

/** A kernel with one device: what was asked, and what is answered. */
typedef struct {
    FerryKernelSystem system;
    const char *fail_path; /* (nullable): open() of it gives fail_code */
    unsigned long fail_request;
    int fail_code;
    unsigned stuck_ms; /* the failing request does not come back for so long */
    uint32_t group_flags;
    FerryMigState state;
    GString *opened; /* paths, by comma */
    char device[64]; /* that the group was asked for */
    unsigned long iommu_type;
    FerryUapiBindIommufd bound;
    int device_fd;
    int stream_fd; /* the latest */
    FerryUapiPrecopyInfo info;
    long read_result; /* bytes, or minus an errno */
    GByteArray *written;
    unsigned n_interrupts; /* that write() gives first */
    uint8_t region[16];
    atomic_uint n_calls;
    atomic_uint n_late; /* calls that were stuck and came back */
} FakeKernel;

/** For g_test_add(): a kernel whose device is RUNNING, in a viable group. */
void fake_kernel_set_up(FakeKernel *fake, gconstpointer data);
void fake_kernel_tear_down(FakeKernel *fake, gconstpointer data);
