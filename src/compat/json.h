#pragma once

#include <stddef.h>

#include <glib.h>
#include <jansson.h>

#define FERRY_JSON_DEPTH_MAX 16

/** What is wrong with a document: the first fault found ends its reading. */
typedef struct {
    char *key;    /* the top-level key or attribute at fault; "format" when there is none */
    char *reason; /* a sentence without full stop */
} FerryFault;

/** @key may hold any bytes: what is not printable ASCII is shown as "?". */
FerryFault *ferry_fault_new(const char *key, const char *format, ...) G_GNUC_PRINTF(2, 3);
void ferry_fault_free(FerryFault *fault);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryFault, ferry_fault_free)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/**
 * Reads hostile JSON text: bytes, depth and repeated keys are judged before or while it is built.
 * A number too large for jansson is read as one that is merely out of our range, so that the key
 * it stands at is named, and not the whole document.
 *
 * @max_bytes: more than that is a fault
 * @fault: (out): set when NULL comes back
 *
 * Returns: (transfer full) (nullable): an object
 */
json_t *ferry_json_read(const char *text, size_t size, size_t max_bytes, FerryFault **fault);

/** As ferry_json_read(), for trusted-size files that hold many documents: any depth, any size. */
json_t *ferry_json_read_large(const char *text, size_t size, FerryFault **fault);

/** Returns: (transfer full): compact text with sorted keys */
char *ferry_json_canonical(const json_t *json);
