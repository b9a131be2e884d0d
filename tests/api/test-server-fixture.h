#pragma once

#include "api/server.h"
#include "certificates.h"
#include "client/client.h"

/**
 * A running server of the routes below, on a Unix socket and on TLS as the host "beta", with
 * limits short enough for a test.
 *
 *   GET  /v1/look            view     {caller, role, q: the query's "q"}
 *   POST /v1/echo/{}         operate  {segment, body}
 *   GET  /v1/fail            operate  an error: BUSY "job 7 moves web"
 *   POST /v1/no              operate  a refusal
 *   GET  /v1/count           view     events n=1, n=2, n=3, then the end
 *   GET  /v1/forever         view     no event ever
 *   GET  /v1/block           view     until the caller is over
 *   GET  /v1/peer/tunnel     peer     upgrade "echo": every byte comes back
 *   GET  /v1/tunnel          operate  the same
 */
typedef struct {
    TestAuthority *authority;
    FerryIdentity *identity;
    FerryServer *server;
    FerryServerConfig config;
    char *folder, *socket_path, *address;
    int blocked; /* atomic: how many handlers have been in /v1/block */
} TestServer;

/** @change: (nullable): last changes to the limits */
TestServer *test_server_new(void (*change)(FerryServerConfig *config));
void test_server_free(TestServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestServer, test_server_free)

/** Returns: (transfer full): a raw connection to its Unix socket */
int test_server_connect(const TestServer *self);

/** Returns: (transfer full): a raw TCP connection to its TLS port */
int test_server_connect_tcp(const TestServer *self);

/** Sends all of @text and reads until the server hangs up.  Returns: (transfer full): the answer */
char *test_server_say(int fd, const char *text);
