#include "cli/attribute.h"

#include <string.h>

#include "base/error.h"

bool
ferry_attributes_add(const FerryArguments *arguments, json_t *body, GError **error)
{
    const char *const *values = ferry_arguments_values(arguments, "attr");
    json_t *attrs = json_array();

    (void)json_object_set_new(body, "attrs", attrs);
    for (; *values; values++) {
        const char *equals = strchr(*values, '=');
        g_autofree char *name = NULL;

        if (equals == NULL || equals == *values) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "--attr %s: expected NAME=VALUE",
                        *values);
            return false;
        }
        name = g_strndup(*values, (size_t)(equals - *values));
        (void)json_array_append_new(attrs,
                                    json_pack("{s:s, s:s}", "name", name, "value", equals + 1));
    }
    return true;
}
