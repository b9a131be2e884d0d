#include "host/facts-dir.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "host/json-file.h"
#include "host/sysfs.h"

#define FOLDER      "etc/ferry/facts.d"
#define MAX_VALUE   256
#define MAX_ENTRIES 4096
#define MAX_NUMBER  2147483647 /* as in a description */

struct _FerryFactsDir {
    GPtrArray *entries;  /* of json_t: {match, set} */
    GPtrArray *problems; /* of char * */
};

/* Compared with what the kernel says; and completed, where it says nothing. */
static const char *const match_keys[] = { "name",      "class",     "mdev_type",
                                          "device_id", "parent_id", "device_api",
                                          "driver",    "kernel",    "driver_version" };
static const char *const entry_keys[] = { "match", "set", "info" };
static const char *const set_keys[] = { "signature", "version", "driver_version", "firmware" };

static bool
is_among(const char *key, const char *const *keys, size_t n_keys)
{
    for (size_t i = 0; i < n_keys; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

/* Printable ASCII of 1 to 256 bytes without blanks around it, as all facts are. */
static bool
is_text(const json_t *value)
{
    const char *text = json_string_value(value);
    const size_t length = text != NULL ? strlen(text) : 0;

    if (length == 0 || length > MAX_VALUE || text[0] == ' ' || text[length - 1] == ' ')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isprint(text[i]))
            return false;
    return true;
}

/* A text, a number, or a set of texts. */
static bool
is_attribute(const char *name, const json_t *value)
{
    const json_t *item = NULL;
    size_t i = 0;

    if (!g_ascii_islower(name[0]) || strlen(name) > 64 ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
        return false;
    json_array_foreach(value, i, item)
    {
        if (!is_text(item))
            return false;
    }
    return json_is_array(value) || is_text(value) ||
           (json_is_integer(value) && json_integer_value(value) >= 0 &&
            json_integer_value(value) <= MAX_NUMBER);
}

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Returns false, always. */
static bool
refuse(GError **error, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_INVALID, what);
    return false;
}

static bool
check_attributes(const json_t *attributes, GError **error)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(attributes))
        return refuse(error, "\"attributes\" is not an object");
    json_object_foreach((json_t *)attributes, key, value)
    {
        if (!is_attribute(key, value))
            return refuse(error,
                          "\"%s\" in \"attributes\" is not a name of lower-case letters, digits "
                          "and _ with a text, a number or an array of texts",
                          key);
    }
    return true;
}

static bool
check_match(const json_t *match, GError **error)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (json_object_size(match) == 0)
        return refuse(error, "\"match\" is missing or empty: it would be for every device");
    json_object_foreach((json_t *)match, key, value)
    {
        if (!is_among(key, match_keys, G_N_ELEMENTS(match_keys)))
            return refuse(error, "\"%s\" is nothing to match: see ferry-facts(5)", key);
        if (!is_text(value))
            return refuse(error, "\"%s\" in \"match\" is not a text of printable ASCII", key);
    }
    return true;
}

static bool
check_set(const json_t *set, GError **error)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (json_object_size(set) == 0)
        return refuse(error, "\"set\" is missing or empty");
    json_object_foreach((json_t *)set, key, value)
    {
        if (strcmp(key, "attributes") == 0) {
            if (!check_attributes(value, error))
                return false;
            continue;
        }
        if (!is_among(key, set_keys, G_N_ELEMENTS(set_keys)))
            return refuse(error, "\"%s\" cannot be set: see ferry-facts(5)", key);
        if (!is_text(value))
            return refuse(error, "\"%s\" in \"set\" is not a text of printable ASCII", key);
    }
    return true;
}

static bool
check_entry(const json_t *entry, GError **error)
{
    const char *key = NULL;
    json_t *value = NULL;

    if (!json_is_object(entry))
        return refuse(error, "an element of \"facts\" is not an object");
    json_object_foreach((json_t *)entry, key, value)
    {
        if (!is_among(key, entry_keys, G_N_ELEMENTS(entry_keys)))
            return refuse(error, "\"%s\" is unknown here", key);
    }
    return check_match(json_object_get(entry, "match"), error) &&
           check_set(json_object_get(entry, "set"), error);
}

/* The parser keeps no places: the line where element @n of the array within the object begins. */
static unsigned
find_line(const char *text, size_t n)
{
    unsigned depth = 0;
    unsigned line = 1;
    size_t element = 0;
    bool in_string = false;

    for (const char *c = text; *c != '\0'; c++) {
        line += *c == '\n';
        if (!in_string && depth == 2 && element == n && *c != ',' && !g_ascii_isspace(*c))
            return line;
        if (in_string && *c == '\\' && c[1] != '\0')
            c++;
        else if (*c == '"')
            in_string = !in_string;
        else if (!in_string && (*c == '{' || *c == '['))
            depth++;
        else if (!in_string && (*c == '}' || *c == ']'))
            depth--;
        else if (!in_string && *c == ',' && depth == 2)
            element++;
    }
    return line;
}

static bool
take_entries(FerryFactsDir *self, const char *text, const json_t *root, GError **error)
{
    const json_t *facts = json_object_get(root, "facts");
    json_t *entry = NULL;
    size_t i = 0;

    if (!json_is_array(facts) || json_object_size(root) != 1 ||
        json_array_size(facts) > MAX_ENTRIES)
        return refuse(error, "line 1: it is not an object with an array \"facts\" alone");
    json_array_foreach(facts, i, entry)
    {
        if (check_entry(entry, error))
            continue;
        g_prefix_error(error, "line %u: ", find_line(text, i));
        return false;
    }
    json_array_foreach(facts, i, entry) g_ptr_array_add(self->entries, json_incref(entry));
    return true;
}

static bool
take_file(FerryFactsDir *self, int folder, const char *name, GError **error)
{
    g_autofree char *text = ferry_json_file_text(folder, name, error);
    json_t *root = text != NULL ? ferry_json_file_parse(text, error) : NULL;
    const bool ok = root != NULL && take_entries(self, text, root, error);

    json_decref(root);
    return ok;
}

/* "line 3: what" becomes "/etc/ferry/facts.d/x.json:3: what". */
static char *
describe(const char *name, const char *message)
{
    const char *rest = NULL;
    guint64 line = 0;

    if (!g_str_has_prefix(message, "line "))
        return g_strdup_printf("/" FOLDER "/%s: %s", name, message);
    line = g_ascii_strtoull(message + strlen("line "), (char **)&rest, 10);
    return g_strdup_printf("/" FOLDER "/%s:%" G_GUINT64_FORMAT "%s", name, line, rest);
}

static void
free_json(gpointer data)
{
    json_decref(data);
}

FerryFactsDir *
ferry_facts_dir_read(int root)
{
    FerryFactsDir *self = g_new0(FerryFactsDir, 1);
    FERRY_AUTOFD int folder = ferry_sysfs_open(root, FOLDER);
    g_autoptr(GPtrArray) names = folder >= 0 ? ferry_sysfs_list(folder, ".") : NULL;

    self->entries = g_ptr_array_new_with_free_func(free_json);
    self->problems = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; names != NULL && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autoptr(GError) error = NULL;

        if (g_str_has_suffix(name, ".json") && !take_file(self, folder, name, &error))
            g_ptr_array_add(self->problems, describe(name, error->message));
    }
    return self;
}

void
ferry_facts_dir_free(FerryFactsDir *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->entries);
    g_ptr_array_unref(self->problems);
    g_free(self);
}

const GPtrArray *
ferry_facts_dir_problems(const FerryFactsDir *self)
{
    return self->problems;
}

static bool
matches(const json_t *match, const json_t *facts)
{
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach((json_t *)match, key, value)
    {
        if (!json_equal(value, json_object_get(facts, key)))
            return false;
    }
    return true;
}

static void
complete(json_t *facts, const json_t *set)
{
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach((json_t *)set, key, value)
    {
        json_t *there = json_object_get(facts, key);

        if (there == NULL)
            (void)json_object_set_new(facts, key, json_deep_copy(value));
        else if (json_is_object(there))
            (void)json_object_update_missing(there, value);
    }
}

/* Entries see what the kernel said, and not each other's. */
void
ferry_facts_dir_complete(const FerryFactsDir *self, json_t *facts)
{
    json_t *known = json_copy(facts);

    for (guint i = 0; i < self->entries->len; i++) {
        const json_t *entry = g_ptr_array_index(self->entries, i);

        if (matches(json_object_get(entry, "match"), known))
            complete(facts, json_object_get(entry, "set"));
    }
    json_decref(known);
}
