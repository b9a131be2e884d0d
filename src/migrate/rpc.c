#include "migrate/rpc.h"

#include <glib.h>

/* libvirt: src/remote/remote_protocol.x, src/rpc/virkeepaliveprotocol.x, src/rpc/virnetprotocol.x
 */
#define REMOTE_PROGRAM    0x20008086u
#define KEEPALIVE_PROGRAM 0x6b656570u

enum { TYPE_CALL = 0, TYPE_REPLY = 1 };

enum {
    PROC_CONNECT_OPEN = 1,
    PROC_CONNECT_CLOSE = 2,
    PROC_CONNECT_SUPPORTS_FEATURE = 60,
    PROC_AUTH_LIST = 66,
    PROC_MIGRATE_PREPARE = 303, /* DOMAIN_MIGRATE_PREPARE3_PARAMS */
    PROC_MIGRATE_FINISH = 306,  /* DOMAIN_MIGRATE_FINISH3_PARAMS */
};

static const uint32_t migration_procedures[] = {
    PROC_CONNECT_OPEN, PROC_CONNECT_CLOSE,   PROC_CONNECT_SUPPORTS_FEATURE,
    PROC_AUTH_LIST,    PROC_MIGRATE_PREPARE, PROC_MIGRATE_FINISH,
};

static uint32_t
word_at(const uint8_t *bytes, unsigned index)
{
    const uint8_t *word = bytes + 4 * index;

    return (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | word[3];
}

FerryRpcHeader
ferry_rpc_header_parse(const uint8_t *bytes)
{
    return (FerryRpcHeader){ word_at(bytes, 0), word_at(bytes, 1), word_at(bytes, 2),
                             word_at(bytes, 3), word_at(bytes, 4), word_at(bytes, 5),
                             word_at(bytes, 6) };
}

void
ferry_rpc_header_format(const FerryRpcHeader *header, uint8_t *ret_bytes)
{
    const uint32_t words[] = { header->length, header->program, header->version, header->procedure,
                               header->type,   header->serial,  header->status };

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        for (unsigned byte = 0; byte < 4; byte++)
            ret_bytes[4 * i + byte] = (uint8_t)(words[i] >> (24 - 8 * byte));
    }
}

bool
ferry_rpc_length_is_valid(const FerryRpcHeader *header)
{
    return header->length >= FERRY_RPC_HEADER_BYTES && header->length <= FERRY_RPC_MAX_BYTES;
}

bool
ferry_rpc_is_keepalive(const FerryRpcHeader *header)
{
    return header->program == KEEPALIVE_PROGRAM;
}

static bool
is(const FerryRpcHeader *header, uint32_t type, uint32_t procedure)
{
    return header->program == REMOTE_PROGRAM && header->type == type &&
           header->procedure == procedure;
}

bool
ferry_rpc_is_migration_call(const FerryRpcHeader *header)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(migration_procedures); i++) {
        if (is(header, TYPE_CALL, migration_procedures[i]))
            return true;
    }
    return false;
}

bool
ferry_rpc_is_prepare_call(const FerryRpcHeader *header)
{
    return is(header, TYPE_CALL, PROC_MIGRATE_PREPARE);
}

bool
ferry_rpc_is_finish_call(const FerryRpcHeader *header)
{
    return is(header, TYPE_CALL, PROC_MIGRATE_FINISH);
}

bool
ferry_rpc_is_finish_reply(const FerryRpcHeader *header)
{
    return is(header, TYPE_REPLY, PROC_MIGRATE_FINISH);
}
