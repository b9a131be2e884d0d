#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "migrate/rpc.h"

/**
 * One direction of the relay: bytes come in as they were read, messages are judged by their
 * headers, and what may pass goes out.  Payload is streamed; only one message can be held back
 * whole.  Does no I/O; one thread at a time.
 */
typedef struct _FerryFlow FerryFlow;

typedef enum {
    FERRY_FLOW_PASS,
    FERRY_FLOW_HOLD, /* keep it until released; at most once in a flow's life */
    FERRY_FLOW_DROP,
    FERRY_FLOW_STOP, /* take nothing any more, from this message on */
} FerryFlowVerdict;

/** Asked once for each message.  A length that is not valid must be answered STOP. */
typedef FerryFlowVerdict (*FerryFlowJudge)(void *data, const FerryRpcHeader *header);

FerryFlow *ferry_flow_new(FerryFlowJudge judge, void *data);
void ferry_flow_free(FerryFlow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryFlow, ferry_flow_free)

/** Takes what was read; after STOP it is thrown away. */
void ferry_flow_feed(FerryFlow *self, const uint8_t *bytes, size_t n);

/** Returns: (transfer none): what is to be written, *@ret_n bytes, valid until the next call */
const uint8_t *ferry_flow_pending(const FerryFlow *self, size_t *ret_n);

/** Says that the first @n bytes of those were written (or that nobody is left to read them). */
void ferry_flow_consume(FerryFlow *self, size_t n);

bool ferry_flow_is_stopped(const FerryFlow *self);

/** Whether the held message is here as a whole and not yet released. */
bool ferry_flow_has_held(const FerryFlow *self);

/**
 * Puts the held message behind what is pending.
 *
 * Returns: false when there is none, or while another message is half through: ask again later
 */
bool ferry_flow_release(FerryFlow *self);
