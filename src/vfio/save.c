#include "vfio/save.h"

#include <errno.h>

#include "base/error.h"
#include "vfio/uapi.h"

#define MAX_INTERRUPTS 1000

bool
ferry_save_begin(FerrySave *self, FerryVfioDevice *device, GError **error)
{
    FerrySave session = { .device = device, .initial_round = 1 };

    if (device->flags != 0 && device->state != FERRY_MIG_STATE_RUNNING) {
        g_set_error(
            error, FERRY_ERROR, FERRY_ERROR_BUSY,
            "cannot save %s: it is in %s, so somebody's session is open. \"ferry-vfio run\" "
            "ends that",
            device->transport->name, ferry_mig_state_name(device->state));
        return false;
    }
    session.open = device->flags != 0;
    *self = session;
    if (device->flags == 0 || (device->flags & FERRY_MIG_PRE_COPY))
        return ferry_vfio_device_move(device, FERRY_MIG_STATE_PRE_COPY, error) &&
               ferry_save_poll(self, error);
    self->initial_done = true; /* there are none */
    return true;
}

static bool
fail_read(const FerrySave *self, int code, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO,
                "cannot read the state of %s in %s after %" G_GUINT64_FORMAT " bytes: %s%s",
                self->device->transport->name, ferry_mig_state_name(self->device->state),
                self->precopy_bytes + self->stop_bytes, g_strerror(code),
                code == ENODEV   ? ". It was reset by somebody"
                : code == ENOMSG ? ". This errno is allowed in PRE_COPY only: a bug of the driver"
                                 : "");
    return false;
}

bool
ferry_save_read(FerrySave *self,
                void *buf,
                size_t size,
                FerrySaveRead *ret,
                size_t *ret_n,
                GError **error)
{
    const FerryTransport *transport = self->device->transport;
    bool stopped = self->device->state == FERRY_MIG_STATE_STOP_COPY;
    FerryIo io = { 0 };

    if (!ferry_mig_state_is_saving(self->device->state)) {
        *ret = FERRY_SAVE_NOTHING_NOW; /* running without PRE_COPY: all comes after the stop */
        return true;
    }
    /* mlx5's wait can be interrupted; a driver that says so for ever is stuck. */
    for (unsigned i = 0; i < MAX_INTERRUPTS; i++) {
        if (!transport->ops->stream_read(transport->data, buf, size, &io, error))
            return false;
        if (io.code != EINTR)
            break;
    }
    if (!stopped && (io.code == ENOMSG || io.code == EAGAIN)) {
        io = (FerryIo){ 0 };
    } else if (io.code != 0) {
        return fail_read(self, io.code, error);
    }

    *ret_n = io.n;
    *ret = io.n > 0 ? FERRY_SAVE_DATA : stopped ? FERRY_SAVE_END : FERRY_SAVE_NOTHING_NOW;
    if (stopped) {
        self->stop_bytes += io.n;
        self->saw_end = io.n == 0;
    } else {
        self->precopy_bytes += io.n;
        /* Without figures the first pause is where the initial data ended. */
        if (io.n == 0 && !self->initial.known)
            self->initial_done = true;
    }
    return true;
}

bool
ferry_save_poll(FerrySave *self, GError **error)
{
    const FerryTransport *transport = self->device->transport;
    FerryPrecopyInfo info = { 0 };

    if (self->device->state != FERRY_MIG_STATE_PRE_COPY &&
        self->device->state != FERRY_MIG_STATE_PRE_COPY_P2P)
        return true;
    if (!transport->ops->precopy_info(transport->data, sizeof(FerryUapiPrecopyInfo), &info, error))
        return false;
    if (info.code != 0) {
        self->initial = self->dirty = (FerrySize){ 0 };
        return true;
    }
    /* REINIT: initial_bytes is a new value, what was done of the old set no longer holds. */
    if (self->device->info_v2 && (info.flags & FERRY_PRECOPY_INFO_REINIT) != 0)
        self->initial_round++;
    self->initial = (FerrySize){ .bytes = info.initial_bytes, .known = true };
    self->dirty = (FerrySize){ .bytes = info.dirty_bytes, .known = true };
    self->initial_done = info.initial_bytes == 0;
    return true;
}

bool
ferry_save_quiet(FerrySave *self, GError **error)
{
    FerryVfioDevice *device = self->device;

    if ((device->flags & FERRY_MIG_P2P) == 0)
        return true;
    return ferry_vfio_device_move(device,
                                  device->flags & FERRY_MIG_PRE_COPY ? FERRY_MIG_STATE_PRE_COPY_P2P
                                                                     : FERRY_MIG_STATE_RUNNING_P2P,
                                  error);
}

bool
ferry_save_stop(FerrySave *self, GError **error)
{
    return ferry_vfio_device_move(self->device, FERRY_MIG_STATE_STOP_COPY, error);
}

bool
ferry_save_finish(FerrySave *self, GError **error)
{
    if (!self->saw_end) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot finish the session of %s: its stream was not read to the end",
                    self->device->transport->name);
        return false;
    }
    if (!ferry_vfio_device_move(self->device, FERRY_MIG_STATE_STOP, error))
        return false;
    self->device->transport->ops->stream_drop(self->device->transport->data);
    self->open = false;
    return true;
}

bool
ferry_save_abort(FerrySave *self, GError **error)
{
    self->open = false;
    return ferry_vfio_device_recover(self->device, error);
}

bool
ferry_save_stop_all(FerrySave *const *sessions, size_t n_sessions, GError **error)
{
    for (size_t i = 0; i < n_sessions && n_sessions > 1; i++) {
        const FerryVfioDevice *device = sessions[i]->device;

        if ((device->flags & FERRY_MIG_P2P) == 0) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                        "cannot stop %zu devices together: %s has no P2P state, so another could "
                        "write to it after its stop",
                        n_sessions, device->transport->name);
            return false;
        }
    }
    for (size_t i = 0; i < n_sessions; i++)
        if (!ferry_save_quiet(sessions[i], error))
            return false;
    for (size_t i = 0; i < n_sessions; i++)
        if (!ferry_save_stop(sessions[i], error))
            return false;
    return true;
}
