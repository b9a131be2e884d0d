#include "client/client.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "client/connection.h"
#include "client/json.h"

#define REPLY_MAX_BYTES (16 * 1024 * 1024)
#define HOST_MAX        255 /* a name's, RFC 1123 */

static void
init_libcurl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static FerryClient *
client_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* libcurl wants it exactly once */
    FerryClient *self = g_new0(FerryClient, 1);

    pthread_once(&once, init_libcurl);
    self->curl = curl_easy_init();
    g_assert(self->curl != NULL); /* fails for want of memory only, where GLib aborts too */
    self->tunnels = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_tunnel_free);
    return self;
}

FerryClient *
ferry_client_new_unix(const char *socket_path)
{
    FerryClient *self = client_new();

    self->base = g_strdup("http://ferryd");
    self->label = g_strdup_printf("ferryd at %s", socket_path);
    self->socket_path = g_strdup(socket_path);
    return self;
}

bool
ferry_address_check(const char *address, GError **error)
{
    const char *colon = strrchr(address, ':');
    size_t host = colon == NULL ? 0 : (size_t)(colon - address);
    bool bracketed = host > 2 && address[0] == '[' && colon[-1] == ']';
    uint64_t port = 0;

    if (host == 0 || host > HOST_MAX ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL) ||
        strspn(address, "[]:.-%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
            strlen(address) ||
        (!bracketed && strcspn(address, "[]:") != host)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is not an address: expected HOST:PORT, an IPv6 address in brackets",
                    address);
        return false;
    }
    return true;
}

bool
ferry_client_new_peer(const FerryIdentity *me,
                      const char *name,
                      const char *address,
                      FerryClient **ret,
                      GError **error)
{
    const char *port = NULL;
    g_autofree char *route = NULL;
    FerryClient *self = NULL;

    if (!ferry_host_name_is_valid(name)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is not a host name: at most 64 letters, digits, dots and hyphens",
                    name);
        return false;
    }
    if (!ferry_address_check(address, error))
        return false;
    port = strrchr(address, ':') + 1;
    route = g_strdup_printf("%s:%s:%s", name, port, address);
    self = client_new();
    self->me = me;
    self->base = g_strdup_printf("https://%s:%s", name, port);
    self->label = g_strdup_printf("ferryd of %s (%s)", name, address);
    self->route = curl_slist_append(NULL, route);
    *ret = self;
    return true;
}

void
ferry_client_free(FerryClient *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->tunnels);
    curl_easy_cleanup(self->curl);
    curl_slist_free_all(self->route);
    g_free(self->base);
    g_free(self->label);
    g_free(self->socket_path);
    g_free(self);
}

void
ferry_reply_clear(FerryReply *self)
{
    g_clear_pointer(&self->body, json_decref);
}

char *
ferry_path_escape(const char *segment)
{
    return g_uri_escape_string(segment, NULL, FALSE);
}

static size_t
on_body(char *data, size_t size, size_t n, void *user_data)
{
    GString *text = user_data;

    if (text->len + size * n > REPLY_MAX_BYTES)
        return 0; /* libcurl then ends the transfer with an error */
    g_string_append_len(text, data, (gssize)(size * n));
    return size * n;
}

static bool
parse_body(const FerryClient *self, const GString *text, json_t **ret, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (text->len == 0 || ferry_json_parse(text->str, text->len, ret, &cause))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s answered nonsense: %s", self->label,
                cause->message);
    return false;
}

/* A refusal is an answer; every other problem is an error. */
static bool
is_answer(unsigned status, const json_t *body)
{
    const char *type = json_string_value(json_object_get(body, "type"));

    return (status >= 200 && status < 300) ||
           (status == 409 && type != NULL && strcmp(type, "refused") == 0);
}

static bool
read_reply(const FerryClient *self, const GString *text, FerryReply *ret, GError **error)
{
    long status = 0;
    g_auto(FerryReply) reply = { 0 };

    curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
    reply.status = (unsigned)status;
    if (!parse_body(self, text, &reply.body, status < 300 ? error : NULL) && status < 300)
        return false;
    if (!is_answer(reply.status, reply.body))
        return ferry_problem_to_error(self, reply.status, reply.body, error);
    *ret = reply;
    reply.body = NULL;
    return true;
}

/* @text must live as long as the request: libcurl does not copy it. */
static struct curl_slist *
set_request(FerryClient *self, const char *method, const char *text)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");

    curl_easy_setopt(self->curl, CURLOPT_CUSTOMREQUEST, method);
    if (text != NULL) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:"); /* one round trip, not two */
        curl_easy_setopt(self->curl, CURLOPT_POSTFIELDS, text);
        curl_easy_setopt(self->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text));
    }
    curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

bool
ferry_client_call(FerryClient *self,
                  const char *method,
                  const char *path,
                  json_t *body,
                  int64_t timeout_ms,
                  FerryReply *ret,
                  GError **error)
{
    g_auto(FerryExchange) exchange = { 0 };
    g_autoptr(GString) answer = g_string_new(NULL);
    struct curl_slist *headers = NULL;
    char *text = NULL; /* jansson's, so free() */
    CURLcode code = CURLE_OK;

    g_assert(timeout_ms > 0);
    if (body != NULL)
        text = json_dumps(body, JSON_COMPACT);
    curl_easy_reset(self->curl); /* keeps the connection */
    ferry_exchange_start(&exchange, self, self->curl, path, timeout_ms);
    headers = set_request(self, method, text);
    curl_easy_setopt(self->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(self->curl, CURLOPT_WRITEDATA, answer);
    code = curl_easy_perform(self->curl);
    curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    free(text);
    if (code != CURLE_OK)
        return ferry_exchange_failed(&exchange, code, error);
    return read_reply(self, answer, ret, error);
}
