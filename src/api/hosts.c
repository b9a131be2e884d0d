#include <string.h>

#include <microhttpd.h>

#include "api/json.h"
#include "api/resources.h"
#include "base/error.h"
#include "client/client.h"
#include "store/host.h"
#include "store/journal.h"

#define CHECK_TIMEOUT_MS 10000

static json_t *
describe(const FerryHostRow *row)
{
    g_autofree char *added = ferry_clock_format(row->added_us);

    return json_pack("{s:s, s:s, s:s}", "name", row->name, "address", row->address, "added", added);
}

static bool
list_hosts(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    g_autoptr(GPtrArray) rows = NULL;
    json_t *hosts = NULL;

    (void)request;
    if (!ferry_store_host_list(self->store, &rows, error))
        return false;
    hosts = json_array();
    for (unsigned i = 0; i < rows->len; i++)
        json_array_append_new(hosts, describe(g_ptr_array_index(rows, i)));
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "hosts", hosts));
    return true;
}

static bool
check_name(const FerryApi *self, const char *name, GError **error)
{
    if (!ferry_host_name_is_valid(name)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "\"%s\" is not a host name: at most 64 letters, digits, dots and hyphens",
                    name);
        return false;
    }
    if (strcmp(name, self->name) == 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "%s is this host: add the others, by the names in their certificates", name);
        return false;
    }
    return true;
}

static bool
add_host(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    g_auto(FerryFields) fields = { .object = request->body };
    const char *name = ferry_fields_string(&fields, "name");
    const char *address = ferry_fields_string(&fields, "address");
    FerryHostRow row = { .name = (char *)name,
                         .address = (char *)address,
                         .added_us = self->clock->wall_us(self->clock) };

    if (!ferry_fields_end(&fields, error) || !check_name(self, name, error) ||
        !ferry_address_check(address, error) || !ferry_store_host_add(self->store, &row, error))
        return false;
    ferry_response_json(response, MHD_HTTP_CREATED, describe(&row));
    return true;
}

static bool
find_host(const FerryApi *self, const FerryRequest *request, FerryHostRow **ret, GError **error)
{
    const char *name = request->segments[0];

    if (!ferry_store_host_find(self->store, name, ret, error))
        return false;
    if (*ret != NULL)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "there is no host %s: see \"ferry host list\", or add it with \"ferry host add\"",
                name);
    return false;
}

static bool
get_host(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    g_autoptr(FerryHostRow) row = NULL;

    if (!find_host(data, request, &row, error))
        return false;
    ferry_response_json(response, MHD_HTTP_OK, describe(row));
    return true;
}

/* An unfinished job must go on asking the other host, or it never ends. */
static bool
check_unused(FerryStore *store, const char *name, GError **error)
{
    g_autoptr(GPtrArray) jobs = NULL;

    if (!ferry_journal_jobs(store, FERRY_JOURNAL_UNFINISHED, &jobs, error))
        return false;
    for (guint i = 0; i < jobs->len; i++) {
        const FerryJobRow *job = g_ptr_array_index(jobs, i);

        if (strcmp(job->peer, name) != 0)
            continue;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "job %s with host %s has not ended: see \"ferry job show %s\"", job->id, name,
                    job->id);
        return false;
    }
    return true;
}

static bool
remove_host(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;

    if (!check_unused(self->store, request->segments[0], error) ||
        !ferry_store_host_remove(self->store, request->segments[0], error))
        return false;
    ferry_response_json(response, MHD_HTTP_NO_CONTENT, NULL);
    return true;
}

/*
 * The check.  Whether libvirt answers over there, and whether QEMU has its credentials, the other
 * ferryd says itself: it looks from the same place that its half of the relay connects from.
 */

/* One line of the check; @remedy: what to do if it is not ok. */
static void
add_check(json_t *checks, const char *check, bool ok, const char *detail, const char *remedy)
{
    json_array_append_new(checks, json_pack("{s:s, s:b, s:s, s:s?}", "check", check, "ok", ok,
                                            "detail", detail, "remedy", ok ? NULL : remedy));
}

static void
check_protocol(json_t *checks, const json_t *version)
{
    json_int_t newest = json_integer_value(json_object_get(version, "protocol"));
    json_int_t oldest = json_integer_value(json_object_get(version, "min"));
    const char *ferry = json_string_value(json_object_get(version, "ferry"));
    g_autofree char *detail =
        g_strdup_printf("it speaks %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
                        " (ferry %s), this host %d to %d (ferry %s)",
                        oldest, newest, ferry != NULL ? ferry : "?", FERRY_PROTOCOL_MIN,
                        FERRY_PROTOCOL, FERRY_VERSION);

    add_check(checks, "protocol", oldest <= FERRY_PROTOCOL && newest >= FERRY_PROTOCOL_MIN, detail,
              "upgrade ferry on the older host");
}

static void
check_libvirt(json_t *checks, const json_t *version)
{
    const json_t *libvirt = json_object_get(version, "libvirt");
    bool connected = json_is_true(json_object_get(libvirt, "connected"));
    const char *number = json_string_value(json_object_get(libvirt, "version"));
    const char *cause = json_string_value(json_object_get(libvirt, "error"));
    g_autofree char *detail =
        connected ? g_strdup_printf("libvirt %s answers there", number != NULL ? number : "?")
                  : g_strdup(cause != NULL ? cause : "libvirt does not answer there");

    add_check(checks, "libvirt", connected, detail, "start libvirtd on that host");
}

static void
check_memory_tls(json_t *checks, const FerryApi *self, const json_t *version)
{
    bool there = json_is_true(json_object_get(version, "memory_tls"));
    bool here = ferry_memory_tls_is_installed(self->memory_tls_dir);
    g_autofree char *detail =
        there && here
            ? g_strdup("QEMU's credentials are in place on both hosts")
            : g_strdup_printf("QEMU's credentials are missing on %s", !there && !here ? "both hosts"
                                                                      : here          ? "that host"
                                                                             : "this host");

    add_check(checks, "memory_tls", there && here, detail,
              "run \"ferry pki install\" on each host that lacks them, with that host's file");
}

static void
skip_rest(json_t *checks, const char *why)
{
    static const char *const rest[] = { "certificate", "protocol", "libvirt", "memory_tls" };

    for (size_t i = json_array_size(checks) - 1; i < G_N_ELEMENTS(rest); i++)
        add_check(checks, rest[i], false, why, NULL);
}

static void
check_answer(const FerryApi *self, const FerryHostRow *row, json_t *checks, const json_t *version)
{
    const char *name = json_string_value(json_object_get(version, "name"));
    g_autofree char *detail = g_strdup_printf("it is %s, with the role peer", row->name);

    add_check(checks, "reachable", true, row->address, NULL);
    if (name == NULL || strcmp(name, row->name) != 0) {
        add_check(checks, "certificate", false, "it calls itself by another name",
                  "set [daemon] name there to the name in its certificate, or leave it out");
        skip_rest(checks, "not checked: it is not the host it should be");
        return;
    }
    add_check(checks, "certificate", true, detail, NULL);
    check_protocol(checks, version);
    check_libvirt(checks, version);
    check_memory_tls(checks, self, version);
}

static void
check_failure(json_t *checks, const FerryHostRow *row, const GError *error)
{
    if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_PEER) ||
        g_error_matches(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT)) {
        add_check(checks, "reachable", false, error->message,
                  "start ferryd there, and check its address and port, and firewalls between");
        skip_rest(checks, "not checked: the host is not reachable");
        return;
    }
    add_check(checks, "reachable", true, row->address, NULL);
    if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_DENIED)) {
        add_check(checks, "certificate", false, error->message,
                  "issue and install both hosts' certificates from one authority");
        skip_rest(checks, "not checked: the hosts do not trust each other");
        return;
    }
    add_check(checks, "certificate", true, row->name, NULL);
    add_check(checks, "protocol", false, error->message, "upgrade ferry on the older host");
    skip_rest(checks, "not checked: it did not say its version");
}

static bool
check_host(void *data, const FerryRequest *request, FerryResponse *response, GError **error)
{
    const FerryApi *self = data;
    g_autoptr(FerryHostRow) row = NULL;
    g_autoptr(FerryClient) client = NULL;
    g_autoptr(GError) failure = NULL;
    g_auto(FerryReply) reply = { 0 };
    json_t *checks = NULL;

    if (!find_host(self, request, &row, error))
        return false;
    if (self->identity == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "cannot talk to %s: this host has no certificate. Run \"ferry pki install "
                    "FILE\" and restart ferryd",
                    row->name);
        return false;
    }
    if (!ferry_client_new_peer(self->identity, row->name, row->address, &client, error))
        return false;
    checks = json_array();
    if (ferry_client_call(client, "GET", "/v1/peer/version", NULL, CHECK_TIMEOUT_MS, &reply,
                          &failure))
        check_answer(self, row, checks, reply.body);
    else
        check_failure(checks, row, failure);
    ferry_response_json(response, MHD_HTTP_OK, json_pack("{s:o}", "checks", checks));
    return true;
}

const FerryRoute ferry_host_routes[] = {
    { "GET", "/v1/hosts", FERRY_ROLE_VIEW, list_hosts },
    { "POST", "/v1/hosts", FERRY_ROLE_OPERATE, add_host },
    { "GET", "/v1/hosts/{}", FERRY_ROLE_VIEW, get_host },
    { "DELETE", "/v1/hosts/{}", FERRY_ROLE_OPERATE, remove_host },
    { "POST", "/v1/hosts/{}/check", FERRY_ROLE_OPERATE, check_host },
    { NULL, NULL, FERRY_ROLE_NONE, NULL },
};
