#pragma once

#include <string.h>

#include "migrate/rpc.h"

/* Numbers of libvirt's protocol, written down once more: docs/handover.md, section 3. */
#define REMOTE    0x20008086u
#define KEEPALIVE 0x6b656570u

#define MAX_MESSAGE_BYTES 512

/** A message of libvirt's RPC with a payload of its own, to be told from others. */
typedef struct {
    uint8_t bytes[MAX_MESSAGE_BYTES];
    size_t n;
} Message;

static inline Message
message(uint32_t program, uint32_t procedure, uint32_t type, uint32_t status, const char *payload)
{
    Message message = { .n = FERRY_RPC_HEADER_BYTES + strlen(payload) };
    FerryRpcHeader header = { (uint32_t)message.n, program, 1, procedure, type, 7, status };

    ferry_rpc_header_format(&header, message.bytes);
    memcpy(message.bytes + FERRY_RPC_HEADER_BYTES, payload, strlen(payload));
    return message;
}

static inline Message
call(uint32_t procedure)
{
    return message(REMOTE, procedure, 0, 0, "call's payload");
}

static inline Message
reply(uint32_t procedure, const char *payload)
{
    return message(REMOTE, procedure, 1, 0, payload);
}

static inline Message
ping(void)
{
    return message(KEEPALIVE, 1, 2, 0, "");
}
