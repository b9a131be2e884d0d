#pragma once

#include <glib.h>
#include <jansson.h>

#include "cli/arguments.h"

/** What the first Ctrl-C does; the second always leaves the job alone and ends the watching. */
typedef enum { FERRY_INTERRUPT_CANCELS, FERRY_INTERRUPT_LEAVES } FerryInterrupt;

/**
 * What the watching of a job needs besides the job; made before the job is, so that a Ctrl-C in
 * between is not lost.  SIGINT is blocked while it lives.
 */
typedef struct _FerryWatch FerryWatch;

/** @arguments: outlive it */
FerryWatch *ferry_watch_new(const FerryArguments *arguments, FerryInterrupt interrupt);
void ferry_watch_free(FerryWatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryWatch, ferry_watch_free)

/**
 * Shows how a job goes until it is over: one line that changes, on a terminal; lines elsewhere;
 * with --json each event as a line of JSON on stdout.  The last line, on stdout, is the outcome.
 *
 * A ferryd that restarts is waited for, within a minute.  A job in doubt is waited for a few
 * seconds when the interrupt cancels (ferry migrate), else until its end (ferry job watch).
 *
 * Returns: the exit code: of the job's outcome, or of what kept us from seeing it
 */
int ferry_watch_run(FerryWatch *self, const char *job_id);

/** The same of a restore that another host has begun for us; an interrupt can only leave it. */
int ferry_watch_run_there(FerryWatch *self, const char *host, const char *job_id);
