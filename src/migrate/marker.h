#pragma once

#include <stdbool.h>

#include <glib.h>

/**
 * Hold markers: MARKER_DIR/hold/GUEST_UUID, which makes ferry-hook refuse the guest's start without
 * asking ferryd (docs/handover.md, section 4).  A marker holds the id of its job.
 *
 * Any thread; one job at a time works on a guest's marker.  Errors of all: FERRY_ERROR_INVALID (not
 * the name of a guest), and those of base/file.h, naming the file.
 */

/**
 * Sets the marker; durable when this returns true.  Again by the same job: a success.
 *
 * @guest_uuid: in the form that libvirt prints, lower case
 *
 * Returns: false with FERRY_ERROR_BUSY, naming that job, when another job's marker is there
 */
bool
ferry_marker_set(const char *state_dir, const char *guest_uuid, const char *job_id, GError **error);

/**
 * Removes the marker if it is @job_id's; durable when this returns true.  None, or another job's,
 * which stays: a success.
 */
bool ferry_marker_clear(const char *state_dir,
                        const char *guest_uuid,
                        const char *job_id,
                        GError **error);

/** @ret_job_id: (out) (nullable) (transfer full): whose marker is there, or NULL for none */
bool
ferry_marker_read(const char *state_dir, const char *guest_uuid, char **ret_job_id, GError **error);
