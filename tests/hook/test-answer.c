#include "hook/answer.h"

#include <string.h>

#include <glib.h>

#define NO(json) "HTTP/1.1 409 Conflict\r\nContent-Type: application/problem+json\r\n\r\n" json

typedef struct {
    const char *name;
    const char *text;
    HookAnswer answer;
    const char *why;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "yes", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", HOOK_ANSWER_YES, "" },
    { "no-content", "HTTP/1.1 204 No Content\r\n\r\n", HOOK_ANSWER_YES, "" },
    { "no", NO("{\"type\": \"refused\", \"detail\": \"pool gpus is full\", \"reasons\": []}"), HOOK_ANSWER_NO, "pool gpus is full" },
    { "compact", NO("{\"detail\":\"x\"}"), HOOK_ANSWER_NO, "x" },
    { "detail-within", NO("{\"reasons\": [{\"detail\": \"inner\"}], \"detail\": \"outer\"}"), HOOK_ANSWER_NO, "outer" },
    { "key-as-value", NO("{\"type\": \"detail\", \"detail\": \"x\"}"), HOOK_ANSWER_NO, "x" },
    { "braces-in-text", NO("{\"type\": \"}]\\\"}\", \"detail\": \"x\"}"), HOOK_ANSWER_NO, "x" },
    { "escapes", NO("{\"detail\": \"say \\\"a\\\\b\\\" \\/ \\n\\u001b[2J \\u00e9\"}"), HOOK_ANSWER_NO, "say \"a\\b\" /  ?[2J ?" },
    { "utf-8", NO("{\"detail\": \"gr\303\274n\"}"), HOOK_ANSWER_NO, "gr\303\274n" },
    { "control-bytes", NO("{\"detail\": \"a\033b\177\"}"), HOOK_ANSWER_NO, "a?b?" },
    { "no-detail", NO("{\"title\": \"x\"}"), HOOK_ANSWER_NO, "it answered with HTTP status 409" },
    { "detail-is-no-text", NO("{\"detail\": 7}"), HOOK_ANSWER_NO, "it answered with HTTP status 409" },
    { "detail-is-empty", NO("{\"detail\": \"\"}"), HOOK_ANSWER_NO, "it answered with HTTP status 409" },
    { "no-json", NO("<html>"), HOOK_ANSWER_NO, "it answered with HTTP status 409" },
    { "cut-json", NO("{\"detail"), HOOK_ANSWER_NO, "it answered with HTTP status 409" },
    { "cut-detail", NO("{\"detail\": \"pool gp"), HOOK_ANSWER_NO, "pool gp" },
    { "too-many-ends", NO("}}}{\"detail\": \"x\"}"), HOOK_ANSWER_NO, "it answered with HTTP status 409" },
    { "not-found", "HTTP/1.1 404 Not Found\r\n\r\n", HOOK_ANSWER_NO, "it answered with HTTP status 404" },
    { "empty", "", HOOK_ANSWER_GARBAGE, "" },
    { "garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", HOOK_ANSWER_GARBAGE, "" },
    { "head-only", "HTTP/1.1 200 OK\r\nContent-Le", HOOK_ANSWER_GARBAGE, "" },
    { "no-status", "HTTP/1.1 \r\n\r\n", HOOK_ANSWER_GARBAGE, "" },
    { "odd-status", "HTTP/1.1 99999999999999999999 x\r\n\r\n", HOOK_ANSWER_GARBAGE, "" },
    { "continue", "HTTP/1.1 100 Continue\r\n\r\n", HOOK_ANSWER_GARBAGE, "" },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    char why[128];

    g_assert_cmpint(hook_answer_read(row->text, why, sizeof(why)), ==, row->answer);
    g_assert_cmpstr(why, ==, row->why);
}

static void
test_every_cut(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t n = 0; n < strlen(rows[i].text); n++) {
            g_autofree char *cut = g_strndup(rows[i].text, n);
            char why[8];

            (void)hook_answer_read(cut, why, sizeof(why));
            g_assert_cmpuint(strlen(why), <, sizeof(why));
        }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/answer/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/answer/every-cut", test_every_cut);
    return g_test_run();
}
