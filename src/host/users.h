#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <glib.h>

#include "host/device.h"

/** A process that has a VFIO device open, as far as /proc tells. */
typedef struct {
    pid_t pid;
    char *command; /* "qemu-system-x86" */
    char *guest;   /* (nullable) QEMU's -name, "g1" */
} FerryUser;

/** Who has which of /dev/vfio open: one look at /proc.  A plain value, of one thread. */
typedef struct _FerryUsers FerryUsers;

/**
 * @root: descriptor of a folder with proc/ in it; a process that goes meanwhile is left out
 *
 * Returns: (transfer full)
 */
FerryUsers *ferry_users_read(int root);

/** Returns: (transfer full): nobody, for who knows that without a look */
FerryUsers *ferry_users_none(void);

/** Returns: (nullable) (transfer none): one that has the device's group or cdev open */
const FerryUser *ferry_users_find(const FerryUsers *self, const FerryHostDevice *device);

/** Returns: (transfer full): "process 4711 (qemu-system-x86, guest g1)", for messages */
char *ferry_user_describe(const FerryUser *user);

/**
 * Returns: (nullable) (transfer full): who uses the device, for messages: a process, or the host
 *          itself as a NIC whose link is up; NULL when nobody does, as far as can be seen
 */
char *ferry_users_describe(const FerryUsers *self, const FerryHostDevice *device);

void ferry_users_free(FerryUsers *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryUsers, ferry_users_free)
