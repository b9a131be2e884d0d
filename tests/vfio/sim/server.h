#pragma once

#include "sim/device.h"

/**
 * A vfio-user server for one simulated device, after docs/interop/vfio-user.rst of QEMU, and, when
 * asked, with what libvfio-user does differently.  It shares no code with the client.
 *
 * It answers one client after another; the device keeps its state in between.
 */
typedef struct _SimServer SimServer;

typedef struct {
    unsigned libvfio_user : 1; /* pads each data reply to what was asked, says data_fd 0, refuses
                                  RESET and INFO in STOP and STOP_COPY */
    unsigned recv_once : 1;    /* reads a body with one recv(), as libvfio-user: long ones fail */
    unsigned chatty : 1;       /* sends a DMA_READ command before each reply, and a descriptor
                                  with each reply */
    size_t max_xfer;           /* advertised and enforced; 0: nothing said, 1 MiB */
    int delay_us;              /* before each reply */
} SimServerOptions;

/** @device: (transfer full) */
SimServer *sim_server_new(SimDevice *device, const SimServerOptions *options);

/** Serves a connected socket in a thread of its own; the socket is closed at the end. */
void sim_server_start(SimServer *self, int fd);

/** Serves @fd in this thread until the client hangs up. */
void sim_server_serve(SimServer *self, int fd);

/** Waits for the thread, which ends when its client hangs up.  The device can be looked at then. */
void sim_server_join(SimServer *self);
SimDevice *sim_server_device(SimServer *self);
void sim_server_free(SimServer *self);
