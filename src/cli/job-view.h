#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

/**
 * What a job's JSON (docs/api.md) says, in words.  Pure: nothing here prints.  A member that is
 * missing or of another type reads as absent, for a ferryd may be older or newer.
 */

/** Whether the job's state is one that it never leaves. */
bool ferry_job_view_is_over(const json_t *job);

/** Whether ferryd cannot know yet on which host the guest runs. */
bool ferry_job_view_is_in_doubt(const json_t *job);

/** Returns: the exit code of a command that waited for this job, which is over or in doubt */
int ferry_job_view_exit(const json_t *job);

/**
 * Returns: (transfer full): one line without newline on where it stands: "transfer: 412.0 MiB of
 * 1.0 GiB, 40 %, 118.0 MiB/s, about 5.1 s left"
 */
char *ferry_job_view_progress(const json_t *job);

/**
 * Returns: (transfer full) (nullable): a line for each phase that has ended since, "plan took 12
 * ms"; NULL when there is none
 *
 * @n_shown: (inout): how many ended phases were shown before
 */
char *ferry_job_view_phases(const json_t *job, size_t *n_shown);

/** Returns: (transfer full): the last line: where the guest runs, times, bytes, what is degraded,
 * or why it did not move; with a newline, and the reasons below it */
char *ferry_job_view_end(const json_t *job);

/** Returns: (transfer full): all of it, for "ferry job show" */
char *ferry_job_view_page(const json_t *job);
