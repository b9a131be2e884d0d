#pragma once

#include <stdbool.h>

#include <glib.h>

#include "host/kernel.h"

/** One vendor attribute, set after creation in the order given; a name may come more than once. */
typedef struct {
    const char *name; /* "vgpu_params", "nvidia/vgpu_params" */
    const char *value;
} FerryMdevAttr;

/** A mediated device to be made. */
typedef struct {
    const char *parent; /* the kernel's name */
    const char *type;
    const char *uuid;
    const FerryMdevAttr *attrs;
    size_t n_attrs;
} FerryMdevRequest;

/**
 * Makes a mediated device and sets its attributes; when one cannot be set, the device is removed
 * again.  Whether one is left is known only from trying: available_instances is a hint that another
 * may make wrong at any time.
 *
 * Returns: false with
 *          FERRY_ERROR_INVALID    malformed UUID, attribute name or value
 *          FERRY_ERROR_NOT_FOUND  no such parent or type; types not published yet
 *          FERRY_ERROR_EXISTS     the UUID is taken on this host, be it on another parent
 *          FERRY_ERROR_EXHAUSTED  the parent has nothing left for this type
 *          FERRY_ERROR_DENIED, FERRY_ERROR_IO  as the kernel or the driver says
 */
bool ferry_mdev_create(const FerryKernel *kernel, const FerryMdevRequest *request, GError **error);

/**
 * Removes a mediated device; one that is not there is a success.
 *
 * The kernel's "remove" waits, in the kernel, until the last user lets go.  So users are looked for
 * first, and the write is a thread's: if somebody opens the device in between, that thread stays
 * behind until it is closed, and this call returns at its deadline.
 *
 * @kernel: with its data it must outlive such a thread: the process's own
 * @limit_ms: how long to wait, for the kernel and for a creation or removal that is going on
 *
 * Returns: false with FERRY_ERROR_BUSY, naming the process that has it open, FERRY_ERROR_TIMEOUT,
 *          FERRY_ERROR_DENIED or FERRY_ERROR_IO
 */
bool
ferry_mdev_remove(const FerryKernel *kernel, const char *uuid, unsigned limit_ms, GError **error);
