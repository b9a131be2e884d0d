#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/** The longest line, and the most data of one event. */
#define FERRY_EVENT_MAX_BYTES (1024 * 1024)

/**
 * Cuts a stream of server-sent events (HTML standard, section 9.2.6) into events: "event" and
 * "data" fields; comments, "id", "retry" and unknown fields are passed over.  One thread uses it.
 */
typedef struct _FerryEventParser FerryEventParser;

/** @name: "message" where the stream names none.  Returns: false to stop */
typedef bool (*FerryEventFunc)(void *data, const char *name, const char *text);

FerryEventParser *ferry_event_parser_new(FerryEventFunc func, void *data);

/** Frees @self; NULL is fine. */
void ferry_event_parser_free(FerryEventParser *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryEventParser, ferry_event_parser_free)

/**
 * Takes the next piece, cut anywhere, and calls the function for each event that it completes.
 *
 * Returns: false when the function said stop (no error set), or with FERRY_ERROR_PEER when a line
 *          or an event is longer than FERRY_EVENT_MAX_BYTES
 */
bool
ferry_event_parser_feed(FerryEventParser *self, const char *data, size_t length, GError **error);
