#include "api/json.h"

#include <inttypes.h>

#include "base/error.h"

void
ferry_fields_clear(FerryFields *self)
{
    g_clear_pointer(&self->seen, g_hash_table_unref);
    g_clear_error(&self->error);
}

/* The value, or NULL if it is absent; null counts as absent. */
static const json_t *
look_up(FerryFields *self, const char *key)
{
    const json_t *value = json_object_get(self->object, key);

    if (self->seen == NULL)
        self->seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(self->seen, (gpointer)key);
    return json_is_null(value) ? NULL : value;
}

static void complain(FerryFields *self, const char *key, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void
complain(FerryFields *self, const char *key, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list args;

    if (self->error != NULL)
        return;
    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    self->error = g_error_new(FERRY_ERROR, FERRY_ERROR_INVALID, "field \"%s\" %s", key, what);
}

static const char *
read_string(FerryFields *self, const char *key, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text != NULL && text[0] != '\0')
        return text;
    complain(self, key, "%s", text == NULL ? "is not a string" : "is empty");
    return "";
}

const char *
ferry_fields_string(FerryFields *self, const char *key)
{
    const json_t *value = look_up(self, key);

    if (value != NULL)
        return read_string(self, key, value);
    complain(self, key, "is missing");
    return "";
}

const char *
ferry_fields_string_or(FerryFields *self, const char *key, const char *fallback)
{
    const json_t *value = look_up(self, key);

    return value == NULL ? fallback : read_string(self, key, value);
}

static int64_t
read_integer(FerryFields *self, const char *key, int64_t least, int64_t most, const json_t *value)
{
    if (json_is_integer(value) && json_integer_value(value) >= least &&
        json_integer_value(value) <= most)
        return json_integer_value(value);
    complain(self, key, "is not a whole number from %" PRId64 " to %" PRId64, least, most);
    return least;
}

int64_t
ferry_fields_integer(FerryFields *self, const char *key, int64_t least, int64_t most)
{
    const json_t *value = look_up(self, key);

    if (value != NULL)
        return read_integer(self, key, least, most, value);
    complain(self, key, "is missing");
    return least;
}

int64_t
ferry_fields_integer_or(FerryFields *self,
                        const char *key,
                        int64_t least,
                        int64_t most,
                        int64_t fallback)
{
    const json_t *value = look_up(self, key);

    return value == NULL ? fallback : read_integer(self, key, least, most, value);
}

bool
ferry_fields_flag(FerryFields *self, const char *key)
{
    const json_t *value = look_up(self, key);

    if (value != NULL && !json_is_boolean(value))
        complain(self, key, "is neither true nor false");
    return json_is_true(value);
}

const json_t *
ferry_fields_value(FerryFields *self, const char *key, json_type type)
{
    const json_t *value = look_up(self, key);

    if (value != NULL && json_typeof(value) == type)
        return value;
    if (value == NULL)
        complain(self, key, "is missing");
    complain(self, key, "is not %s", type == JSON_ARRAY ? "an array" : "an object");
    return NULL;
}

bool
ferry_fields_end_lenient(FerryFields *self, GError **error)
{
    if (self->error == NULL)
        return true;
    g_propagate_error(error, g_steal_pointer(&self->error));
    return false;
}

bool
ferry_fields_end(FerryFields *self, GError **error)
{
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach((json_t *)self->object, key, value)
    {
        if (self->seen == NULL || !g_hash_table_contains(self->seen, key))
            complain(self, key, "is unknown here");
    }
    return ferry_fields_end_lenient(self, error);
}
