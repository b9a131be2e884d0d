/* POST /v1/hook: libvirt's hook, by way of ferry-hook, which waits while libvirt holds the guest.
 */
#include "api/guest-life.h"

#include <string.h>

#include "api/json.h"
#include "base/error.h"
#include "migrate/hook.h"

/* The hook prints one text and nothing else: all that a person is told goes into it. */
static char *
describe(const json_t *reasons)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const json_t *reason = NULL;
    size_t i = 0;

    json_array_foreach(reasons, i, reason)
    {
        const char *message = json_string_value(json_object_get(reason, "message"));
        const char *remedy = json_string_value(json_object_get(reason, "remedy"));

        g_string_append_printf(text, "%s%s%s%s", text->len > 0 ? "; " : "",
                               message != NULL ? message : "refused", remedy != NULL ? ". " : "",
                               remedy != NULL ? remedy : "");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool
answer(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_auto(FerryFields) fields = { .object = request->body };
    const FerryHookCall call = {
        .operation = ferry_fields_string(&fields, "operation"),
        .guest = ferry_fields_string(&fields, "guest"),
        .reason = ferry_fields_string(&fields, "reason"),
        .xml = ferry_fields_string(&fields, "xml"),
    };
    json_t *reasons = NULL;
    g_autofree char *text = NULL;

    if (!ferry_fields_end(&fields, error))
        return false;
    if (strcmp(request->caller->name, "local") != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_DENIED,
                    "only this host's own libvirt has hooks: not for %s", request->caller->name);
        return false;
    }
    if (!ferry_hook_answer(data, &call, &reasons, error))
        return false;
    if (reasons == NULL) {
        ferry_response_json(response, 200, json_object());
        return true;
    }
    text = describe(reasons);
    ferry_response_refused(response, text, reasons);
    return true;
}

const FerryRoute ferry_hook_routes[] = {
    { "POST", "/v1/hook", FERRY_ROLE_OPERATE, answer },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
