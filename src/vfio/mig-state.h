#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/**
 * The device states of VFIO migration v2 and the legal ways between them, as data.
 *
 * Source: the transition table of the Linux core (vfio_mig_get_next_state, 7.3) and the comment at
 * enum vfio_device_mig_state in <linux/vfio.h>: "select the shortest path", never with a saving
 * state as an inner point.  vfio-user has the same states but P2P (interop/vfio-user.rst, "Device
 * State Transitions").  Values are the kernel's own.
 */
typedef enum {
    FERRY_MIG_STATE_ERROR = 0,
    FERRY_MIG_STATE_STOP = 1,
    FERRY_MIG_STATE_RUNNING = 2,
    FERRY_MIG_STATE_STOP_COPY = 3,
    FERRY_MIG_STATE_RESUMING = 4,
    FERRY_MIG_STATE_RUNNING_P2P = 5,
    FERRY_MIG_STATE_PRE_COPY = 6,
    FERRY_MIG_STATE_PRE_COPY_P2P = 7,
    FERRY_MIG_N_STATES
} FerryMigState;

/** The most moves that any legal request is made of: RESUMING to PRE_COPY with all flags. */
#define FERRY_MIG_MAX_STEPS 4

/** What the machine says to a request.  A refusal is an answer: EINVAL and no move. */
typedef enum {
    FERRY_MIG_MOVE_OK,
    FERRY_MIG_MOVE_NONE,    /* there already: succeeds, does nothing, gives no descriptor */
    FERRY_MIG_MOVE_REFUSED, /* no legal path, or one side is beyond the device's flags */
} FerryMigMove;

/** The data descriptor that comes with a request. */
typedef enum { FERRY_MIG_DATA_NONE, FERRY_MIG_DATA_READ, FERRY_MIG_DATA_WRITE } FerryMigData;

/** The states a request passes through, the wanted one last.  A plain value. */
typedef struct {
    FerryMigMove move;
    unsigned n_steps;
    FerryMigState steps[FERRY_MIG_MAX_STEPS];
} FerryMigPath;

/** Returns: (transfer none): "PRE_COPY"; "?" for a number that is no state, so that what a device
 *           says can always be shown */
const char *ferry_mig_state_name(unsigned state);

/** Returns: whether a device with these migration flags knows @state; ERROR always */
bool ferry_mig_state_in_flags(FerryMigState state, uint64_t flags);

/** Returns: whether @state is one of PRE_COPY, PRE_COPY_P2P, STOP_COPY: one session, one stream */
bool ferry_mig_state_is_saving(FerryMigState state);

/** Returns: how a device with @flags gets from @from to @to */
FerryMigPath ferry_mig_path(FerryMigState from, FerryMigState to, uint64_t flags);

/** Returns: which data descriptor the request from @from to @to, if it is legal, comes with */
FerryMigData ferry_mig_data(FerryMigState from, FerryMigState to);
