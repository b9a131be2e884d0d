#include "sim/transport.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "vfio/uapi.h"

typedef struct {
    SimDevice *device;
    bool broken;
    bool info_v2; /* asked for */
} SimTransport;

/* A drop or a stall, as the real transports report them. */
static bool
arrived(SimTransport *self, const SimAnswer *answer, GError **error)
{
    if (answer->drop || self->broken) {
        self->broken = true;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "the simulated device hung up");
        return false;
    }
    if (answer->stall) {
        self->broken = true;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT,
                    "the simulated device did not answer within 1 ms");
        return false;
    }
    return true;
}

static int
answer_feature(SimTransport *self, FerryFeatureCall *call, SimAnswer *answer)
{
    uint32_t index = call->flags & 0xffff;
    bool get = (call->flags & FERRY_FEATURE_GET) != 0;
    bool set = (call->flags & FERRY_FEATURE_SET) != 0;
    bool probe = (call->flags & FERRY_FEATURE_PROBE) != 0;
    FerryUapiMigState state = { .device_state = sim_device_state(self->device), .data_fd = -1 };

    if ((call->argsz != 0 && call->argsz < 8) || (call->flags & ~0x7ffffu) != 0 ||
        (get && set && !probe))
        return EINVAL;
    if (index != FERRY_FEATURE_MIGRATION && index != FERRY_FEATURE_MIG_DEVICE_STATE &&
        index != FERRY_FEATURE_MIG_DATA_SIZE && index != FERRY_FEATURE_MIG_PRECOPY_INFO_V2)
        return ENOTTY;
    if ((set && (index == FERRY_FEATURE_MIGRATION || index == FERRY_FEATURE_MIG_DATA_SIZE)) ||
        (get && index == FERRY_FEATURE_MIG_PRECOPY_INFO_V2))
        return EINVAL;
    if (index == FERRY_FEATURE_MIG_PRECOPY_INFO_V2 && sim_device_options(self->device)->old_info)
        return ENOTTY;
    if (probe)
        return 0;
    if (index == FERRY_FEATURE_MIG_PRECOPY_INFO_V2) {
        self->info_v2 = (sim_device_options(self->device)->flags & FERRY_MIG_PRE_COPY) != 0;
        return self->info_v2 ? 0 : EINVAL;
    }
    if (call->argsz != 0 && call->argsz < 16 && index != FERRY_FEATURE_MIG_PRECOPY_INFO_V2)
        return EINVAL;
    if (index == FERRY_FEATURE_MIGRATION) {
        memcpy(call->payload, &sim_device_options(self->device)->flags, 8);
    } else if (index == FERRY_FEATURE_MIG_DATA_SIZE) {
        *answer = sim_device_size(self->device, call->payload);
    } else if (index == FERRY_FEATURE_MIG_DEVICE_STATE && get) {
        memcpy(call->payload, &state, sizeof state);
    } else if (index == FERRY_FEATURE_MIG_DEVICE_STATE && set) {
        memcpy(&state, call->payload, sizeof state);
        *answer = sim_device_move(self->device, state.device_state);
    }
    return answer->code;
}

static bool
sim_feature(void *data, FerryFeatureCall *call, GError **error)
{
    SimTransport *self = data;
    SimAnswer answer = { 0 };

    if (!arrived(self, &answer, error))
        return false;
    call->code = answer_feature(self, call, &answer);
    return arrived(self, &answer, error);
}

static bool
sim_read(void *data, void *buf, size_t size, FerryIo *ret, GError **error)
{
    SimTransport *self = data;
    SimAnswer answer = sim_device_read(self->device, buf, size);

    *ret = (FerryIo){ .n = answer.n, .code = answer.code };
    return arrived(self, &answer, error);
}

static bool
sim_write(void *data, const void *buf, size_t size, FerryIo *ret, GError **error)
{
    SimTransport *self = data;
    SimAnswer answer = sim_device_write(self->device, buf, size);

    *ret = (FerryIo){ .n = answer.n, .code = answer.code };
    return arrived(self, &answer, error);
}

static bool
sim_settle(void *data, int *ret_code, GError **error)
{
    SimAnswer answer = { 0 };

    *ret_code = 0;
    return arrived(data, &answer, error);
}

static void
sim_drop(void *data)
{
    (void)data;
}

static bool
sim_precopy_info(void *data, uint32_t argsz, FerryPrecopyInfo *ret, GError **error)
{
    SimTransport *self = data;
    SimInfo info = { 0 };
    SimAnswer answer = { .code = EINVAL };
    bool old = sim_device_options(self->device)->old_info;

    if (argsz >= sizeof(FerryUapiPrecopyInfo))
        answer = sim_device_info(self->device, &info);
    *ret = (FerryPrecopyInfo){ .code = answer.code,
                               .flags = old || (self->info_v2 && info.reinit)
                                            ? FERRY_PRECOPY_INFO_REINIT
                                            : 0,
                               .initial_bytes = info.initial,
                               .dirty_bytes = info.dirty };
    return arrived(self, &answer, error);
}

static bool
sim_reset(void *data, int *ret_code, GError **error)
{
    SimTransport *self = data;
    SimAnswer answer = sim_device_reset(self->device);

    *ret_code = answer.code;
    return arrived(self, &answer, error);
}

static bool
sim_region(void *data,
           uint32_t region,
           uint64_t offset,
           void *buf,
           size_t size,
           int *ret_code,
           GError **error)
{
    SimTransport *self = data;
    uint64_t reg = sim_device_register(self->device);
    SimAnswer answer = { 0 };

    *ret_code = region == SIM_REGION && offset >= SIM_OFFSET && size <= 8 - (offset - SIM_OFFSET)
                    ? 0
                    : EINVAL;
    if (*ret_code == 0)
        memcpy(buf, (const char *)&reg + (offset - SIM_OFFSET), size);
    return arrived(self, &answer, error);
}

static bool
sim_region_write(void *data,
                 uint32_t region,
                 uint64_t offset,
                 const void *buf,
                 size_t size,
                 int *ret_code,
                 GError **error)
{
    SimTransport *self = data;
    uint64_t reg = sim_device_register(self->device);
    SimAnswer answer = { 0 };

    *ret_code = region == SIM_REGION && offset >= SIM_OFFSET && size <= 8 - (offset - SIM_OFFSET)
                    ? 0
                    : EINVAL;
    if (*ret_code == 0) {
        memcpy((char *)&reg + (offset - SIM_OFFSET), buf, size);
        sim_device_set_register(self->device, reg);
    }
    return arrived(self, &answer, error);
}

static const FerryTransportOps sim_ops = {
    .feature = sim_feature,
    .stream_read = sim_read,
    .stream_write = sim_write,
    .stream_settle = sim_settle,
    .stream_drop = sim_drop,
    .precopy_info = sim_precopy_info,
    .reset = sim_reset,
    .region_read = sim_region,
    .region_write = sim_region_write,
    .free = g_free,
};

FerryTransport *
sim_transport_new(SimDevice *device, const char *name)
{
    FerryTransport *transport = g_new0(FerryTransport, 1);
    SimTransport *self = g_new0(SimTransport, 1);

    self->device = device;
    transport->ops = &sim_ops;
    transport->data = self;
    transport->kind = FERRY_TRANSPORT_KERNEL;
    transport->name = g_strdup(name);
    transport->max_read = 1024 * 1024;
    return transport;
}
