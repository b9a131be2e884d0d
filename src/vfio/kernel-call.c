#include "vfio/kernel-call.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

void
kernel_caller_init(KernelCaller *self,
                   const FerryKernelSystem *system,
                   const char *name,
                   int timeout_ms)
{
    *self = (KernelCaller){ .name = g_strdup(name),
                            .timeout_ms = timeout_ms,
                            .worker = ferry_worker_new(),
                            .call = g_atomic_rc_box_new0(KernelCall) };
    self->call->system = system;
}

void
kernel_caller_clear(KernelCaller *self)
{
    ferry_worker_free(self->worker);
    g_atomic_rc_box_release(self->call);
    g_free(self->name);
}

static long
make_ioctl(KernelCall *call)
{
    return call->system->ioctl(call->system->data, call->fd, call->request, call->u.bytes);
}

static long
make_read(KernelCall *call)
{
    return call->system->read(call->system->data, call->fd, call->u.bytes, call->size);
}

static long
make_write(KernelCall *call)
{
    return call->system->write(call->system->data, call->fd, call->u.bytes, call->size);
}

static long
make_pread(KernelCall *call)
{
    return call->system->pread(call->system->data, call->fd, call->u.bytes, call->size,
                               call->offset);
}

static long
make_pwrite(KernelCall *call)
{
    return call->system->pwrite(call->system->data, call->fd, call->u.bytes, call->size,
                                call->offset);
}

static void
run_call(void *argument)
{
    KernelCall *call = argument;

    call->result = call->make(call);
    call->code = call->result < 0 ? errno : 0;
}

static bool
check_usable(const KernelCaller *self, GError **error)
{
    if (!self->broken)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                "%s cannot be used any more: its driver is stuck in an earlier call", self->name);
    return false;
}

static bool
run(KernelCaller *self, long (*make)(KernelCall *call), int fd, const char *what, GError **error)
{
    if (!check_usable(self, error))
        return false;
    self->call->make = make;
    self->call->fd = fd;
    if (ferry_worker_run(self->worker, run_call, self->call, self->timeout_ms))
        return true;
    self->broken = true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                "the driver of %s did not come back from %s within %d ms", self->name, what,
                self->timeout_ms);
    return false;
}

bool
kernel_ioctl(KernelCaller *self, int fd, unsigned long request, const char *what, GError **error)
{
    if (!self->broken)
        self->call->request = request;
    return run(self, make_ioctl, fd, what, error);
}

bool
kernel_read(KernelCaller *self, int fd, size_t size, GError **error)
{
    if (!self->broken)
        self->call->size = MIN(size, KERNEL_MAX_IO);
    return run(self, make_read, fd, "read()", error);
}

/* Puts @size bytes where the call finds them. */
static void
load(KernelCaller *self, uint64_t offset, const void *buf, size_t size)
{
    g_assert(size <= KERNEL_MAX_IO);
    if (self->broken)
        return;
    self->call->offset = offset;
    self->call->size = size;
    if (buf != NULL)
        memcpy(self->call->u.bytes, buf, size);
}

bool
kernel_write(KernelCaller *self, int fd, const void *buf, size_t size, GError **error)
{
    load(self, 0, buf, size);
    return run(self, make_write, fd, "write()", error);
}

/* A register is read or written whole or not at all. */
static int
whole(const KernelCall *call)
{
    return call->result == (long)call->size ? 0 : call->code != 0 ? call->code : EIO;
}

bool
kernel_pread(KernelCaller *self,
             int fd,
             uint64_t offset,
             void *buf,
             size_t size,
             int *ret_code,
             GError **error)
{
    load(self, offset, NULL, size);
    if (!run(self, make_pread, fd, "pread()", error))
        return false;
    *ret_code = whole(self->call);
    if (*ret_code == 0)
        memcpy(buf, self->call->u.bytes, size);
    return true;
}

bool
kernel_pwrite(KernelCaller *self,
              int fd,
              uint64_t offset,
              const void *buf,
              size_t size,
              int *ret_code,
              GError **error)
{
    load(self, offset, buf, size);
    if (!run(self, make_pwrite, fd, "pwrite()", error))
        return false;
    *ret_code = whole(self->call);
    return true;
}
