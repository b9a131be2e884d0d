/* Each row of a list's entry, spelt out: "." fits, "p" provision, "u" unknown, "N" no. */
#include <string.h>

#include "compat/rows.h"

typedef struct {
    const char *name;
    const char *source;   /* what it states besides its format */
    const char *target;   /* what the target states and can be set to */
    const char *entry;    /* the one entry of its list */
    const char *expected; /* one word for each key that decides, a letter for each assignment */
} FillRow;

#define SETTABLE "\"state\":\"type\",\"settable\":{\"a\":{\"phase\":\"create\",\"values\":"

static const FillRow fill_rows[] = {
    { "literal", "\"driver\":\"d\"", "", "driver=d", "." },
    { "literal-other", "\"driver\":\"d\"", "", "driver=e", "N" },
    { "literal-unstated", "", "", "driver=e", "u" },
    { "keys-in-order", "\"driver\":\"d\",\"kernel\":\"6\"", "", "kernel=5\\ndriver=d", ". N" },
    { "text-of-one-variable", "\"mdev_type\":\"t-4\"", "", "mdev_type=t-{n:int:1,2,4}", "NN." },
    { "text-that-ends-too-soon", "\"mdev_type\":\"t-\"", "", "mdev_type=t-{n:int:1,2}", "NN" },
    { "text-that-goes-on", "\"mdev_type\":\"t-1x\"", "", "mdev_type=t-{n:int:1,2}", "NN" },
    { "text-of-a-variable-twice", "\"mdev_type\":\"2-2\"", "", "mdev_type={n:int:1,2}-{n}", "N." },
    { "text-that-is-cut-in-two-ways", "\"mdev_type\":\"123\"", "",
      "mdev_type={a:int:1,12}{b:int:3,23}", "N..N" },
    { "quantity", "\"attributes\":{\"a\":2}", "", "a={n:int:1,2,3}", "N.N" },
    { "quantity-times", "\"attributes\":{\"a\":4}", "", "a={n:int:1,2,3}*2", "N.N" },
    { "quantity-that-does-not-divide", "\"attributes\":{\"a\":3}", "", "a={n:int:1,2,3}*2", "NNN" },
    { "quantity-by", "\"attributes\":{\"a\":2}", "", "a={n:int:2,3,4}/2", "NN." },
    { "one-variable-in-two-keys", "\"attributes\":{\"a\":2,\"b\":1}", "", "a={n:int:1,2}\\nb={n}",
      "N. .N" },
    { "two-variables", "\"attributes\":{\"a\":2,\"b\":1}", "", "a={n:int:1,2}\\nb={m:int:1,2}",
      "NN.. .N.N" },
    { "version-without-bugfix", "\"version\":\"0.3.7\"", "", "version={v:version:0.2,0.3}", "N." },
    { "any", "", "", "a=*", "." },
    { "another-kind", "\"attributes\":{\"a\":\"x\"}", "", "a={n:int:1,2}", "uu" },
    { "directive-that-is-so", "", "\"attributes\":{\"a\":2}", "set:a={n:int:1,2}", "N." },
    { "directive-to-set", "", SETTABLE "[2]}}", "set:a={n:int:1,2}", "Np" },
    { "directive-in-a-range", "", SETTABLE "[\"2..3\"]}}", "set:a={n:int:1,2,3,4}", "NppN" },
    { "directive-so-and-to-set", "", "\"attributes\":{\"a\":1}," SETTABLE "[\"1..3\"]}}",
      "set:a={n:int:1,2,4}", ".pN" },
    { "match-and-directive-of-one-key", "\"attributes\":{\"a\":2}", SETTABLE "[1,2]}}",
      "a={n:int:1,2,3}\\nset:a={n}", "NpN" },
};

static char *
describe(const char *facts, const char *list)
{
    return g_strconcat("{\"format\":1", facts[0] != '\0' ? "," : "", facts, list, "}", NULL);
}

static FerryFacts *
facts_of(const char *facts, const char *list)
{
    g_autofree char *text = describe(facts, list);
    FerryFacts *parsed = ferry_facts_parse(text, strlen(text));

    g_assert_cmpstr(parsed->fault == NULL ? "" : parsed->fault->reason, ==, "");
    return parsed;
}

static char *
spell(const uint8_t *rows, size_t n_rows, size_t count)
{
    static const char letters[FERRY_N_VERDICTS] = { '.', 'p', 'u', 'N', '?' };
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < n_rows * count; i++) {
        if (i > 0 && i % count == 0)
            g_string_append_c(text, ' ');
        g_string_append_c(text, letters[rows[i]]);
    }
    return g_string_free(text, FALSE);
}

/* What one term says, term by term, is what its rows say: unless a key has two terms. */
static void
assert_levels(const FerryComparison *comparison, const FerryEntry *entry, const uint8_t *rows)
{
    for (guint i = 0; i < entry->by_key->len; i++) {
        const FerryTerm *term = entry->by_key->pdata[i];

        for (size_t assignment = 0; assignment < entry->count; assignment++) {
            size_t digits[FERRY_VARIABLES_MAX] = { 0 };
            g_auto(FerryValue) wanted = { .kind = FERRY_KIND_NONE };

            ferry_entry_digits(entry, assignment, digits);
            if (term->sort != FERRY_TERM_ANY && term->sort != FERRY_TERM_ABSENT)
                (void)ferry_term_value(entry, term, digits, &wanted);
            g_assert_cmpint(ferry_rows_level(comparison, term, &wanted), ==,
                            rows[i * entry->count + assignment]);
        }
    }
}

static void
test_fill(gconstpointer data)
{
    const FillRow *row = data;
    g_autofree char *list = g_strdup_printf(",\"compatible\":[\"%s\"]", row->entry);
    g_autoptr(FerryFacts) source = facts_of(row->source, "");
    g_autoptr(FerryFacts) target = facts_of(row->target, list);
    const FerryEntry *entry = target->list->pdata[0];
    FerryRuling no_rules = { .relax = NULL };
    FerryComparison comparison = { .source = source, .target = target, .ruling = &no_rules };
    g_autofree uint8_t *rows = g_malloc((entry->terms->len + 1) * entry->count);
    size_t n_rows =
        ferry_rows_fill(&comparison, entry, rows, rows + entry->terms->len * entry->count);
    g_autofree char *spelt = spell(rows, n_rows, (size_t)entry->count);

    g_assert_cmpstr(spelt, ==, row->expected);
    if (n_rows == entry->by_key->len)
        assert_levels(&comparison, entry, rows);
}

/* A device_id says nothing of an mdev: the key has no row. */
static void
test_inert(void)
{
    static const FillRow row = {
        "inert", "\"device_api\":\"vfio-pci\",\"mdev_type\":\"t\",\"device_id\":\"8086591d\"", "",
        "device_id=12345678\\nmdev_type=t", "."
    };

    test_fill(&row);
}

static void
test_worsen(void)
{
    uint8_t row[] = { 0, 1, 2, 3 };
    const uint8_t other[] = { 3, 0, 2, 1 };
    const uint8_t expected[] = { 3, 1, 2, 3 };

    ferry_rows_worsen(row, other, G_N_ELEMENTS(row));
    g_assert_cmpmem(row, sizeof(row), expected, sizeof(expected));
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(fill_rows); i++) {
        g_autofree char *path = g_strconcat("/rows/fill/", fill_rows[i].name, NULL);

        g_test_add_data_func(path, &fill_rows[i], test_fill);
    }
    g_test_add_func("/rows/inert", test_inert);
    g_test_add_func("/rows/worsen", test_worsen);
    return g_test_run();
}
