#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

/**
 * Reads the fields of a request's body one after the other, and keeps the first complaint: a field
 * that is missing, of another type or out of range, and at the end a key that nobody asked for.
 *
 *     g_auto(FerryFields) fields = { .object = request->body };
 *     const char *name = ferry_fields_string(&fields, "name");
 *
 *     if (!ferry_fields_end(&fields, error))
 *         return false;
 *
 * What the getters return is to be used only after the end was fine.  Strings live as long as the
 * body.  One thread uses it.
 */
typedef struct {
    const json_t *object; /* NULL reads as {} */
    GHashTable *seen;
    GError *error;
} FerryFields;

void ferry_fields_clear(FerryFields *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryFields, ferry_fields_clear)

/** Returns: (transfer none): a string that must be there and not be empty; "" when it is not */
const char *ferry_fields_string(FerryFields *self, const char *key);

/** Returns: (transfer none): the same, or @fallback (nullable) when the key is absent */
const char *ferry_fields_string_or(FerryFields *self, const char *key, const char *fallback);

/** Returns: a whole number from @least to @most that must be there; @least when it is not */
int64_t ferry_fields_integer(FerryFields *self, const char *key, int64_t least, int64_t most);

/** Returns: the same, or @fallback, which need not be in the range, when the key is absent */
int64_t ferry_fields_integer_or(FerryFields *self,
                                const char *key,
                                int64_t least,
                                int64_t most,
                                int64_t fallback);

/** Returns: true, false, or false when the key is absent */
bool ferry_fields_flag(FerryFields *self, const char *key);

/** Returns: (transfer none): an object or array (@type) that must be there; NULL when it is not */
const json_t *ferry_fields_value(FerryFields *self, const char *key, json_type type);

/** Ends the reading of a user's body.
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the field or the unknown key */
bool ferry_fields_end(FerryFields *self, GError **error);

/** The same for a peer's body, whose unknown keys are of a newer version and passed over. */
bool ferry_fields_end_lenient(FerryFields *self, GError **error);
