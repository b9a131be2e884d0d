#include "api/json.h"

#include "base/error.h"

/* Every row reads the same fields: guest (must be), to, max (1 to 9, else 5), n (must be), flag,
 * plan (an object, must be). */
typedef struct {
    const char *name;
    const char *body;
    const char *message; /* of a user's body; NULL: fine */
    const char *lenient; /* of a peer's */
} Row;

#define GOOD          "\"guest\": \"web\", \"n\": 3, \"plan\": {}"
#define BOTH(message) message, message

static const Row rows[] = {
    { "least", "{" GOOD "}", BOTH(NULL) },
    { "all", "{" GOOD ", \"to\": \"b\", \"max\": 9, \"flag\": true}", BOTH(NULL) },
    { "null-is-absent", "{" GOOD ", \"to\": null, \"max\": null, \"flag\": null}", BOTH(NULL) },
    { "unknown", "{" GOOD ", \"gest\": 1}", "field \"gest\" is unknown here", NULL },
    { "missing", "{\"n\": 3, \"plan\": {}}", BOTH("field \"guest\" is missing") },
    { "null-is-missing", "{\"guest\": null, \"n\": 3, \"plan\": {}}",
      BOTH("field \"guest\" is missing") },
    { "empty", "{\"guest\": \"\", \"n\": 3, \"plan\": {}}", BOTH("field \"guest\" is empty") },
    { "not-a-string", "{\"guest\": 1, \"n\": 3, \"plan\": {}}",
      BOTH("field \"guest\" is not a string") },
    { "optional-not-a-string", "{" GOOD ", \"to\": []}", BOTH("field \"to\" is not a string") },
    { "too-small", "{" GOOD ", \"max\": 0}",
      BOTH("field \"max\" is not a whole number from 1 to 9") },
    { "too-large", "{" GOOD ", \"max\": 10}",
      BOTH("field \"max\" is not a whole number from 1 to 9") },
    { "not-whole", "{" GOOD ", \"max\": 2.0}",
      BOTH("field \"max\" is not a whole number from 1 to 9") },
    { "number-missing", "{\"guest\": \"web\", \"plan\": {}}", BOTH("field \"n\" is missing") },
    { "not-a-flag", "{" GOOD ", \"flag\": 1}", BOTH("field \"flag\" is neither true nor false") },
    { "not-an-object", "{\"guest\": \"web\", \"n\": 3, \"plan\": []}",
      BOTH("field \"plan\" is not an object") },
    { "first-counts", "{}", BOTH("field \"guest\" is missing") },
};

static void
read_fields(FerryFields *fields)
{
    const char *to = NULL;

    (void)ferry_fields_string(fields, "guest");
    to = ferry_fields_string_or(fields, "to", NULL);
    g_assert_true(to == NULL || to[0] == 'b' || to[0] == '\0');
    g_assert_cmpint(ferry_fields_integer_or(fields, "max", 1, 9, 5), >=, 1);
    g_assert_cmpint(ferry_fields_integer(fields, "n", 3, 3), ==, 3);
    (void)ferry_fields_flag(fields, "flag");
    (void)ferry_fields_value(fields, "plan", JSON_OBJECT);
}

static void
check(bool ok, const GError *error, const char *message)
{
    g_assert_cmpint(ok, ==, message == NULL);
    if (message == NULL)
        return;
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, message);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    json_t *body = json_loads(row->body, 0, NULL);

    for (unsigned lenient = 0; lenient < 2; lenient++) {
        g_auto(FerryFields) fields = { .object = body };
        g_autoptr(GError) error = NULL;
        bool ok = false;

        read_fields(&fields);
        ok =
            lenient ? ferry_fields_end_lenient(&fields, &error) : ferry_fields_end(&fields, &error);
        check(ok, error, lenient ? row->lenient : row->message);
    }
    json_decref(body);
}

static void
test_values(void)
{
    json_t *body = json_loads("{" GOOD ", \"to\": \"b\", \"flag\": true}", 0, NULL);
    g_auto(FerryFields) fields = { .object = body };

    g_assert_cmpstr(ferry_fields_string(&fields, "guest"), ==, "web");
    g_assert_cmpstr(ferry_fields_string_or(&fields, "to", "x"), ==, "b");
    g_assert_cmpstr(ferry_fields_string_or(&fields, "none", "x"), ==, "x");
    g_assert_cmpint(ferry_fields_integer(&fields, "n", 0, 9), ==, 3);
    g_assert_cmpint(ferry_fields_integer_or(&fields, "none", 0, 9, -1), ==, -1);
    g_assert_true(ferry_fields_flag(&fields, "flag"));
    g_assert_false(ferry_fields_flag(&fields, "none"));
    g_assert_true(json_is_object(ferry_fields_value(&fields, "plan", JSON_OBJECT)));
    g_assert_true(ferry_fields_end(&fields, NULL));
    json_decref(body);
}

/* A request without a body has no fields. */
static void
test_no_body(void)
{
    g_auto(FerryFields) fields = { .object = NULL };

    g_assert_null(ferry_fields_string_or(&fields, "to", NULL));
    g_assert_true(ferry_fields_end(&fields, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/fields/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/fields/values", test_values);
    g_test_add_func("/fields/no-body", test_no_body);
    return g_test_run();
}
