#include "vfio/device.h"

#include <errno.h>

#include "base/error.h"
#include "vfio/uapi.h"

/* Without this, flags of PRECOPY_INFO come back as they were sent and mean nothing.  EINVAL,
 * ENOTTY: an older kernel, or a driver without it.  It holds until the device is closed. */
static bool
opt_in_to_info_v2(FerryVfioDevice *self, GError **error)
{
    FerryFeatureCall call = { .flags = FERRY_FEATURE_SET | FERRY_FEATURE_MIG_PRECOPY_INFO_V2 };

    if (self->transport->kind != FERRY_TRANSPORT_KERNEL || (self->flags & FERRY_MIG_PRE_COPY) == 0)
        return true;
    if (!self->transport->ops->feature(self->transport->data, &call, error))
        return false;
    self->info_v2 = call.code == 0;
    return true;
}

FerryVfioDevice *
ferry_vfio_device_new(FerryTransport *transport, GError **error)
{
    g_autoptr(FerryVfioDevice) self = g_new0(FerryVfioDevice, 1);
    uint64_t flags = 0;
    FerryFeatureCall call = { .flags = FERRY_FEATURE_GET | FERRY_FEATURE_MIGRATION,
                              .payload = &flags,
                              .payload_size = sizeof flags };

    self->transport = transport;
    if (!transport->ops->feature(transport->data, &call, error))
        return NULL;
    self->flags_code = call.code;
    /* Unknown bits are a newer kernel's: what we do not know we do not use. */
    self->flags = call.code == 0 ? flags & FERRY_MIG_ALL : 0;
    self->state = FERRY_MIG_STATE_RUNNING;
    if ((self->flags & FERRY_MIG_STOP_COPY) == 0)
        self->flags = 0;
    if (self->flags != 0 &&
        (!ferry_vfio_device_refresh(self, error) || !opt_in_to_info_v2(self, error)))
        return NULL;
    return g_steal_pointer(&self);
}

void
ferry_vfio_device_free(FerryVfioDevice *self)
{
    if (self == NULL)
        return;
    ferry_transport_free(self->transport);
    g_free(self);
}

bool
ferry_vfio_device_refresh(FerryVfioDevice *self, GError **error)
{
    FerryUapiMigState payload = { .data_fd = -1 };
    FerryFeatureCall call = { .flags = FERRY_FEATURE_GET | FERRY_FEATURE_MIG_DEVICE_STATE,
                              .payload = &payload,
                              .payload_size = sizeof payload };

    if (!self->transport->ops->feature(self->transport->data, &call, error))
        return false;
    if (call.code != 0 || payload.device_state >= FERRY_MIG_N_STATES) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "cannot read the state of %s: %s",
                    self->transport->name,
                    call.code != 0 ? g_strerror(call.code) : "it is not one of the known states");
        return false;
    }
    self->state = (FerryMigState)payload.device_state;
    return true;
}

char *
ferry_vfio_device_why_not(const FerryVfioDevice *self)
{
    if (self->transport->kind == FERRY_TRANSPORT_USER)
        return g_strdup_printf("its server has no migration feature (%s). It has to speak "
                               "migration version 2, by DEVICE_FEATURE",
                               g_strerror(self->flags_code));
    return g_strdup_printf("its driver has no migration feature (%s). Bind the device's own "
                           "variant driver, if there is one",
                           g_strerror(self->flags_code));
}

static bool
refuse_move(const FerryVfioDevice *self, FerryMigState to, GError **error)
{
    if (self->flags == 0) {
        g_autofree char *why = ferry_vfio_device_why_not(self);

        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED, "%s cannot migrate: %s",
                    self->transport->name, why);
        return false;
    }
    if (!ferry_mig_state_in_flags(to, self->flags)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "%s has no state %s: its migration flags are 0x%x", self->transport->name,
                    ferry_mig_state_name(to), (unsigned)self->flags);
        return false;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                "%s cannot go from %s to %s: the specification allows no such move",
                self->transport->name, ferry_mig_state_name(self->state), ferry_mig_state_name(to));
    return false;
}

static bool
failed_move(FerryVfioDevice *self, FerryMigState to, int code, GError **error)
{
    FerryMigState from = self->state;

    if (!ferry_vfio_device_refresh(self, error))
        return false;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO,
                "cannot move %s from %s to %s: %s; it is in %s now", self->transport->name,
                ferry_mig_state_name(from), ferry_mig_state_name(to), g_strerror(code),
                ferry_mig_state_name(self->state));
    return false;
}

bool
ferry_vfio_device_move(FerryVfioDevice *self, FerryMigState to, GError **error)
{
    FerryUapiMigState payload = { .device_state = to, .data_fd = -1 };
    FerryFeatureCall call = { .flags = FERRY_FEATURE_SET | FERRY_FEATURE_MIG_DEVICE_STATE,
                              .payload = &payload,
                              .payload_size = sizeof payload };
    FerryMigPath path = ferry_mig_path(self->state, to, self->flags);

    if (path.move == FERRY_MIG_MOVE_REFUSED)
        return refuse_move(self, to, error);
    if (path.move == FERRY_MIG_MOVE_NONE)
        return true;
    if (!self->transport->ops->feature(self->transport->data, &call, error))
        return false;
    if (call.code != 0)
        return failed_move(self, to, call.code, error);
    self->state = to;
    return true;
}

bool
ferry_vfio_device_reset(FerryVfioDevice *self, GError **error)
{
    int code = 0;

    if (!self->transport->ops->reset(self->transport->data, &code, error))
        return false;
    self->transport->ops->stream_drop(self->transport->data);
    if (code != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "cannot reset %s: %s",
                    self->transport->name, g_strerror(code));
        return false;
    }
    /* libvfio-user keeps the migration state over a reset (since May 2026). */
    return ferry_vfio_device_refresh(self, error) &&
           ferry_vfio_device_move(self, FERRY_MIG_STATE_RUNNING, error);
}

bool
ferry_vfio_device_recover(FerryVfioDevice *self, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (!ferry_vfio_device_refresh(self, error))
        return false;
    /* RESUMING to STOP means "data complete": only a reset ends a load without loading. */
    if (self->state != FERRY_MIG_STATE_RESUMING && self->state != FERRY_MIG_STATE_ERROR &&
        ferry_vfio_device_move(self, FERRY_MIG_STATE_RUNNING, &local)) {
        self->transport->ops->stream_drop(self->transport->data);
        return true;
    }
    return ferry_vfio_device_reset(self, error);
}

bool
ferry_vfio_device_data_size(FerryVfioDevice *self, FerrySize *ret, GError **error)
{
    uint64_t bytes = 0;
    FerryFeatureCall call = { .flags = FERRY_FEATURE_GET | FERRY_FEATURE_MIG_DATA_SIZE,
                              .payload = &bytes,
                              .payload_size = sizeof bytes };

    if (self->transport->kind == FERRY_TRANSPORT_USER) {
        *ret = (FerrySize){ 0 }; /* not one of the protocol's features */
        return true;
    }
    if (!self->transport->ops->feature(self->transport->data, &call, error))
        return false;
    *ret = (FerrySize){ .bytes = bytes, .known = call.code == 0 };
    return true;
}
