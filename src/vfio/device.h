#pragma once

#include "vfio/mig-state.h"
#include "vfio/transport.h"

/**
 * An opened device as the sessions see it: known flags, known state, moves that are legal.
 *
 * The known state is read again after every failure, because a failed request may leave the device
 * anywhere along its path.  A move that the state machine forbids is never sent: from ERROR the
 * kernel warns (which kills a host that panics on warnings), and STOP_COPY to PRE_COPY hangs some
 * kernels.  One thread at a time uses a device.
 */
typedef struct {
    FerryTransport *transport;
    uint64_t flags; /* FERRY_MIG_…; 0: it cannot migrate */
    int flags_code; /* why not: the errno that the MIGRATION feature answered with */
    FerryMigState state;
    bool info_v2; /* PRECOPY_INFO says when a new set of initial data began (Linux 7.1) */
} FerryVfioDevice;

/** A number that may not be known.  Unknown is not 0. */
typedef struct {
    uint64_t bytes;
    bool known;
} FerrySize;

/**
 * Asks an opened device what it can do and where it stands.
 *
 * @transport: (transfer full): taken, on failure too
 *
 * Returns: (transfer full): NULL with the transport's error; a device that cannot migrate is no
 *          error
 */
FerryVfioDevice *ferry_vfio_device_new(FerryTransport *transport, GError **error);

/** Returns: (transfer full): why a device without flags cannot migrate, and what to do */
char *ferry_vfio_device_why_not(const FerryVfioDevice *self);

/** Closes it: with the kernel that ends the session, and the driver resets the device. */
void ferry_vfio_device_free(FerryVfioDevice *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryVfioDevice, ferry_vfio_device_free)

/** Asks for the state; @self->state is set. */
bool ferry_vfio_device_refresh(FerryVfioDevice *self, GError **error);

/**
 * Moves the device, through inner states if need be; does nothing when it is there already.
 *
 * Returns: false with FERRY_ERROR_UNSUPPORTED when the device's flags lack the state,
 *          FERRY_ERROR_INVALID when no legal way exists, FERRY_ERROR_IO when the driver refused
 *          (the message says where the device stands now), or the transport's error
 */
bool ferry_vfio_device_move(FerryVfioDevice *self, FerryMigState to, GError **error);

/**
 * Brings the device to RUNNING from wherever it is: by a legal move, else by reset.  The stream
 * of a session, if one is open, is dropped.
 */
bool ferry_vfio_device_recover(FerryVfioDevice *self, GError **error);

/** VFIO_DEVICE_RESET and a look at the state: RUNNING in the kernel, not so in some servers, from
 *  where it is moved on. */
bool ferry_vfio_device_reset(FerryVfioDevice *self, GError **error);

/** Reads MIG_DATA_SIZE; a driver without it, or that cannot tell now, makes it unknown. */
bool ferry_vfio_device_data_size(FerryVfioDevice *self, FerrySize *ret, GError **error);
