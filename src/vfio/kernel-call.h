#pragma once

#include "vfio/kernel.h"
#include "vfio/uapi.h"
#include "vfio/worker.h"

#define KERNEL_MAX_IO (1024 * 1024)

/** One system call and its memory; counted, see vfio/worker.h.  Private to kernel*.c. */
typedef struct _KernelCall KernelCall;
struct _KernelCall {
    const FerryKernelSystem *system;
    long (*make)(KernelCall *self);
    int fd;
    unsigned long request;
    uint64_t offset;
    size_t size;
    long result;
    int code; /* errno, or 0 */
    union {
        uint8_t bytes[KERNEL_MAX_IO];
        uint64_t align;
        FerryUapiFeature feature;
        FerryUapiPrecopyInfo info;
        FerryUapiRegionInfo region;
    } u;
};

/** Every call that may reach the driver is made by a worker, in memory that it shares with us by
 *  count, so a driver that never answers costs a thread and not the caller. */
typedef struct {
    char *name;
    int timeout_ms;
    FerryWorker *worker;
    KernelCall *call; /* filled in by the caller, unless broken: a late call may still use it */
    bool broken;
} KernelCaller;

void kernel_caller_init(KernelCaller *self,
                        const FerryKernelSystem *system,
                        const char *name,
                        int timeout_ms);
void kernel_caller_clear(KernelCaller *self);

/**
 * The calls.  Each takes what is in @self->call and leaves result and code there.
 *
 * Returns: false with FERRY_ERROR_TIMEOUT when the driver did not come back, now or before
 */
bool
kernel_ioctl(KernelCaller *self, int fd, unsigned long request, const char *what, GError **error);
bool kernel_read(KernelCaller *self, int fd, size_t size, GError **error);
bool kernel_write(KernelCaller *self, int fd, const void *buf, size_t size, GError **error);
/** At @offset of a device's descriptor: all of @size; @ret_code: 0 or an errno */
bool kernel_pread(KernelCaller *self,
                  int fd,
                  uint64_t offset,
                  void *buf,
                  size_t size,
                  int *ret_code,
                  GError **error);
bool kernel_pwrite(KernelCaller *self,
                   int fd,
                   uint64_t offset,
                   const void *buf,
                   size_t size,
                   int *ret_code,
                   GError **error);
