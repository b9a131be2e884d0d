#include "cli/given.h"

#include <string.h>

#include "base/error.h"

bool
ferry_given_add(const FerryArguments *arguments, json_t *body, GError **error)
{
    const char *const *given = ferry_arguments_values(arguments, "device");
    json_t *devices = json_object();

    for (size_t i = 0; given[i] != NULL; i++) {
        const char *equals = strchr(given[i], '=');
        g_autofree char *alias =
            equals == NULL ? NULL : g_strndup(given[i], (size_t)(equals - given[i]));

        if (alias == NULL || alias[0] == '\0' || !g_uuid_string_is_valid(equals + 1)) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                        "--device %s: expected ALIAS=UUID, a device that is at the target already",
                        given[i]);
            json_decref(devices);
            return false;
        }
        if (json_object_get(devices, alias) != NULL) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                        "--device %s: %s was given another one before", given[i], alias);
            json_decref(devices);
            return false;
        }
        json_object_set_new(devices, alias, json_string(equals + 1));
    }
    if (json_object_size(devices) > 0)
        json_object_set(body, "devices", devices);
    json_decref(devices);
    if (ferry_arguments_given(arguments, "accept-unknown"))
        json_object_set_new(body, "accept_unknown", json_true());
    if (ferry_arguments_given(arguments, "allow-degraded"))
        json_object_set_new(body, "allow_degraded", json_true());
    return true;
}
