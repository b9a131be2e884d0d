/* The kernel's VFIO: the transport's calls as system calls.  kernel-open.c opens the device,
 * kernel-call.c makes each call so that it ends. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "vfio/kernel-open.h"

#define MAX_INTERRUPTS 1000

typedef struct {
    KernelCaller caller;
    KernelDoor door;
    int stream;
} Kernel;

/* A SET of the state may bring a data descriptor; the old one is cut by the kernel but still ours
 * to close.  The kernel writes the structure back on failure too, so only success counts. */
static void
take_stream(Kernel *self, const FerryFeatureCall *feature)
{
    FerryUapiMigState state;

    if ((feature->flags & (0xffff | FERRY_FEATURE_SET | FERRY_FEATURE_PROBE)) !=
            (FERRY_FEATURE_MIG_DEVICE_STATE | FERRY_FEATURE_SET) ||
        feature->code != 0 || feature->payload_size < sizeof state)
        return;
    memcpy(&state, feature->payload, sizeof state);
    if (state.data_fd < 0)
        return;
    ferry_fd_clear(&self->stream);
    self->stream = state.data_fd;
}

static bool
kernel_feature(void *data, FerryFeatureCall *feature, GError **error)
{
    Kernel *self = data;
    KernelCall *call = self->caller.call;
    size_t size = sizeof call->u.feature + feature->payload_size;

    g_assert(feature->payload_size <= FERRY_FEATURE_MAX_PAYLOAD);
    if (!self->caller.broken) {
        memset(call->u.bytes, 0, sizeof call->u.feature + FERRY_FEATURE_MAX_PAYLOAD);
        call->u.feature.argsz = feature->argsz != 0 ? feature->argsz : (uint32_t)size;
        call->u.feature.flags = feature->flags;
        if (feature->payload_size > 0)
            memcpy(call->u.bytes + 8, feature->payload, feature->payload_size);
    }
    if (!kernel_ioctl(&self->caller, self->door.device, FERRY_VFIO_DEVICE_FEATURE,
                      "VFIO_DEVICE_FEATURE", error))
        return false;
    feature->code = call->code;
    if (call->code == 0 && feature->payload_size > 0)
        memcpy(feature->payload, call->u.bytes + 8, feature->payload_size);
    take_stream(self, feature);
    return true;
}

static bool
kernel_stream_read(void *data, void *buf, size_t size, FerryIo *ret, GError **error)
{
    Kernel *self = data;
    KernelCall *call = self->caller.call;

    if (self->stream < 0) {
        *ret = (FerryIo){ .code = EBADF };
        return true;
    }
    if (!kernel_read(&self->caller, self->stream, size, error))
        return false;
    *ret = (FerryIo){ .n = call->result > 0 ? (size_t)call->result : 0, .code = call->code };
    memcpy(buf, call->u.bytes, ret->n);
    return true;
}

static bool
kernel_stream_write(void *data, const void *buf, size_t size, FerryIo *ret, GError **error)
{
    Kernel *self = data;
    KernelCall *call = self->caller.call;
    FerryIo io = { 0 };
    unsigned interrupts = 0;

    if (self->stream < 0)
        io.code = EBADF;
    while (io.n < size && io.code == 0) {
        if (!kernel_write(&self->caller, self->stream, (const char *)buf + io.n,
                          MIN(size - io.n, KERNEL_MAX_IO), error))
            return false;
        if (call->code == EINTR && ++interrupts < MAX_INTERRUPTS)
            continue;
        io.code = call->result == 0 ? EIO : call->code; /* a write of nothing would never end */
        io.n += call->result > 0 ? (size_t)call->result : 0;
    }
    *ret = io;
    return true;
}

static bool
kernel_settle(void *data, int *ret_code, GError **error)
{
    (void)data;
    (void)error;
    *ret_code = 0; /* write() has said it all */
    return true;
}

static void
kernel_drop(void *data)
{
    Kernel *self = data;

    ferry_fd_clear(&self->stream);
}

static bool
kernel_precopy_info(void *data, uint32_t argsz, FerryPrecopyInfo *ret, GError **error)
{
    Kernel *self = data;
    KernelCall *call = self->caller.call;

    if (self->stream < 0) {
        *ret = (FerryPrecopyInfo){ .code = EBADF };
        return true;
    }
    if (!self->caller.broken)
        call->u.info = (FerryUapiPrecopyInfo){ .argsz = argsz };
    if (!kernel_ioctl(&self->caller, self->stream, FERRY_VFIO_MIG_GET_PRECOPY_INFO,
                      "VFIO_MIG_GET_PRECOPY_INFO", error))
        return false;
    *ret = (FerryPrecopyInfo){ .code = call->code,
                               .flags = call->u.info.flags,
                               .initial_bytes = call->u.info.initial_bytes,
                               .dirty_bytes = call->u.info.dirty_bytes };
    return true;
}

static bool
kernel_reset(void *data, int *ret_code, GError **error)
{
    Kernel *self = data;

    if (!kernel_ioctl(&self->caller, self->door.device, FERRY_VFIO_DEVICE_RESET,
                      "VFIO_DEVICE_RESET", error))
        return false;
    *ret_code = self->caller.call->code;
    return true;
}

/* Regions lie at offsets of the device's descriptor. */
static bool
find_region(Kernel *self,
            uint32_t region,
            uint64_t offset,
            size_t size,
            uint64_t *ret_at,
            int *ret_code,
            GError **error)
{
    KernelCall *call = self->caller.call;

    if (!self->caller.broken)
        call->u.region = (FerryUapiRegionInfo){ .argsz = sizeof call->u.region, .index = region };
    if (!kernel_ioctl(&self->caller, self->door.device, FERRY_VFIO_DEVICE_GET_REGION_INFO,
                      "VFIO_DEVICE_GET_REGION_INFO", error))
        return false;
    *ret_code = call->code;
    if (call->code == 0 && (offset > call->u.region.size || size > call->u.region.size - offset))
        *ret_code = EINVAL;
    *ret_at = call->u.region.offset + offset;
    return true;
}

static bool
kernel_region_read(void *data,
                   uint32_t region,
                   uint64_t offset,
                   void *buf,
                   size_t size,
                   int *ret_code,
                   GError **error)
{
    Kernel *self = data;
    uint64_t at = 0;

    return find_region(self, region, offset, size, &at, ret_code, error) &&
           (*ret_code != 0 ||
            kernel_pread(&self->caller, self->door.device, at, buf, size, ret_code, error));
}

static bool
kernel_region_write(void *data,
                    uint32_t region,
                    uint64_t offset,
                    const void *buf,
                    size_t size,
                    int *ret_code,
                    GError **error)
{
    Kernel *self = data;
    uint64_t at = 0;

    return find_region(self, region, offset, size, &at, ret_code, error) &&
           (*ret_code != 0 ||
            kernel_pwrite(&self->caller, self->door.device, at, buf, size, ret_code, error));
}

static void
kernel_free(void *data)
{
    Kernel *self = data;

    ferry_fd_clear(&self->stream);
    ferry_fd_clear(&self->door.device);
    ferry_fd_clear(&self->door.group);
    ferry_fd_clear(&self->door.container);
    kernel_caller_clear(&self->caller);
    g_free(self);
}

static const FerryTransportOps kernel_ops = {
    .feature = kernel_feature,
    .stream_read = kernel_stream_read,
    .stream_write = kernel_stream_write,
    .stream_settle = kernel_settle,
    .stream_drop = kernel_drop,
    .precopy_info = kernel_precopy_info,
    .reset = kernel_reset,
    .region_read = kernel_region_read,
    .region_write = kernel_region_write,
    .free = kernel_free,
};

FerryTransport *
ferry_kernel_open(const FerryKernelSystem *system,
                  FerryKernelDoor door,
                  const char *path,
                  const char *device,
                  int timeout_ms,
                  GError **error)
{
    g_autoptr(FerryTransport) transport = g_new0(FerryTransport, 1);
    Kernel *self = g_new(Kernel, 1);

    *self = (Kernel){ .door = { .device = -1, .group = -1, .container = -1 }, .stream = -1 };
    kernel_caller_init(&self->caller, system, device, timeout_ms);
    *transport = (FerryTransport){ .ops = &kernel_ops,
                                   .data = self,
                                   .kind = FERRY_TRANSPORT_KERNEL,
                                   .name = g_strdup(device),
                                   .max_read = KERNEL_MAX_IO };
    if (door == FERRY_KERNEL_GROUP
            ? kernel_open_group(&self->door, &self->caller, path, device, error)
            : kernel_open_cdev(&self->door, &self->caller, path, error))
        return g_steal_pointer(&transport);
    return NULL;
}
