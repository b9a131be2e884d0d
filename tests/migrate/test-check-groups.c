/* Many hosts' answers, grouped; and what reasons come to. */
#include "migrate/check-groups.h"

#include <glib.h>

#define ANSWER(host, verdict, reasons)                                                             \
    "{\"target\": \"" host "\", \"verdict\": \"" verdict "\", \"reasons\": [" reasons              \
    "], \"devices\": [" DEVICES "]}"
#define DEVICES                                                                                    \
    "{\"alias\": \"a\", \"candidates\": [{\"verdict\": \"no\", \"findings\": [{\"key\": "          \
    "\"kernel\", "                                                                                 \
    "\"severity\": \"unknown\", \"target\": \"6\"}, {\"key\": \"driver_version\", \"severity\": "  \
    "\"no\", \"source\": \"1\", \"target\": \"17.4\"}, {\"key\": \"ecc\", \"severity\": "          \
    "\"no\"}]}, "                                                                                  \
    "{\"verdict\": \"no\", \"findings\": [{\"key\": \"x\", \"severity\": \"no\"}]}]}"
#define REASON(code) "{\"code\": \"" code "\", \"alias\": \"a\", \"message\": \"m\"}"
#define FULL         REASON("no-free-slot")
#define UNFIT        REASON("incompatible")

typedef struct {
    const char *name;
    const char *answers;
    const char *groups; /* "verdict label: hosts" of each, joined with "; " */
    const char *best;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "none", "", "", "no" },
    { "yes", ANSWER("b", "yes", "") "," ANSWER("c", "yes", ""), "yes : b c", "yes" },
    { "best-first", ANSWER("b", "unreachable", REASON("peer")) "," ANSWER("c", "no", FULL) "," ANSWER("d", "unknown", REASON("unknown")) "," ANSWER("e", "yes", ""),
      "yes : e; unknown unknown (driver_version \"17.4\", ecc): d; no no-free-slot: c; unreachable peer: b", "yes" },
    { "largest-first", ANSWER("b", "no", UNFIT) "," ANSWER("c", "no", FULL) "," ANSWER("d", "no", FULL),
      "no no-free-slot: c d; no incompatible (driver_version \"17.4\", ecc): b", "no" },
    { "each-reason-once", ANSWER("b", "no", FULL "," FULL "," UNFIT), "no no-free-slot, incompatible (driver_version \"17.4\", ecc): b", "no" },
    { "of-another-device", ANSWER("b", "no", "{\"code\": \"incompatible\", \"alias\": \"z\"}"), "no incompatible: b", "no" },
    { "verdict-of-a-newer-ferryd", ANSWER("b", "perhaps", ""), "unreachable : b", "unreachable" },
    { "nonsense", "{}, 7", "unreachable : -", "unreachable" },
};
/* clang-format on */

static char *
describe(const json_t *groups)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const json_t *group = NULL;
    const json_t *host = NULL;
    size_t i = 0;
    size_t j = 0;

    json_array_foreach(groups, i, group)
    {
        const json_t *hosts = json_object_get(group, "hosts");

        g_assert_cmpint(json_integer_value(json_object_get(group, "n_hosts")), ==,
                        json_array_size(hosts));
        g_string_append_printf(text, "%s%s %s:", i > 0 ? "; " : "",
                               json_string_value(json_object_get(group, "verdict")),
                               json_string_value(json_object_get(group, "label")));
        json_array_foreach(hosts, j, host)
            g_string_append_printf(text, " %s", json_string_value(host));
        if (json_array_size(hosts) == 0)
            g_string_append(text, " -");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autofree char *list = g_strdup_printf("[%s]", row->answers);
    json_t *answers = json_loads(list, 0, NULL);
    json_t *groups = ferry_check_groups(answers);
    g_autofree char *text = describe(groups);

    g_assert_nonnull(answers);
    g_assert_cmpstr(text, ==, row->groups);
    g_assert_cmpstr(ferry_check_groups_best(groups), ==, row->best);
    json_decref(groups);
    json_decref(answers);
}

static void
test_verdict(void)
{
    static const struct {
        const char *reasons, *verdict;
    } verdicts[] = {
        { "[]", "yes" },
        { "[" REASON("unknown") "]", "unknown" },
        { "[" REASON("unknown") "," FULL "]", "no" },
        { "[{}]", "no" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(verdicts); i++) {
        json_t *reasons = json_loads(verdicts[i].reasons, 0, NULL);

        g_assert_cmpstr(ferry_check_verdict(reasons), ==, verdicts[i].verdict);
        json_decref(reasons);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/check-groups/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/check-groups/verdict", test_verdict);
    return g_test_run();
}
