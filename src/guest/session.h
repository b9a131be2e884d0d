#pragma once

#include <libvirt/libvirt.h>

#include "guest/events.h"

/** One opening of libvirt: the connection, and the subscriptions that turn events into values. */
typedef struct _FerrySession FerrySession;

/**
 * Opens and subscribes; may block for as long as libvirtd does not answer.
 *
 * @events: gets FERRY_EVENT_CONNECTED once everything is told, then what libvirt tells, from the
 *          thread that runs libvirt's event loop
 * @on_closed: called by that thread when the connection ended by itself
 * @ret_why: (out) (transfer full): libvirt's words when it could not be opened
 *
 * Returns: (nullable) (transfer full): ferry_session_close
 */
FerrySession *ferry_session_open(const char *uri,
                                 FerryEvents *events,
                                 virConnectCloseFunc on_closed,
                                 void *data,
                                 char **ret_why);

void ferry_session_close(FerrySession *self);

/**
 * Of which device QEMU's event FAILOVER_NEGOTIATED tells.
 *
 * @details: (nullable): the event's JSON, as libvirt hands it on
 *
 * Returns: (nullable) (transfer full): the device's alias
 */
char *ferry_session_failover_alias(const char *details);

/** Returns: (transfer none) */
virConnect *ferry_session_connect(const FerrySession *self);
