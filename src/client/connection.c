#include "client/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"

/* A host that is cut off answers nothing at all: it is given up after this time, not after the
 * quarter of an hour that TCP would take. */
#define CONNECT_TIMEOUT_MS 5000
#define DEAD_AFTER_MS      5000

void
ferry_exchange_clear(FerryExchange *self)
{
    g_clear_pointer(&self->url, g_free);
    g_clear_error(&self->refusal);
}

static int
on_socket(void *data, curl_socket_t fd, curlsocktype purpose)
{
    int on = 1, seconds = 1, probes = DEAD_AFTER_MS / 1000;
    unsigned dead_after_ms = DEAD_AFTER_MS;

    (void)data;
    (void)purpose;
    /* On a Unix socket these fail, and are not needed. */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_after_ms, sizeof(dead_after_ms));
    return CURL_SOCKOPT_OK;
}

/* libcurl has checked chain and name; the role is ours to check, and before a byte is sent: an
 * operator's certificate must not be able to pose as a host. */
static int
on_connected(void *data, char *remote, char *local, int remote_port, int local_port)
{
    FerryExchange *self = data;
    struct curl_tlssessioninfo *tls = NULL;
    g_autoptr(FerryPeerName) name = NULL;

    (void)remote;
    (void)local;
    (void)remote_port;
    (void)local_port;
    g_clear_error(&self->refusal);
    if (curl_easy_getinfo(self->curl, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK ||
        tls->backend != CURLSSLBACKEND_GNUTLS || tls->internals == NULL)
        return CURL_PREREQFUNC_ABORT;
    if (!ferry_peer_name_of_session(tls->internals, FERRY_END_SERVER, &name, &self->refusal))
        return CURL_PREREQFUNC_ABORT;
    if (name->role == FERRY_ROLE_PEER)
        return CURL_PREREQFUNC_OK;
    g_set_error(&self->refusal, FERRY_ERROR, FERRY_ERROR_DENIED,
                "its certificate has the role %s, not peer", ferry_role_name(name->role));
    return CURL_PREREQFUNC_ABORT;
}

static void
set_tls(FerryExchange *self)
{
    const FerryIdentity *me = self->client->me;

    curl_easy_setopt(self->curl, CURLOPT_CONNECT_TO, self->client->route);
    curl_easy_setopt(self->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    curl_easy_setopt(self->curl, CURLOPT_CAINFO, ferry_identity_ca_path(me));
    curl_easy_setopt(self->curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(self->curl, CURLOPT_SSLCERT, ferry_identity_cert_path(me));
    curl_easy_setopt(self->curl, CURLOPT_SSLKEY, ferry_identity_key_path(me));
    curl_easy_setopt(self->curl, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(self->curl, CURLOPT_PREREQDATA, self);
}

void
ferry_exchange_start(FerryExchange *self,
                     const FerryClient *client,
                     CURL *curl,
                     const char *path,
                     int64_t timeout_ms)
{
    *self = (FerryExchange){ .client = client, .curl = curl };
    self->url = g_strconcat(client->base, path, NULL);
    curl_easy_setopt(curl, CURLOPT_URL, self->url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, self->text);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
    if (client->socket_path != NULL)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    else
        set_tls(self);
}

/* With TLS 1.3 a server judges our certificate when the handshake is over for us already: then it
 * sends an alert and hangs up.  Whether we still see the alert is a race with our request, which it
 * does not read; so a new connection that ends before the first byte of an answer is taken for it.
 */
static bool
was_turned_away(const FerryExchange *self, CURLcode code)
{
    curl_off_t tls_us = 0;
    long n_connects = 0, header_bytes = 0;

    if (self->client->me == NULL ||
        (code != CURLE_SEND_ERROR && code != CURLE_RECV_ERROR && code != CURLE_GOT_NOTHING))
        return false;
    curl_easy_getinfo(self->curl, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    curl_easy_getinfo(self->curl, CURLINFO_NUM_CONNECTS, &n_connects);
    curl_easy_getinfo(self->curl, CURLINFO_HEADER_SIZE, &header_bytes);
    return tls_us > 0 && n_connects > 0 && header_bytes == 0;
}

/* A time limit that ended before there was a connection speaks of the connection. */
static FerryErrorCode
classify(const FerryExchange *self, CURLcode code)
{
    curl_off_t ready_us = 0;
    long os_errno = 0;

    curl_easy_getinfo(self->curl, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    curl_easy_getinfo(self->curl, CURLINFO_OS_ERRNO, &os_errno);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return ready_us > 0 ? FERRY_ERROR_TIMEOUT : FERRY_ERROR_PEER;
    if (code == CURLE_COULDNT_CONNECT && (os_errno == EACCES || os_errno == EPERM))
        return FERRY_ERROR_DENIED;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM)
        return FERRY_ERROR_DENIED;
    return was_turned_away(self, code) ? FERRY_ERROR_DENIED : FERRY_ERROR_PEER;
}

static const char *
hint_for(const FerryExchange *self, FerryErrorCode code)
{
    bool local = self->client->socket_path != NULL;

    if (code == FERRY_ERROR_TIMEOUT)
        return "";
    if (code == FERRY_ERROR_DENIED)
        return local ? ". Run as root or as a member of the group ferry"
                     : ". See \"ferry pki show\" on both hosts";
    return local ? ". Is ferryd running? \"systemctl start ferryd\" starts it"
                 : ". Is ferryd running there, and the address right?";
}

bool
ferry_exchange_failed(FerryExchange *self, CURLcode code, GError **error)
{
    FerryErrorCode ferry = FERRY_ERROR_PEER;
    long os_errno = 0;
    const char *text = NULL;

    if (self->refusal != NULL) {
        g_propagate_prefixed_error(error, g_steal_pointer(&self->refusal),
                                   "%s is not to be trusted: ", self->client->label);
        return false;
    }
    ferry = classify(self, code);
    curl_easy_getinfo(self->curl, CURLINFO_OS_ERRNO, &os_errno);
    text = self->text[0] != '\0' ? self->text : curl_easy_strerror(code);
    if (code == CURLE_COULDNT_CONNECT && os_errno != 0)
        text = g_strerror((int)os_errno);
    if (was_turned_away(self, code))
        text = "it hung up when it saw our certificate";
    g_set_error(error, FERRY_ERROR, ferry, "%s %s: %s%s",
                ferry == FERRY_ERROR_TIMEOUT ? "no answer in time from" : "cannot talk to",
                self->client->label, text, hint_for(self, ferry));
    return false;
}

bool
ferry_problem_to_error(const FerryClient *client,
                       unsigned status,
                       const json_t *body,
                       GError **error)
{
    const char *type = json_string_value(json_object_get(body, "type"));
    const char *detail = json_string_value(json_object_get(body, "detail"));

    for (unsigned code = 0; type != NULL && detail != NULL && code < FERRY_ERROR_N_CODES; code++) {
        if (strcmp(ferry_error_info((FerryErrorCode)code)->name, type) != 0)
            continue;
        g_set_error_literal(error, FERRY_ERROR, (int)code, detail);
        return false;
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s answered with HTTP status %u%s%s",
                client->label, status, detail != NULL ? ": " : ", and no reason",
                detail != NULL ? detail : "");
    return false;
}
