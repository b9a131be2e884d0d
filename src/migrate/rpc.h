#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Bytes of a header of libvirt's RPC: seven big-endian words (libvirt: docs/internals/rpc.rst). */
#define FERRY_RPC_HEADER_BYTES 28

/** The longest message libvirt takes, its length word included (VIR_NET_MESSAGE_MAX + 4). */
#define FERRY_RPC_MAX_BYTES ((32u << 20) + 4)

#define FERRY_RPC_STATUS_OK 0

/** One message's header, as it is on the wire between libvirt's client and its daemon. */
typedef struct {
    uint32_t length; /* of the whole message, this word included */
    uint32_t program, version, procedure, type, serial, status;
} FerryRpcHeader;

/** Reads FERRY_RPC_HEADER_BYTES bytes; any bytes make a header, see _length_is_valid. */
FerryRpcHeader ferry_rpc_header_parse(const uint8_t *bytes);

/** Inverse of the above. */
void ferry_rpc_header_format(const FerryRpcHeader *header, uint8_t *ret_bytes);

bool ferry_rpc_length_is_valid(const FerryRpcHeader *header);

/** Keepalive, of either side; it belongs to no call. */
bool ferry_rpc_is_keepalive(const FerryRpcHeader *header);

/** A call that a migration makes at the target: docs/handover.md, section 3, rule 1. */
bool ferry_rpc_is_migration_call(const FerryRpcHeader *header);

bool ferry_rpc_is_prepare_call(const FerryRpcHeader *header);
bool ferry_rpc_is_finish_call(const FerryRpcHeader *header);
bool ferry_rpc_is_finish_reply(const FerryRpcHeader *header);
