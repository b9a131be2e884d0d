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

/** Returns: (transfer full): an array of one reason, for what has no other */
json_t *ferry_objection(const char *code, const char *format, ...) G_GNUC_PRINTF(2, 3);

/** Adds what to do to the newest reason, which must be there. */
void ferry_object_remedy(json_t *reasons, const char *remedy);

/**
 * Adds a field for programs to the newest reason, which must be there.
 *
 * @name: one of those that docs/api.md has for that code
 * @value: (transfer full)
 */
void ferry_object_value(json_t *reasons, const char *name, json_t *value);
