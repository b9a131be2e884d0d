#include <string.h>

#include "api/problem.h"
#include "api/serving.h"
#include "base/error.h"
#include "client/json.h"

/*
 * One request, as libmicrohttpd tells of it: a first call when the headers are there, one for each
 * piece of the body, a last one.  The body is always read to its end, within the time limit, before
 * anything is answered: a caller that is still sending when we close would lose the answer.  One
 * that asks first ("Expect: 100-continue") is told at once.
 */

void
ferry_call_free(FerryCall *self)
{
    if (self == NULL)
        return;
    g_string_free(self->body, TRUE);
    ferry_upgrade_free(self->upgrade);
    g_free(self);
}

static const char *
header(struct MHD_Connection *mhd, const char *name)
{
    return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

static enum MHD_Result
answer_problem(FerryCall *call, struct MHD_Connection *mhd, json_t *problem)
{
    g_auto(FerryResponse) response = { 0 };

    ferry_response_problem(&response, problem);
    return ferry_response_queue(&response, call, mhd);
}

static json_t *
too_large(const FerryCall *call)
{
    g_autofree char *detail = g_strdup_printf("the request's body is longer than %zu bytes",
                                              call->visit->server->config.max_body_bytes);

    return ferry_problem_new(MHD_HTTP_CONTENT_TOO_LARGE, "invalid", detail);
}

static enum MHD_Result
begin(FerryCall *call, struct MHD_Connection *mhd)
{
    const char *length = header(mhd, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t bytes = 0;

    call->is_known = true;
    if (length != NULL)
        (void)g_ascii_string_to_unsigned(length, 10, 0, G_MAXUINT64, &bytes, NULL);
    call->is_too_large = bytes > call->visit->server->config.max_body_bytes;
    if (call->is_too_large && header(mhd, MHD_HTTP_HEADER_EXPECT) != NULL)
        return answer_problem(call, mhd, too_large(call));
    return MHD_YES;
}

static void
take(FerryCall *call, const char *data, size_t size)
{
    if (call->body->len + size > call->visit->server->config.max_body_bytes)
        call->is_too_large = true;
    if (!call->is_too_large)
        g_string_append_len(call->body, data, (gssize)size);
}

static bool
is_json(const char *content_type)
{
    static const char wanted[] = "application/json";
    size_t length = sizeof(wanted) - 1;

    return content_type != NULL && g_ascii_strncasecmp(content_type, wanted, length) == 0 &&
           (content_type[length] == '\0' || content_type[length] == ';' ||
            content_type[length] == ' ');
}

/* Returns: (nullable) (transfer full): the problem; @ret is NULL where there is no body. */
static json_t *
read_body(const FerryCall *call, struct MHD_Connection *mhd, json_t **ret)
{
    g_autoptr(GError) error = NULL;

    if (call->is_too_large)
        return too_large(call);
    if (call->body->len == 0)
        return NULL;
    if (!is_json(header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE)))
        return ferry_problem_new(MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "invalid",
                                 "the body's Content-Type is not application/json");
    if (!ferry_json_parse(call->body->str, call->body->len, ret, &error))
        return ferry_problem_of_error(error);
    if (json_is_object(*ret))
        return NULL;
    g_clear_pointer(ret, json_decref);
    return ferry_problem_new(MHD_HTTP_BAD_REQUEST, "invalid", "the body is not a JSON object");
}

static enum MHD_Result
add_query(void *data, enum MHD_ValueKind kind, const char *key, const char *value)
{
    g_autofree char *plain_key = g_uri_unescape_string(key, NULL);
    g_autofree char *plain_value = g_uri_unescape_string(value == NULL ? "" : value, NULL);

    (void)kind;
    if (plain_key != NULL && plain_value != NULL)
        g_hash_table_replace(data, g_steal_pointer(&plain_key), g_steal_pointer(&plain_value));
    return MHD_YES;
}

const char *
ferry_request_query(const FerryRequest *self, const char *key)
{
    return g_hash_table_lookup((GHashTable *)self->query, key);
}

bool
ferry_request_is_over(const FerryRequest *self)
{
    const FerryVisit *visit = self->connection;

    return ferry_connections_is_over(visit->server->connections, visit->entry);
}

static void
run_handler(const FerryMatch *match, const FerryRequest *request, FerryResponse *response)
{
    g_autoptr(GError) error = NULL;

    if (match->route->run(match->data, request, response, &error)) {
        g_assert(response->kind != FERRY_RESPONSE_NONE);
        return;
    }
    ferry_response_clear(response);
    ferry_response_problem(response, ferry_problem_of_error(error));
}

static enum MHD_Result
dispatch(FerryCall *call, struct MHD_Connection *mhd, const char *url, const char *method)
{
    FerryVisit *visit = call->visit;
    FerryServer *server = visit->server;
    g_autoptr(GHashTable) query = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(FerryMatch) match = { 0 };
    g_auto(FerryResponse) response = { 0 };
    json_t *body = NULL, *problem = NULL;

    ferry_connections_enter(server->connections, visit->entry, FERRY_CONNECTION_WORKING);
    ferry_route_find(server->tables, method, url, visit->caller, &match);
    if (match.route == NULL) {
        response.allow = g_steal_pointer(&match.allow);
        ferry_response_problem(&response, g_steal_pointer(&match.problem));
    } else if ((problem = read_body(call, mhd, &body)) != NULL) {
        ferry_response_problem(&response, problem);
    } else {
        FerryRequest request = { .method = method,
                                 .segments = (const char *const *)match.segments,
                                 .body = body,
                                 .caller = visit->caller,
                                 .query = query,
                                 .key = header(mhd, "Idempotency-Key"),
                                 .connection = visit };

        MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, add_query, query);
        run_handler(&match, &request, &response);
    }
    json_decref(body);
    ferry_connections_enter(server->connections, visit->entry, FERRY_CONNECTION_SENDING);
    return ferry_response_queue(&response, call, mhd);
}

/* Strangers end in the handshake, so this finds what the handshake has found already. */
static bool
know_caller(FerryVisit *visit)
{
    g_autoptr(GError) error = NULL;

    if (visit->caller != NULL)
        return true;
    if (!ferry_peer_name_of_session(visit->tls, FERRY_END_CLIENT, &visit->caller, &error))
        return false;
    ferry_connections_know(visit->server->connections, visit->entry);
    return true;
}

enum MHD_Result
ferry_call_handle(void *data,
                  struct MHD_Connection *mhd,
                  const char *url,
                  const char *method,
                  const char *version,
                  const char *upload,
                  size_t *upload_size,
                  void **context)
{
    FerryCall *call = *context;

    (void)data;
    (void)version;
    if (!call->is_known)
        return know_caller(call->visit) ? begin(call, mhd) : MHD_NO;
    if (*upload_size > 0) {
        take(call, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return dispatch(call, mhd, url, method);
}
