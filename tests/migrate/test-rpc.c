#include "migrate/rpc.h"

#include <glib.h>

#include "message.h"

static void
test_wire_form(void)
{
    /* A call of finish as libvirt 11.3 sends it: length 300, serial 9. */
    static const uint8_t wire[FERRY_RPC_HEADER_BYTES] = {
        0, 0,  1, 44, 0x20, 0, 0x80, 0x86, 0, 0, 0, 1, 0, 0,
        1, 50, 0, 0,  0,    0, 0,    0,    0, 9, 0, 0, 0, 0,
    };
    FerryRpcHeader header = ferry_rpc_header_parse(wire);
    uint8_t again[FERRY_RPC_HEADER_BYTES];

    g_assert_cmpuint(header.length, ==, 300);
    g_assert_cmpuint(header.program, ==, REMOTE);
    g_assert_cmpuint(header.version, ==, 1);
    g_assert_cmpuint(header.procedure, ==, 306);
    g_assert_cmpuint(header.type, ==, 0);
    g_assert_cmpuint(header.serial, ==, 9);
    g_assert_cmpuint(header.status, ==, 0);
    ferry_rpc_header_format(&header, again);
    g_assert_cmpmem(again, sizeof(again), wire, sizeof(wire));
}

static void
test_lengths(void)
{
    static const struct {
        uint32_t length;
        bool valid;
    } rows[] = {
        { 0, false },       { 27, false },       { 28, true },
        { 33554436, true }, { 33554437, false }, { UINT32_MAX, false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        FerryRpcHeader header = { .length = rows[i].length };

        g_assert_cmpint(ferry_rpc_length_is_valid(&header), ==, rows[i].valid);
    }
}

/* Of all procedures there are, six are a migration's; of other types and programs, none. */
static void
test_migration_calls(void)
{
    static const uint32_t allowed[] = { 1, 2, 60, 66, 303, 306 };
    unsigned found = 0;

    for (uint32_t procedure = 0; procedure < 1000; procedure++) {
        FerryRpcHeader header = { 28, REMOTE, 1, procedure, 0, 1, 0 };
        bool expected = false;

        for (size_t i = 0; i < G_N_ELEMENTS(allowed); i++)
            expected |= allowed[i] == procedure;
        g_assert_cmpint(ferry_rpc_is_migration_call(&header), ==, expected);
        found += expected;
        for (uint32_t type = 1; type < 6; type++) {
            header.type = type;
            g_assert_false(ferry_rpc_is_migration_call(&header));
        }
        header.type = 0;
        header.program = 0x20008087; /* libvirt's QEMU program */
        g_assert_false(ferry_rpc_is_migration_call(&header));
    }
    g_assert_cmpuint(found, ==, G_N_ELEMENTS(allowed));
}

static void
test_kinds(void)
{
    static const struct {
        uint32_t program, procedure, type;
        bool keepalive, prepare_call, finish_call, finish_reply;
    } rows[] = {
        { KEEPALIVE, 1, 2, true, false, false, false },
        { KEEPALIVE, 306, 1, true, false, false, false },
        { REMOTE, 303, 0, false, true, false, false },
        { REMOTE, 303, 1, false, false, false, false },
        { REMOTE, 306, 0, false, false, true, false },
        { REMOTE, 306, 1, false, false, false, true },
        { REMOTE, 306, 2, false, false, false, false },
        { 0x20008087, 306, 1, false, false, false, false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        FerryRpcHeader header = { 28, rows[i].program, 1, rows[i].procedure, rows[i].type, 1, 0 };

        g_assert_cmpint(ferry_rpc_is_keepalive(&header), ==, rows[i].keepalive);
        g_assert_cmpint(ferry_rpc_is_prepare_call(&header), ==, rows[i].prepare_call);
        g_assert_cmpint(ferry_rpc_is_finish_call(&header), ==, rows[i].finish_call);
        g_assert_cmpint(ferry_rpc_is_finish_reply(&header), ==, rows[i].finish_reply);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpc/wire-form", test_wire_form);
    g_test_add_func("/rpc/lengths", test_lengths);
    g_test_add_func("/rpc/migration-calls", test_migration_calls);
    g_test_add_func("/rpc/kinds", test_kinds);
    return g_test_run();
}
