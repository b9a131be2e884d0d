#include "faulty.h"

#include <string.h>

#include "sim/transport.h"

typedef struct {
    FerryTransport *inner;
    SimDevice *sim;
    const Fault *fault; /* (nullable): NULL: works */
    unsigned n_seen;
} Faulty;

static bool
hits(Faulty *self, Op op, unsigned argsz, size_t size)
{
    const Fault *fault = self->fault;

    if (fault == NULL || fault->op != op ||
        (fault->states != 0 && (fault->states & 1u << sim_device_state(self->sim)) == 0) ||
        (fault->argsz != 0 && fault->argsz != argsz) || (fault->size != 0 && fault->size != size))
        return false;
    return self->n_seen++ >= fault->skip;
}

static bool
faulty_feature(void *data, FerryFeatureCall *call, GError **error)
{
    Faulty *self = data;
    const Fault *fault = self->fault;
    uint32_t to = call->payload_size >= 4 ? *(uint32_t *)call->payload : 0;

    if (fault == NULL || (fault->flags != 0 && fault->flags != call->flags) ||
        (fault->wanted != 0 && fault->wanted != to + 1) || !hits(self, OP_FEATURE, call->argsz, 0))
        return self->inner->ops->feature(self->inner->data, call, error);
    call->code = fault->code;
    if (fault->puts_payload)
        memcpy(call->payload, &fault->payload, MIN(call->payload_size, 8));
    return true;
}

static bool
faulty_read(void *data, void *buf, size_t size, FerryIo *ret, GError **error)
{
    Faulty *self = data;

    if (!hits(self, OP_READ, 0, size))
        return self->inner->ops->stream_read(self->inner->data, buf, size, ret, error);
    *ret = (FerryIo){ .n = MIN(self->fault->n, size), .code = self->fault->code };
    memset(buf, 0, ret->n);
    return true;
}

static bool
faulty_write(void *data, const void *buf, size_t size, FerryIo *ret, GError **error)
{
    Faulty *self = data;

    if (!hits(self, OP_WRITE, 0, size))
        return self->inner->ops->stream_write(self->inner->data, buf, size, ret, error);
    *ret = (FerryIo){ .n = size, .code = self->fault->code };
    return true;
}

static bool
faulty_settle(void *data, int *ret_code, GError **error)
{
    Faulty *self = data;

    return self->inner->ops->stream_settle(self->inner->data, ret_code, error);
}

static void
faulty_drop(void *data)
{
    Faulty *self = data;

    self->inner->ops->stream_drop(self->inner->data);
}

static bool
faulty_info(void *data, uint32_t argsz, FerryPrecopyInfo *ret, GError **error)
{
    Faulty *self = data;

    if (!hits(self, OP_INFO, argsz, 0))
        return self->inner->ops->precopy_info(self->inner->data, argsz, ret, error);
    *ret = (FerryPrecopyInfo){ .code = self->fault->code };
    return true;
}

static bool
faulty_reset(void *data, int *ret_code, GError **error)
{
    Faulty *self = data;

    if (!hits(self, OP_RESET, 0, 0))
        return self->inner->ops->reset(self->inner->data, ret_code, error);
    *ret_code = self->fault->code;
    return true;
}

static bool
faulty_region_read(void *data,
                   uint32_t region,
                   uint64_t offset,
                   void *buf,
                   size_t size,
                   int *ret_code,
                   GError **error)
{
    Faulty *self = data;

    if (!self->inner->ops->region_read(self->inner->data, region, offset, buf, size, ret_code,
                                       error))
        return false;
    if (hits(self, OP_REGION, 0, 0))
        memset(buf, 0x11, size);
    return true;
}

static bool
faulty_region_write(void *data,
                    uint32_t region,
                    uint64_t offset,
                    const void *buf,
                    size_t size,
                    int *ret_code,
                    GError **error)
{
    Faulty *self = data;

    return self->inner->ops->region_write(self->inner->data, region, offset, buf, size, ret_code,
                                          error);
}

static void
faulty_free(void *data)
{
    Faulty *self = data;

    ferry_transport_free(self->inner);
    sim_device_free(self->sim);
    g_free(self);
}

static const FerryTransportOps faulty_ops = {
    .feature = faulty_feature,
    .stream_read = faulty_read,
    .stream_write = faulty_write,
    .stream_settle = faulty_settle,
    .stream_drop = faulty_drop,
    .precopy_info = faulty_info,
    .reset = faulty_reset,
    .region_read = faulty_region_read,
    .region_write = faulty_region_write,
    .free = faulty_free,
};

FerryVfioDevice *
faulty_new(const Fault *fault)
{
    SimOptions options = fault->sim;
    FerryTransport *transport = g_new0(FerryTransport, 1);
    Faulty *self = g_new0(Faulty, 1);
    FerryVfioDevice *device = NULL;

    if (options.state_bytes == 0)
        options.state_bytes = 20000;
    self->sim = sim_device_new(&options);
    self->inner = sim_transport_new(self->sim, "sim");
    *transport = (FerryTransport){ .ops = &faulty_ops,
                                   .data = self,
                                   .kind = FERRY_TRANSPORT_KERNEL,
                                   .name = g_strdup("faulty"),
                                   .max_read = self->inner->max_read };
    device = ferry_vfio_device_new(transport, NULL);
    g_assert_nonnull(device);
    if (fault->answers_user)
        transport->kind = FERRY_TRANSPORT_USER;
    self->fault = fault; /* from here on it misbehaves */
    return device;
}
