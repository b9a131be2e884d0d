#include "cli/call.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/reasons.h"

#define SOCKET_PATH "/run/ferry/ferryd.sock"
/* A check asks the other host, which has 15 s of its own for that; libvirt may be slow besides. */
#define CALL_TIMEOUT_MS 60000

FerryClient *
ferry_call_connect(const FerryArguments *arguments)
{
    const char *path = ferry_arguments_value(arguments, "socket");

    return ferry_client_new_unix(path ? path : SOCKET_PATH);
}

char *
ferry_call_path(const char *const *segments)
{
    g_autoptr(GString) path = g_string_new("/v1");

    for (size_t i = 0; segments[i]; i++) {
        g_autofree char *escaped = ferry_path_escape(segments[i]);
        g_string_append_printf(path, "/%s", escaped);
    }
    return g_string_free(g_steal_pointer(&path), FALSE);
}

bool
ferry_call(FerryClient *client,
           const char *method,
           const char *const *segments,
           json_t *body,
           FerryReply *ret,
           GError **error)
{
    g_autofree char *path = ferry_call_path(segments);
    bool ok = ferry_client_call(client, method, path, body, CALL_TIMEOUT_MS, ret, error);

    json_decref(body);
    return ok;
}

bool
ferry_call_is_refused(const FerryReply *reply)
{
    return reply->status == 409;
}

int
ferry_call_refused(const FerryArguments *arguments, const FerryReply *reply)
{
    const char *detail = json_string_value(json_object_get(reply->body, "detail"));
    g_autofree char *clean = ferry_table_printable(detail != NULL ? detail : "refused");
    g_autofree char *reasons = ferry_reasons_format(json_object_get(reply->body, "reasons"));

    if (ferry_call_print(arguments) == FERRY_PRINT_JSON)
        ferry_table_print_json(stdout, reply->body);
    else
        fprintf(stderr, "ferry: %s\n%s", clean, reasons);
    return FERRY_EXIT_NO;
}

FerryPrint
ferry_call_print(const FerryArguments *arguments)
{
    return ferry_arguments_given(arguments, "json") ? FERRY_PRINT_JSON : FERRY_PRINT_TABLE;
}

int
ferry_call_list(const FerryArguments *arguments,
                const char *const *segments,
                const char *key,
                const FerryColumn *columns)
{
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    if (!ferry_call(client, "GET", segments, NULL, &reply, &error))
        return ferry_command_fail(error);
    ferry_table_print(ferry_call_print(arguments), columns, key, reply.body);
    return FERRY_EXIT_DONE;
}

int
ferry_call_answer(const FerryArguments *arguments,
                  const FerryReply *reply,
                  FerryCallPage *print_page)
{
    if (ferry_call_is_refused(reply))
        return ferry_call_refused(arguments, reply);
    if (ferry_call_print(arguments) == FERRY_PRINT_JSON && reply->body != NULL)
        ferry_table_print_json(stdout, reply->body);
    else if (ferry_call_print(arguments) == FERRY_PRINT_TABLE && print_page != NULL)
        print_page(reply->body);
    return FERRY_EXIT_DONE;
}

int
ferry_call_run(const FerryArguments *arguments,
               const char *method,
               const char *const *segments,
               json_t *body,
               FerryCallPage *print_page)
{
    g_autoptr(FerryClient) client = ferry_call_connect(arguments);
    g_auto(FerryReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    if (!ferry_call(client, method, segments, body, &reply, &error))
        return ferry_command_fail(error);
    return ferry_call_answer(arguments, &reply, print_page);
}

int
ferry_call_show(const FerryArguments *arguments, const char *collection, FerryCallPage *print_page)
{
    const char *const segments[] = { collection, ferry_arguments_word(arguments, 0), NULL };

    return ferry_call_run(arguments, "GET", segments, NULL, print_page);
}
