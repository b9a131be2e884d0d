/*
 * The kernel's VFIO.  Every call that may reach the driver is made by a worker, in memory that it
 * shares with us by count, so a driver that never answers costs a thread and not the caller.
 */
#include "vfio/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "vfio/uapi.h"
#include "vfio/worker.h"

#define MAX_IO (1024 * 1024)

/* One system call and its memory; counted, see vfio/worker.h. */
typedef struct _Call Call;
struct _Call {
    long (*make)(Call *self);
    int fd;
    unsigned long request;
    uint64_t offset;
    size_t size;
    long result;
    int code;
    union {
        uint8_t bytes[MAX_IO];
        uint64_t align;
        FerryUapiFeature feature;
        FerryUapiPrecopyInfo info;
        FerryUapiRegionInfo region;
    } u;
};

typedef struct {
    char *name;
    int timeout_ms;
    FerryWorker *worker;
    Call *call;
    int device;
    int group;
    int container; /* or the iommufd */
    int stream;
    bool broken;
} Kernel;

static long
make_ioctl(Call *call)
{
    return ioctl(call->fd, call->request, call->u.bytes);
}

static long
make_read(Call *call)
{
    return read(call->fd, call->u.bytes, call->size);
}

static long
make_write(Call *call)
{
    return write(call->fd, call->u.bytes, call->size);
}

static long
make_pread(Call *call)
{
    return pread(call->fd, call->u.bytes, call->size, (off_t)call->offset);
}

static long
make_pwrite(Call *call)
{
    return pwrite(call->fd, call->u.bytes, call->size, (off_t)call->offset);
}

static void
run_call(void *argument)
{
    Call *call = argument;

    call->result = call->make(call);
    call->code = call->result < 0 ? errno : 0;
}

static bool
run(Kernel *self, long (*make)(Call *call), const char *what, GError **error)
{
    if (self->broken) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                    "%s cannot be used any more: its driver is stuck in an earlier call",
                    self->name);
        return false;
    }
    self->call->make = make;
    if (ferry_worker_run(self->worker, run_call, self->call, self->timeout_ms))
        return true;
    self->broken = true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                "the driver of %s did not come back from %s within %d ms", self->name, what,
                self->timeout_ms);
    return false;
}

static bool
run_ioctl(Kernel *self, int fd, unsigned long request, const char *what, GError **error)
{
    self->call->fd = fd;
    self->call->request = request;
    return run(self, make_ioctl, what, error);
}

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
    Call *call = self->call;
    size_t size = sizeof call->u.feature + feature->payload_size;

    g_assert(feature->payload_size <= FERRY_FEATURE_MAX_PAYLOAD);
    if (!self->broken) {
        memset(call->u.bytes, 0, sizeof call->u.feature + FERRY_FEATURE_MAX_PAYLOAD);
        call->u.feature.argsz = feature->argsz != 0 ? feature->argsz : (uint32_t)size;
        call->u.feature.flags = feature->flags;
        if (feature->payload_size > 0)
            memcpy(call->u.bytes + 8, feature->payload, feature->payload_size);
    }
    if (!run_ioctl(self, self->device, FERRY_VFIO_DEVICE_FEATURE, "VFIO_DEVICE_FEATURE", error))
        return false;
    feature->code = call->code;
    if (call->code == 0 && feature->payload_size > 0)
        memcpy(feature->payload, call->u.bytes + 8, feature->payload_size);
    take_stream(self, feature);
    return true;
}

static bool
kernel_read(void *data, void *buf, size_t size, FerryIo *ret, GError **error)
{
    Kernel *self = data;
    Call *call = self->call;

    if (self->stream < 0) {
        *ret = (FerryIo){ .code = EBADF };
        return true;
    }
    if (!self->broken) {
        call->fd = self->stream;
        call->size = MIN(size, MAX_IO);
    }
    if (!run(self, make_read, "read()", error))
        return false;
    *ret = (FerryIo){ .n = call->result > 0 ? (size_t)call->result : 0, .code = call->code };
    memcpy(buf, call->u.bytes, ret->n);
    return true;
}

static bool
kernel_write(void *data, const void *buf, size_t size, FerryIo *ret, GError **error)
{
    Kernel *self = data;
    Call *call = self->call;
    FerryIo io = { 0 };

    if (self->stream < 0)
        io.code = EBADF;
    while (io.n < size && io.code == 0) {
        if (!self->broken) {
            call->fd = self->stream;
            call->size = MIN(size - io.n, MAX_IO);
            memcpy(call->u.bytes, (const char *)buf + io.n, call->size);
        }
        if (!run(self, make_write, "write()", error))
            return false;
        if (call->code == EINTR)
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
    Call *call = self->call;

    if (self->stream < 0) {
        *ret = (FerryPrecopyInfo){ .code = EBADF };
        return true;
    }
    if (!self->broken)
        call->u.info = (FerryUapiPrecopyInfo){ .argsz = argsz };
    if (!run_ioctl(self, self->stream, FERRY_VFIO_MIG_GET_PRECOPY_INFO, "VFIO_MIG_GET_PRECOPY_INFO",
                   error))
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

    if (!run_ioctl(self, self->device, FERRY_VFIO_DEVICE_RESET, "VFIO_DEVICE_RESET", error))
        return false;
    *ret_code = self->call->code;
    return true;
}

/* Regions lie at offsets of the device's descriptor. */
static bool
region_call(Kernel *self,
            uint32_t region,
            uint64_t offset,
            size_t size,
            int *ret_code,
            GError **error)
{
    Call *call = self->call;

    if (!self->broken)
        call->u.region = (FerryUapiRegionInfo){ .argsz = sizeof call->u.region, .index = region };
    if (!run_ioctl(self, self->device, FERRY_VFIO_DEVICE_GET_REGION_INFO,
                   "VFIO_DEVICE_GET_REGION_INFO", error))
        return false;
    *ret_code = call->code;
    if (call->code == 0 && (offset > call->u.region.size || size > call->u.region.size - offset))
        *ret_code = EINVAL;
    call->offset = call->u.region.offset + offset;
    call->fd = self->device;
    call->size = size;
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

    g_assert(size <= MAX_IO);
    if (!region_call(self, region, offset, size, ret_code, error))
        return false;
    if (*ret_code != 0)
        return true;
    if (!run(self, make_pread, "pread()", error))
        return false;
    *ret_code = self->call->result == (long)size ? 0
                : self->call->code != 0          ? self->call->code
                                                 : EIO;
    if (*ret_code == 0)
        memcpy(buf, self->call->u.bytes, size);
    return true;
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

    g_assert(size <= MAX_IO);
    if (!region_call(self, region, offset, size, ret_code, error))
        return false;
    if (*ret_code != 0)
        return true;
    memcpy(self->call->u.bytes, buf, size);
    if (!run(self, make_pwrite, "pwrite()", error))
        return false;
    *ret_code = self->call->result == (long)size ? 0
                : self->call->code != 0          ? self->call->code
                                                 : EIO;
    return true;
}

static void
kernel_free(void *data)
{
    Kernel *self = data;

    ferry_fd_clear(&self->stream);
    ferry_fd_clear(&self->device);
    ferry_fd_clear(&self->group);
    ferry_fd_clear(&self->container);
    ferry_worker_free(self->worker);
    g_atomic_rc_box_release(self->call);
    g_free(self->name);
    g_free(self);
}

static const FerryTransportOps kernel_ops = {
    .feature = kernel_feature,
    .stream_read = kernel_read,
    .stream_write = kernel_write,
    .stream_settle = kernel_settle,
    .stream_drop = kernel_drop,
    .precopy_info = kernel_precopy_info,
    .reset = kernel_reset,
    .region_read = kernel_region_read,
    .region_write = kernel_region_write,
    .free = kernel_free,
};

static int
open_node(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0 && errno == EBUSY)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "cannot open %s: somebody else has the device open, a guest perhaps", path);
    else if (fd < 0)
        (void)ferry_error_set_errno(error, errno, "open", path);
    return fd;
}

/* An ioctl of the opening, made by the worker like all others. */
static bool
open_ioctl(Kernel *self,
           int fd,
           unsigned long request,
           const void *argument,
           size_t size,
           const char *what,
           GError **error)
{
    memcpy(self->call->u.bytes, argument, size);
    if (!run_ioctl(self, fd, request, what, error))
        return false;
    if (self->call->code == 0)
        return true;
    g_set_error(
        error, FERRY_ERROR,
        self->call->code == EBUSY || self->call->code == EINVAL ? FERRY_ERROR_BUSY : FERRY_ERROR_IO,
        "cannot open %s: %s: %s%s", self->name, what, g_strerror(self->call->code),
        self->call->code == EBUSY || self->call->code == EINVAL ? ". Somebody else may have it open"
                                                                : "");
    return false;
}

static bool
open_by_group(Kernel *self, const char *path, const char *device, GError **error)
{
    const uint32_t status[] = { 8, 0 };
    uint32_t flags = 0;

    self->container = open_node("/dev/vfio/vfio", error);
    if (self->container < 0)
        return false;
    self->group = open_node(path, error);
    if (self->group < 0 || !open_ioctl(self, self->group, FERRY_VFIO_GROUP_GET_STATUS, status,
                                       sizeof status, "VFIO_GROUP_GET_STATUS", error))
        return false;
    memcpy(&flags, self->call->u.bytes + 4, sizeof flags);
    if ((flags & FERRY_VFIO_GROUP_FLAGS_VIABLE) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "cannot open %s: %s is not viable: each device in it must be bound to vfio",
                    self->name, path);
        return false;
    }
    if (!open_ioctl(self, self->group, FERRY_VFIO_GROUP_SET_CONTAINER, &self->container,
                    sizeof self->container, "VFIO_GROUP_SET_CONTAINER", error))
        return false;
    /* The type is the argument itself, not a pointer to it: and no driver is asked, so no worker.
     */
    if (ioctl(self->container, FERRY_VFIO_SET_IOMMU, FERRY_VFIO_TYPE1V2_IOMMU) != 0) {
        (void)ferry_error_set_errno(error, errno, "set the IOMMU type of the container for",
                                    self->name);
        return false;
    }
    if (!open_ioctl(self, self->group, FERRY_VFIO_GROUP_GET_DEVICE_FD, device, strlen(device) + 1,
                    "VFIO_GROUP_GET_DEVICE_FD", error))
        return false;
    self->device = (int)self->call->result;
    return true;
}

static bool
open_by_cdev(Kernel *self, const char *path, GError **error)
{
    FerryUapiBindIommufd bind = { .argsz = sizeof bind };

    self->device = open_node(path, error);
    if (self->device < 0)
        return false;
    self->container = open_node("/dev/iommu", error);
    bind.iommufd = self->container;
    return self->container >= 0 &&
           open_ioctl(self, self->device, FERRY_VFIO_DEVICE_BIND_IOMMUFD, &bind, sizeof bind,
                      "VFIO_DEVICE_BIND_IOMMUFD", error);
}

FerryTransport *
ferry_kernel_open(FerryKernelDoor door,
                  const char *path,
                  const char *device,
                  int timeout_ms,
                  GError **error)
{
    g_autoptr(FerryTransport) transport = g_new0(FerryTransport, 1);
    Kernel *self = g_new(Kernel, 1);

    *self = (Kernel){ .name = g_strdup(device),
                      .timeout_ms = timeout_ms,
                      .worker = ferry_worker_new(),
                      .call = g_atomic_rc_box_new0(Call),
                      .device = -1,
                      .group = -1,
                      .container = -1,
                      .stream = -1 };
    transport->ops = &kernel_ops;
    transport->data = self;
    transport->kind = FERRY_TRANSPORT_KERNEL;
    transport->name = g_strdup(device);
    transport->max_read = MAX_IO;
    if (door == FERRY_KERNEL_GROUP ? open_by_group(self, path, device, error)
                                   : open_by_cdev(self, path, error))
        return g_steal_pointer(&transport);
    return NULL;
}
