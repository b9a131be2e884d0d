#include "migrate/flow.h"

#include <string.h>

struct _FerryFlow {
    FerryFlowJudge judge;
    void *data;
    uint8_t header[FERRY_RPC_HEADER_BYTES];
    size_t header_bytes;      /* so many of it are here; all: inside a message */
    size_t payload_left;      /* of the message whose header is complete */
    FerryFlowVerdict verdict; /* on it */
    GByteArray *out;
    size_t written; /* so many bytes of out are gone */
    GByteArray *held;
    bool held_whole; /* not only a part of it */
};

FerryFlow *
ferry_flow_new(FerryFlowJudge judge, void *data)
{
    FerryFlow *self = g_new0(FerryFlow, 1);

    self->judge = judge;
    self->data = data;
    self->out = g_byte_array_sized_new(FERRY_RPC_HEADER_BYTES); /* data is never NULL */
    self->held = g_byte_array_new();
    return self;
}

void
ferry_flow_free(FerryFlow *self)
{
    if (self == NULL)
        return;
    g_byte_array_unref(self->out);
    g_byte_array_unref(self->held);
    g_free(self);
}

static bool
is_inside(const FerryFlow *self)
{
    return self->header_bytes == FERRY_RPC_HEADER_BYTES;
}

static void
emit(FerryFlow *self, const uint8_t *bytes, size_t n)
{
    if (self->verdict == FERRY_FLOW_PASS)
        g_byte_array_append(self->out, bytes, (guint)n);
    else if (self->verdict == FERRY_FLOW_HOLD)
        g_byte_array_append(self->held, bytes, (guint)n);
}

static size_t
feed_header(FerryFlow *self, const uint8_t *bytes, size_t n)
{
    size_t taken = MIN(n, FERRY_RPC_HEADER_BYTES - self->header_bytes);
    FerryRpcHeader header;

    memcpy(self->header + self->header_bytes, bytes, taken);
    self->header_bytes += taken;
    if (!is_inside(self))
        return taken;
    header = ferry_rpc_header_parse(self->header);
    self->verdict = self->judge(self->data, &header);
    self->payload_left = (size_t)header.length - FERRY_RPC_HEADER_BYTES;
    emit(self, self->header, FERRY_RPC_HEADER_BYTES);
    return taken;
}

static size_t
feed_payload(FerryFlow *self, const uint8_t *bytes, size_t n)
{
    size_t taken = MIN(n, self->payload_left);

    emit(self, bytes, taken);
    self->payload_left -= taken;
    return taken;
}

bool
ferry_flow_is_stopped(const FerryFlow *self)
{
    return self->verdict == FERRY_FLOW_STOP;
}

void
ferry_flow_feed(FerryFlow *self, const uint8_t *bytes, size_t n)
{
    size_t at = 0;

    while (at < n && !ferry_flow_is_stopped(self)) {
        if (is_inside(self))
            at += feed_payload(self, bytes + at, n - at);
        else
            at += feed_header(self, bytes + at, n - at);
        if (is_inside(self) && self->payload_left == 0) {
            self->held_whole |= self->verdict == FERRY_FLOW_HOLD;
            self->header_bytes = 0;
        }
    }
}

const uint8_t *
ferry_flow_pending(const FerryFlow *self, size_t *ret_n)
{
    *ret_n = self->out->len - self->written;
    return self->out->data + self->written;
}

void
ferry_flow_consume(FerryFlow *self, size_t n)
{
    self->written += n;
    g_assert(self->written <= self->out->len);
    if (self->written == self->out->len) {
        g_byte_array_set_size(self->out, 0);
        self->written = 0;
    }
}

bool
ferry_flow_has_held(const FerryFlow *self)
{
    return self->held_whole;
}

bool
ferry_flow_release(FerryFlow *self)
{
    if (!ferry_flow_has_held(self) || (is_inside(self) && self->verdict == FERRY_FLOW_PASS))
        return false;
    g_byte_array_append(self->out, self->held->data, self->held->len);
    g_byte_array_set_size(self->held, 0);
    self->held_whole = false;
    return true;
}
