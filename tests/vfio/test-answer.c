#include "vfio/answer.h"

#include <string.h>

#include "base/error.h"

/* Each kind, as it goes over the wire. */
static const struct {
    const char *name;
    FerryVfioAnswer answer;
    const char *text;
} good[] = {
    { "accepted",
      { .kind = FERRY_VFIO_ANSWER_ACCEPTED },
      "{\"answer\":\"accepted\",\"reasons\":[]}" },
    { "refused",
      { .kind = FERRY_VFIO_ANSWER_REFUSED,
        .reasons = (char *[]){ (char *)"a: \"x\"", (char *)"b", NULL } },
      "{\"answer\":\"refused\",\"reasons\":[\"a: \\\"x\\\"\",\"b\"]}" },
    { "acked",
      { .kind = FERRY_VFIO_ANSWER_ACKED, .device = 3, .round = 2 },
      "{\"answer\":\"acked\",\"device\":3,\"round\":2,\"reasons\":[]}" },
    { "loaded", { .kind = FERRY_VFIO_ANSWER_LOADED }, "{\"answer\":\"loaded\",\"reasons\":[]}" },
    { "running", { .kind = FERRY_VFIO_ANSWER_RUNNING }, "{\"answer\":\"running\",\"reasons\":[]}" },
    { "failed",
      { .kind = FERRY_VFIO_ANSWER_FAILED, .reasons = (char *[]){ (char *)"why", NULL } },
      "{\"answer\":\"failed\",\"reasons\":[\"why\"]}" },
};

static void
test_there_and_back(const void *data)
{
    const FerryVfioAnswer *answer = &good[GPOINTER_TO_UINT(data)].answer;
    g_autofree char *text = ferry_vfio_answer_format(answer);
    g_auto(FerryVfioAnswer) got = { 0 };

    g_assert_cmpstr(text, ==, good[GPOINTER_TO_UINT(data)].text);
    g_assert_true(ferry_vfio_answer_parse(text, &got, NULL));
    g_assert_cmpint(got.kind, ==, answer->kind);
    g_assert_cmpuint(got.device, ==, answer->device);
    g_assert_cmpuint(got.round, ==, answer->round);
    g_assert_cmpuint(g_strv_length(got.reasons), ==,
                     answer->reasons != NULL ? g_strv_length(answer->reasons) : 0);
    if (answer->reasons != NULL)
        g_assert_cmpstr(got.reasons[0], ==, answer->reasons[0]);
}

static const struct {
    const char *name;
    const char *text;
    const char *why;
} bad[] = {
    { "empty", "", "is no JSON object" },
    { "no-json", "accepted", "is no JSON object" },
    { "array", "[\"accepted\"]", "is no JSON object" },
    { "twice", "{\"answer\":\"accepted\",\"answer\":\"failed\"}", "is no JSON object" },
    { "no-answer", "{}", "is none that this version knows" },
    { "other", "{\"answer\":\"perhaps\"}", "is none that this version knows" },
    { "number", "{\"answer\":1}", "is none that this version knows" },
    { "device-below", "{\"answer\":\"acked\",\"device\":-1,\"round\":1}",
      "has a number out of range" },
    { "device-above", "{\"answer\":\"acked\",\"device\":4294967296}", "has a number out of range" },
    { "round-below", "{\"answer\":\"acked\",\"device\":0,\"round\":-2}",
      "has a number out of range" },
    { "reason-no-text", "{\"answer\":\"refused\",\"reasons\":[1]}",
      "has a reason that is no text" },
    { "refused-for-nothing", "{\"answer\":\"refused\",\"reasons\":[]}", "has no reason" },
    { "failed-for-nothing", "{\"answer\":\"failed\"}", "has no reason" },
};

static void
test_bad(const void *data)
{
    const unsigned row = GPOINTER_TO_UINT(data);
    FerryVfioAnswer got = { .device = 77 };
    g_autoptr(GError) error = NULL;
    g_autofree char *message = g_strdup_printf("the receiver's answer %s", bad[row].why);

    g_assert_false(ferry_vfio_answer_parse(bad[row].text, &got, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, message);
    g_assert_cmpuint(got.device, ==, 77);
    g_assert_null(got.reasons);
}

static void
test_too_many_reasons(void)
{
    g_autoptr(GString) text = g_string_new("{\"answer\":\"refused\",\"reasons\":[\"0\"");
    FerryVfioAnswer got = { 0 };
    g_autoptr(GError) error = NULL;

    for (unsigned i = 1; i <= 64; i++)
        g_string_append_printf(text, ",\"%u\"", i);
    g_string_append(text, "]}");
    g_assert_false(ferry_vfio_answer_parse(text->str, &got, &error));
    g_assert_cmpstr(error->message, ==, "the receiver's answer has too many reasons");
}

/* What a terminal must not see does not get there, whoever wrote it. */
static void
test_hostile_text(void)
{
    char *reasons[] = { (char *)"a\033[2Jb\xff", NULL };
    g_autofree char *text = ferry_vfio_answer_format(
        &(FerryVfioAnswer){ .kind = FERRY_VFIO_ANSWER_FAILED, .reasons = reasons });
    g_auto(FerryVfioAnswer) got = { 0 };

    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_true(ferry_vfio_answer_parse(text, &got, NULL));
    g_assert_null(strchr(got.reasons[0], '\033'));
    g_assert_nonnull(strstr(got.reasons[0], "[2Jb"));
}

/* As from any peer: keys that a later version adds are no reason to fail. */
static void
test_unknown_keys(void)
{
    g_auto(FerryVfioAnswer) got = { 0 };

    g_assert_true(
        ferry_vfio_answer_parse("{\"answer\":\"loaded\",\"new\":{\"x\":[1]}}", &got, NULL));
    g_assert_cmpint(got.kind, ==, FERRY_VFIO_ANSWER_LOADED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    G_STATIC_ASSERT(G_N_ELEMENTS(good) == FERRY_N_ANSWERS);
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *path = g_strdup_printf("/answer/there-and-back/%s", good[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_there_and_back);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *path = g_strdup_printf("/answer/bad/%s", bad[i].name);

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_bad);
    }
    g_test_add_func("/answer/too-many-reasons", test_too_many_reasons);
    g_test_add_func("/answer/hostile-text", test_hostile_text);
    g_test_add_func("/answer/unknown-keys", test_unknown_keys);
    return g_test_run();
}
