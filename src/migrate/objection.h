#pragma once

#include <glib.h>
#include <jansson.h>

/**
 * What speaks against a job, in an array of reasons as the API has them: {code, alias?, message,
 * remedy?}.  Codes are stable, messages are for people.
 *
 * @reasons: an array; gets one more
 */
void ferry_object(json_t *reasons, const char *code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/** The same of one device. */
void ferry_object_to(json_t *reasons, const char *alias, const char *code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/** Adds what to do to the newest reason, which must be there. */
void ferry_object_remedy(json_t *reasons, const char *remedy);
