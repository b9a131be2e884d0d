#include "hook/ask.h"

#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "server.h"

#define YES "HTTP/1.1 200 OK\r\n\r\n{}"
#define NO  "HTTP/1.1 409 Conflict\r\n\r\n{\"detail\": \"pool gpus is full\"}"

static const HookQuestion question = { "web", "prepare", "-",
                                       "<domain a='\\' b=\"\t\">\n</domain>" };

typedef struct {
    const char *name;
    ServerManner manner;
    const char *answer;
    int64_t limit_ms;
    HookAsk how;
    const char *why;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "yes",            SERVER_READS,  YES,        20000, HOOK_ASK_YES,    "" },
    { "no",             SERVER_READS,  NO,         20000, HOOK_ASK_NO,     "pool gpus is full" },
    { "hangs",          SERVER_HANGS,  "",         50,    HOOK_ASK_FAILED, "it did not answer in time" },
    { "hangs-half-way", SERVER_HANGS,  "HTTP/1.1", 50,    HOOK_ASK_FAILED, "it did not answer in time" },
    { "garbage",        SERVER_READS,  "?",        20000, HOOK_ASK_FAILED, "it hung up without an answer that makes sense" },
    { "closes",         SERVER_READS,  "",         20000, HOOK_ASK_FAILED, "it hung up without an answer that makes sense" },
    { "no-time",        SERVER_HANGS,  "",         0,     HOOK_ASK_FAILED, "it did not answer in time" },
};
/* clang-format on */

typedef struct {
    char *folder;
    char *socket;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp("ferry-ask-XXXXXX", NULL);
    fixture->socket = g_build_filename(fixture->folder, "sock", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    (void)g_unlink(fixture->socket);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->socket);
    g_free(fixture->folder);
}

static void
test_row(Fixture *fixture, gconstpointer data)
{
    const Row *row = data;
    Server *server = server_new(fixture->socket, row->manner, row->answer);
    g_autofree char *request = NULL;
    char why[128] = "";

    g_assert_cmpint(hook_ask(fixture->socket, &question, row->limit_ms, why, sizeof(why)), ==,
                    row->how);
    g_assert_cmpstr(why, ==, row->why);
    request = server_end(server);
}

static void
test_request(Fixture *fixture, gconstpointer data)
{
    static const char expected[] =
        "POST /v1/hook HTTP/1.1\r\nHost: ferryd\r\nContent-Type: application/json\r\n"
        "Content-Length: 102\r\nConnection: close\r\n\r\n"
        "{\"operation\":\"prepare\",\"guest\":\"web\",\"reason\":\"-\",\"xml\":\"<domain a='\\\\' "
        "b=\\\"\\u0009\\\">\\u000a</domain>\"}";
    Server *server = server_new(fixture->socket, SERVER_READS, YES);
    g_autofree char *request = NULL;
    char why[128];

    (void)data;
    g_assert_cmpint(hook_ask(fixture->socket, &question, 20000, why, sizeof(why)), ==,
                    HOOK_ASK_YES);
    request = server_end(server);
    g_assert_cmpstr(request, ==, expected);
}

/* A megabyte in which every byte is escaped goes through; one that hangs up on it is heard. */
static void
test_large(Fixture *fixture, gconstpointer data)
{
    g_autofree char *xml = g_strnfill((size_t)1 << 20, '"');
    const HookQuestion large = { "web", "prepare", "-", xml };
    Server *server = server_new(fixture->socket, SERVER_READS, YES);
    g_autofree char *request = NULL, *nothing = NULL;
    char why[128];

    (void)data;
    g_assert_cmpint(hook_ask(fixture->socket, &large, 20000, why, sizeof(why)), ==, HOOK_ASK_YES);
    request = server_end(server);
    g_assert_cmpuint(strlen(request), >, (size_t)2 << 20);
    g_assert_cmpint(g_unlink(fixture->socket), ==, 0);
    server = server_new(fixture->socket, SERVER_CLOSES, "");
    g_assert_cmpint(hook_ask(fixture->socket, &large, 20000, why, sizeof(why)), ==,
                    HOOK_ASK_FAILED);
    nothing = server_end(server);
}

static void
test_away(Fixture *fixture, gconstpointer data)
{
    g_autofree char *expected = g_strconcat(fixture->socket, ": No such file or directory", NULL);
    g_autofree char *request = NULL;
    char why[256];

    (void)data;
    g_assert_cmpint(hook_ask(fixture->socket, &question, 20000, why, sizeof(why)), ==,
                    HOOK_ASK_AWAY);
    g_assert_cmpstr(why, ==, expected);
    request = server_end(server_new(fixture->socket, SERVER_READS, "")); /* it has died */
    g_assert_cmpint(hook_ask(fixture->socket, &question, 20000, why, sizeof(why)), ==,
                    HOOK_ASK_AWAY);
    g_assert_nonnull(strstr(why, "Connection refused"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/ask/", rows[i].name, NULL);
        g_test_add(path, Fixture, &rows[i], set_up, test_row, tear_down);
    }
    g_test_add("/ask/request", Fixture, NULL, set_up, test_request, tear_down);
    g_test_add("/ask/large", Fixture, NULL, set_up, test_large, tear_down);
    g_test_add("/ask/away", Fixture, NULL, set_up, test_away, tear_down);
    return g_test_run();
}
