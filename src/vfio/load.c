#include "vfio/load.h"

#include "base/error.h"
#include "vfio/uapi.h"

bool
ferry_load_begin(FerryLoad *self, FerryVfioDevice *device, GError **error)
{
    if (device->flags != 0 && device->state != FERRY_MIG_STATE_RUNNING &&
        device->state != FERRY_MIG_STATE_STOP) {
        g_set_error(
            error, FERRY_ERROR, FERRY_ERROR_BUSY,
            "cannot load %s: it is in %s, so somebody's session is open. \"ferry-vfio run\" "
            "ends that",
            device->transport->name, ferry_mig_state_name(device->state));
        return false;
    }
    if (!ferry_vfio_device_move(device, FERRY_MIG_STATE_RESUMING, error))
        return false;
    *self = (FerryLoad){ .device = device, .open = true };
    return true;
}

static bool
refused(FerryLoad *self, int code, GError **error)
{
    self->failed = true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO,
                "%s refused its state within the first %" G_GUINT64_FORMAT " bytes: %s",
                self->device->transport->name, self->bytes, g_strerror(code));
    return false;
}

bool
ferry_load_write(FerryLoad *self, const void *buf, size_t size, GError **error)
{
    const FerryTransport *transport = self->device->transport;
    FerryIo io = { 0 };

    g_assert(!self->failed);
    if (!transport->ops->stream_write(transport->data, buf, size, &io, error)) {
        self->failed = true;
        return false;
    }
    self->bytes += io.n;
    return io.code == 0 || refused(self, io.code, error);
}

/* Back to a device that runs, empty; its own trouble is added to the reason. */
static bool
fall_back(FerryLoad *self, GError **error)
{
    g_autoptr(GError) local = NULL;

    self->open = false;
    if (ferry_vfio_device_reset(self->device, &local))
        g_prefix_error(error, "the device was reset and is in RUNNING: ");
    else
        g_prefix_error(error, "and then: %s: ", local->message);
    return false;
}

bool
ferry_load_finish(FerryLoad *self, GError **error)
{
    const FerryTransport *transport = self->device->transport;
    int code = 0;

    g_assert(!self->failed);
    if (!transport->ops->stream_settle(transport->data, &code, error))
        return fall_back(self, error);
    if (code != 0) {
        (void)refused(self, code, error);
        return fall_back(self, error);
    }
    if (!ferry_vfio_device_move(self->device, FERRY_MIG_STATE_STOP, error))
        return fall_back(self, error);
    transport->ops->stream_drop(transport->data);
    self->open = false;
    return true;
}

bool
ferry_load_abort(FerryLoad *self, GError **error)
{
    self->open = false;
    return ferry_vfio_device_reset(self->device, error);
}

bool
ferry_load_run_all(FerryLoad *const *sessions, size_t n_sessions, GError **error)
{
    for (size_t i = 0; i < n_sessions; i++)
        if ((sessions[i]->device->flags & FERRY_MIG_P2P) &&
            !ferry_vfio_device_move(sessions[i]->device, FERRY_MIG_STATE_RUNNING_P2P, error))
            return false;
    for (size_t i = 0; i < n_sessions; i++)
        if (!ferry_vfio_device_move(sessions[i]->device, FERRY_MIG_STATE_RUNNING, error))
            return false;
    return true;
}
