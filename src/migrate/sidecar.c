#include "migrate/sidecar.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define FORMAT    "ferry_saved_guest"
#define VERSION   1
#define MAX_BYTES ((size_t)2 << 20)

/* The members that are plain text. */
static const struct {
    const char *key;
    size_t offset;
    enum { NEEDED, OPTIONAL } need;
} texts[] = {
    { "guest_name", G_STRUCT_OFFSET(FerrySidecar, guest_name), NEEDED },
    { "guest_uuid", G_STRUCT_OFFSET(FerrySidecar, guest_uuid), NEEDED },
    { "host", G_STRUCT_OFFSET(FerrySidecar, host), NEEDED },
    { "saved", G_STRUCT_OFFSET(FerrySidecar, saved), NEEDED },
    { "restored_on", G_STRUCT_OFFSET(FerrySidecar, restored_on), OPTIONAL },
    { "restored_when", G_STRUCT_OFFSET(FerrySidecar, restored_when), OPTIONAL },
};

void
ferry_sidecar_free(FerrySidecar *self)
{
    if (self == NULL)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(G_STRUCT_MEMBER(char *, self, texts[i].offset));
    ferry_saved_sum_free(self->sum);
    json_decref(self->devices);
    g_free(self);
}

char *
ferry_sidecar_path(const char *file)
{
    return g_strconcat(file, ".ferry", NULL);
}

bool
ferry_sidecar_write(const char *file, const FerrySidecar *sidecar, GError **error)
{
    g_autofree char *path = ferry_sidecar_path(file);
    json_t *json = json_pack("{s:i}", FORMAT, VERSION);
    char *text = NULL;
    bool ok = false;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *value = G_STRUCT_MEMBER(const char *, sidecar, texts[i].offset);

        if (value != NULL)
            json_object_set_new(json, texts[i].key, json_string(value));
    }
    json_object_set(json, "devices", sidecar->devices);
    json_object_set_new(json, "checksums", ferry_saved_sum_format(sidecar->sum));
    text = json_dumps(json, JSON_INDENT(1));
    json_decref(json);
    ok = ferry_file_write(path, text, 0600, error);
    free(text); /* jansson's malloc, not GLib's */
    return ok;
}

static bool
parse_texts(const json_t *json, FerrySidecar *sidecar, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const json_t *value = json_object_get(json, texts[i].key);

        if (value == NULL && texts[i].need == OPTIONAL)
            continue;
        if (!json_is_string(value)) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "\"%s\" is not a string",
                        texts[i].key);
            return false;
        }
        G_STRUCT_MEMBER(char *, sidecar, texts[i].offset) = g_strdup(json_string_value(value));
    }
    return true;
}

static bool
parse(const char *text, FerrySidecar *sidecar, GError **error)
{
    json_error_t where;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    const json_int_t version = json_integer_value(json_object_get(json, FORMAT));
    bool ok = false;

    if (json == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "line %d: %s", where.line, where.text);
    else if (version < 1)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "it is not a sidecar of ferry's");
    else if (version > VERSION)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "a newer ferry wrote it (version %" JSON_INTEGER_FORMAT ")", version);
    else
        ok = parse_texts(json, sidecar, error) &&
             ferry_saved_sum_parse(json_object_get(json, "checksums"), &sidecar->sum, error);
    if (ok && json_is_array(json_object_get(json, "devices")))
        sidecar->devices = json_incref(json_object_get(json, "devices"));
    json_decref(json);
    return ok;
}

bool
ferry_sidecar_read(const char *file, FerrySidecar **ret, GError **error)
{
    g_autofree char *path = ferry_sidecar_path(file);
    g_autoptr(FerrySidecar) sidecar = g_new0(FerrySidecar, 1);
    g_autofree char *text = NULL;
    g_autoptr(GError) local = NULL;

    if (!ferry_file_read(path, MAX_BYTES, &text, &local)) {
        if (g_error_matches(local, FERRY_ERROR, FERRY_ERROR_NOT_FOUND)) {
            *ret = NULL;
            return true;
        }
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if (!parse(text, sidecar, error)) {
        g_prefix_error(error, "%s cannot be used: ", path);
        return false;
    }
    *ret = g_steal_pointer(&sidecar);
    return true;
}
