#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/serving.h"

void
ferry_response_clear(FerryResponse *self)
{
    if (self->data != NULL && self->data_free != NULL)
        self->data_free(self->data);
    json_decref(self->body);
    g_free(self->allow);
    *self = (FerryResponse){ 0 };
}

void
ferry_response_json(FerryResponse *self, unsigned status, json_t *body)
{
    self->kind = FERRY_RESPONSE_JSON;
    self->status = status;
    self->body = body;
}

void
ferry_response_problem(FerryResponse *self, json_t *problem)
{
    ferry_response_json(self, ferry_problem_status(problem), problem);
}

void
ferry_response_refused(FerryResponse *self, const char *detail, json_t *reasons)
{
    ferry_response_problem(self, ferry_problem_refused(detail, reasons));
}

void
ferry_response_events(FerryResponse *self, FerryNextFunc next, void *data, GDestroyNotify data_free)
{
    self->kind = FERRY_RESPONSE_EVENTS;
    self->status = MHD_HTTP_OK;
    self->next = next;
    self->data = data;
    self->data_free = data_free;
}

void
ferry_response_upgrade(FerryResponse *self,
                       const char *protocol,
                       FerryUpgradeFunc func,
                       void *data,
                       GDestroyNotify data_free)
{
    self->kind = FERRY_RESPONSE_UPGRADE;
    self->status = MHD_HTTP_SWITCHING_PROTOCOLS;
    self->protocol = protocol;
    self->upgrade = func;
    self->data = data;
    self->data_free = data_free;
}

static struct MHD_Response *
new_json(const FerryResponse *self)
{
    bool is_problem = self->status >= 400;
    char *text = self->body != NULL ? json_dumps(self->body, JSON_COMPACT) : NULL;
    size_t length = text != NULL ? strlen(text) : 0;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);

    if (text != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                is_problem ? "application/problem+json" : "application/json");
    if (self->allow != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, self->allow);
    return response;
}

/* "Connection: keep-alive, Upgrade" is libmicrohttpd's to judge; that the protocol is ours is not.
 */
static bool
asks_for(struct MHD_Connection *mhd, const char *protocol)
{
    const char *wanted = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_UPGRADE);

    return wanted != NULL && g_ascii_strcasecmp(wanted, protocol) == 0;
}

static void
ask_for_upgrade(FerryResponse *self)
{
    g_autofree char *detail =
        g_strdup_printf("this resource is for \"Connection: Upgrade\" to %s", self->protocol);

    ferry_response_clear(self);
    ferry_response_problem(self, ferry_problem_new(MHD_HTTP_UPGRADE_REQUIRED, "invalid", detail));
}

enum MHD_Result
ferry_response_queue(FerryResponse *self, FerryCall *call, struct MHD_Connection *mhd)
{
    struct MHD_Response *response = NULL;
    enum MHD_Result result = MHD_NO;

    if (self->kind == FERRY_RESPONSE_UPGRADE && !asks_for(mhd, self->protocol))
        ask_for_upgrade(self);
    if (self->kind == FERRY_RESPONSE_EVENTS)
        response = ferry_stream_new(self, call->visit);
    else if (self->kind == FERRY_RESPONSE_UPGRADE)
        response = ferry_upgrade_new(self, call);
    else
        response = new_json(self);
    if (response == NULL)
        return MHD_NO;
    result = MHD_queue_response(mhd, self->status, response);
    MHD_destroy_response(response);
    return result;
}
