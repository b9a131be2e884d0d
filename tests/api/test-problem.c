#include "api/problem.h"

#include <stdlib.h>

#include "base/error.h"

/* Each code has its type, its status and its message, whatever the message quotes. */
static void
test_every_code(void)
{
    for (unsigned code = 0; code < FERRY_ERROR_N_CODES; code++) {
        const FerryErrorInfo *info = ferry_error_info((FerryErrorCode)code);
        g_autoptr(GError) error = g_error_new(FERRY_ERROR, (int)code, "guest \"a\xff\" is odd");
        json_t *problem = ferry_problem_of_error(error);

        g_assert_cmpuint(ferry_problem_status(problem), ==, info->http_status);
        g_assert_cmpstr(json_string_value(json_object_get(problem, "type")), ==, info->name);
        g_assert_cmpstr(json_string_value(json_object_get(problem, "detail")), ==,
                        "guest \"a\xef\xbf\xbd\" is odd");
        g_assert_nonnull(json_string_value(json_object_get(problem, "title")));
        json_decref(problem);
    }
}

static void
test_foreign_domain(void)
{
    g_autoptr(GError) error = g_error_new(G_FILE_ERROR, G_FILE_ERROR_IO, "oops");
    json_t *problem = ferry_problem_of_error(error);

    g_assert_cmpuint(ferry_problem_status(problem), ==, 500);
    g_assert_cmpstr(json_string_value(json_object_get(problem, "type")), ==, "io");
    json_decref(problem);
}

static void
test_refused(void)
{
    json_t *problem = ferry_problem_refused("web cannot move", json_pack("[{s:s}]", "code", "cpu"));
    char *text = json_dumps(problem, JSON_COMPACT);

    g_assert_cmpstr(text, ==,
                    "{\"type\":\"refused\",\"title\":\"Conflict\",\"status\":409,\"detail\":\"web "
                    "cannot move\",\"reasons\":[{\"code\":\"cpu\"}]}");
    free(text);
    json_decref(problem);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/problem/every-code", test_every_code);
    g_test_add_func("/problem/foreign-domain", test_foreign_domain);
    g_test_add_func("/problem/refused", test_refused);
    return g_test_run();
}
