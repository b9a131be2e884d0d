#include "migrate/repeat.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_KEY_BYTES 200

bool
ferry_repeat_key(const char *caller, const char *key, char **ret, GError **error)
{
    size_t length = key == NULL ? 0 : strlen(key);
    bool good = length > 0 && length <= MAX_KEY_BYTES;

    if (key == NULL) {
        *ret = NULL;
        return true;
    }
    for (size_t i = 0; good && i < length; i++)
        good = g_ascii_isgraph(key[i]);
    if (!good) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "the Idempotency-Key is not 1 to %d letters, digits and signs: a UUID is one",
                    MAX_KEY_BYTES);
        return false;
    }
    *ret = g_strdup_printf("%s %s", caller, key);
    return true;
}

char *
ferry_repeat_digest(const json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
    char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text != NULL ? text : "", -1);

    free(text); /* jansson's malloc, not GLib's */
    return digest;
}
