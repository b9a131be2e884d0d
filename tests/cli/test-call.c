#include "cli/call.h"

#include "cli/command.h"

typedef struct {
    const char *segments[4];
    const char *path;
} Row;

/* A name may have any character; none of them may reach another resource. */
static const Row rows[] = {
    { { "guests", NULL }, "/v1/guests" },
    { { "guests", "web", NULL }, "/v1/guests/web" },
    { { "hosts", "b.example-1", "check", NULL }, "/v1/hosts/b.example-1/check" },
    { { "guests", "a b", NULL }, "/v1/guests/a%20b" },
    { { "guests", "../jobs", NULL }, "/v1/guests/..%2Fjobs" },
    { { "guests", "a?b#c%2f&d", NULL }, "/v1/guests/a%3Fb%23c%252f%26d" },
    { { "guests", "\xc3\xa4", NULL }, "/v1/guests/%C3%A4" },
    { { "guests", "", NULL }, "/v1/guests/" },
};

static void
test_path(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = ferry_call_path(rows[i].segments);
        g_assert_cmpstr(path, ==, rows[i].path);
    }
}

static void
test_print(void)
{
    char *json[] = { (char *)"--json", NULL };
    char *none[] = { NULL };
    g_autoptr(FerryArguments) with = ferry_arguments_new();
    g_autoptr(FerryArguments) without = ferry_arguments_new();

    g_assert_true(ferry_arguments_take(with, NULL, "", json, NULL));
    g_assert_true(ferry_arguments_take(without, NULL, "", none, NULL));
    g_assert_cmpint(ferry_call_print(with), ==, FERRY_PRINT_JSON);
    g_assert_cmpint(ferry_call_print(without), ==, FERRY_PRINT_TABLE);
}

static void
note_page(json_t *resource)
{
    (void)json_object_set_new(resource, "printed", json_true());
}

typedef struct {
    const char *name;
    FerryCallPage *print_page;
    unsigned status;
    int exit;
    bool is_printed; /* as a page */
} AnswerRow;

static const AnswerRow answers[] = {
    { "page", note_page, 200, FERRY_EXIT_DONE, true },
    { "made", note_page, 201, FERRY_EXIT_DONE, true },
    { "nothing-to-say", NULL, 200, FERRY_EXIT_DONE, false },
    { "refused", note_page, 409, FERRY_EXIT_NO, false },
};

static void
test_answer(gconstpointer data)
{
    const AnswerRow *row = data;
    char *none[] = { NULL };
    g_autoptr(FerryArguments) arguments = ferry_arguments_new();
    g_auto(FerryReply) reply = { .status = row->status, .body = json_object() };

    g_assert_true(ferry_arguments_take(arguments, NULL, "", none, NULL));
    g_assert_cmpint(ferry_call_answer(arguments, &reply, row->print_page), ==, row->exit);
    g_assert_true(json_is_true(json_object_get(reply.body, "printed")) == row->is_printed);
}

/* 204 has no body: there is nothing to print as JSON either. */
static void
test_no_body(void)
{
    char *json[] = { (char *)"--json", NULL };
    g_autoptr(FerryArguments) arguments = ferry_arguments_new();
    g_auto(FerryReply) reply = { .status = 204 };

    g_assert_true(ferry_arguments_take(arguments, NULL, "", json, NULL));
    g_assert_cmpint(ferry_call_answer(arguments, &reply, note_page), ==, FERRY_EXIT_DONE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/call/path", test_path);
    g_test_add_func("/call/print", test_print);
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autofree char *path = g_strconcat("/call/answer/", answers[i].name, NULL);

        g_test_add_data_func(path, &answers[i], test_answer);
    }
    g_test_add_func("/call/no-body", test_no_body);
    return g_test_run();
}
