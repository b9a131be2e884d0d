/*
 * The tables of docs/handover.md, section 6, are read from the document and evaluated here by their
 * words, in every combination; the code must agree.  Nothing is shared with decide.c but the words.
 */
#include "migrate/decide.h"

#include <stdbool.h>

#include <glib.h>

#define MAX_COLUMNS 5

typedef const char *(*NameFunc)(unsigned value);

typedef struct {
    unsigned n_values;
    NameFunc name;
} Column;

typedef struct {
    char letter; /* rows of the document begin with it */
    unsigned n_columns;
    Column columns[MAX_COLUMNS];
    unsigned n_rows, n_combinations, n_impossible;
    const char *(*decide)(const unsigned *values, const char **ret_act);
} Table;

/* The enums as plain numbers, so that both tables are walked by the same loop. */
#define AS_NAME_FUNC(name, type, function)                                                         \
    static const char *name(unsigned value)                                                        \
    {                                                                                              \
        return function((type)value);                                                              \
    }
AS_NAME_FUNC(source_record, FerrySourceRecord, ferry_source_record_name)
AS_NAME_FUNC(source_domain, FerrySourceDomain, ferry_source_domain_name)
AS_NAME_FUNC(relay_state, FerryRelayState, ferry_relay_state_name)
AS_NAME_FUNC(target_answer, FerryTargetAnswer, ferry_target_answer_name)
AS_NAME_FUNC(target_domain, FerryTargetDomain, ferry_target_domain_name)
AS_NAME_FUNC(target_record, FerryTargetRecord, ferry_target_record_name)
AS_NAME_FUNC(said, FerrySaid, ferry_said_name)

static const char *
decide_source(const unsigned *values, const char **ret_act)
{
    FerrySourceDecision decision = ferry_decide_source(
        (FerrySourceRecord)values[0], (FerrySourceDomain)values[1], (FerryRelayState)values[2],
        (FerryTargetAnswer)values[3], (FerryTargetDomain)values[4]);

    *ret_act = ferry_source_act_name(decision.act);
    return decision.row;
}

static const char *
decide_target(const unsigned *values, const char **ret_act)
{
    FerryTargetDecision decision = ferry_decide_target(
        (FerryTargetRecord)values[0], (FerryTargetDomain)values[1], (FerrySaid)values[2]);

    *ret_act = ferry_target_act_name(decision.act);
    return decision.row;
}

static const Table source = { 'S',
                              5,
                              { { FERRY_S_N_RECORDS, source_record },
                                { FERRY_S_N_DOMAINS, source_domain },
                                { FERRY_N_RELAY_STATES, relay_state },
                                { FERRY_T_N_ANSWERS, target_answer },
                                { FERRY_TD_N_DOMAINS, target_domain } },
                              23,
                              7200,
                              5026,
                              decide_source };

static const Table target = { 'T',
                              3,
                              { { FERRY_TR_N_RECORDS, target_record },
                                { FERRY_TD_N_DOMAINS, target_domain },
                                { FERRY_N_SAID, said } },
                              18,
                              240,
                              79,
                              decide_target };

/* The document: rows are arrays of cells; a set is a line "- *name* = word, word". */
typedef struct {
    GPtrArray *rows;  /* of char **: name, columns …, "**act**: …" */
    GHashTable *sets; /* name to char ** */
} Document;

static char **
split_words(const char *text)
{
    char **words = g_strsplit(text, ",", -1);

    for (char **word = words; *word != NULL; word++)
        g_strstrip(*word);
    return words;
}

static void
read_line(Document *document, const char *line, char letter)
{
    g_auto(GStrv) cells = g_strsplit(line, "|", -1);
    g_auto(GStrv) sides = g_strsplit(line, "* = ", 2);

    if (g_str_has_prefix(line, "- *") && g_strv_length(sides) == 2)
        g_hash_table_insert(document->sets, g_strdup(sides[0] + 3), split_words(sides[1]));
    if (line[0] != '|' || line[1] != ' ' || line[2] != letter || !g_ascii_isdigit(line[3]))
        return;
    for (char **cell = cells; *cell != NULL; cell++)
        g_strstrip(*cell);
    g_ptr_array_add(document->rows, g_strdupv(cells + 1)); /* the first is what is before "|" */
}

static void
read_document(Document *document, char letter)
{
    g_autofree char *path = g_build_filename(g_getenv("FERRY_DOCS"), "handover.md", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    document->rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    document->sets =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        read_line(document, *line, letter);
}

static void
clear_document(Document *document)
{
    g_ptr_array_unref(document->rows);
    g_hash_table_unref(document->sets);
}

static bool
cell_has(const Document *document, const char *cell, const char *word)
{
    g_auto(GStrv) words = split_words(cell);

    for (char **each = words; *each != NULL; each++) {
        char **set = g_hash_table_lookup(document->sets, *each);

        if (g_str_equal(*each, "*") || g_str_equal(*each, word))
            return true;
        if (set != NULL && g_strv_contains((const char *const *)set, word))
            return true;
    }
    return false;
}

/* Expected row name; *@ret_act is its bold word. */
static char *
look_up(const Document *document, const Table *table, const unsigned *values, char **ret_act)
{
    for (unsigned i = 0; i < document->rows->len; i++) {
        char **cells = g_ptr_array_index(document->rows, i);
        unsigned matching = 0;

        while (matching < table->n_columns &&
               cell_has(document, cells[1 + matching],
                        table->columns[matching].name(values[matching])))
            matching++;
        if (matching == table->n_columns) {
            g_auto(GStrv) parts = g_strsplit(cells[1 + matching], "**", 3);

            *ret_act = g_strdup(parts[1]);
            return g_strdup(cells[0]);
        }
    }
    *ret_act = g_strdup("impossible");
    return g_strdup("");
}

/* Counts up through all combinations; false after the last. */
static bool
next_combination(const Table *table, unsigned *values)
{
    for (unsigned i = 0; i < table->n_columns; i++) {
        if (++values[i] < table->columns[i].n_values)
            return true;
        values[i] = 0;
    }
    return false;
}

static void
test_table_is_the_document(gconstpointer data)
{
    const Table *table = data;
    unsigned values[MAX_COLUMNS] = { 0 };
    unsigned combinations = 0;
    unsigned impossible = 0;
    g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Document document;

    read_document(&document, table->letter);
    g_assert_cmpuint(document.rows->len, ==, table->n_rows);
    g_assert_cmpuint(g_hash_table_size(document.sets), ==, 3);
    do {
        g_autofree char *act = NULL;
        g_autofree char *row = look_up(&document, table, values, &act);
        const char *actual_act = NULL;
        const char *actual_row = table->decide(values, &actual_act);

        g_assert_cmpstr(actual_row, ==, row);
        g_assert_cmpstr(actual_act, ==, act);
        combinations++;
        impossible += g_str_equal(act, "impossible");
        g_hash_table_add(used, g_steal_pointer(&row));
    } while (next_combination(table, values));
    g_assert_cmpuint(combinations, ==, table->n_combinations);
    g_assert_cmpuint(impossible, ==, table->n_impossible);
    g_assert_cmpuint(g_hash_table_size(used), ==, table->n_rows + 1); /* each row, and none */
    clear_document(&document);
}

/* Every word of the document's rows is a word of the code: a misspelt cell would match nothing. */
static void
test_every_word_is_known(gconstpointer data)
{
    const Table *table = data;
    Document document;

    read_document(&document, table->letter);
    for (unsigned i = 0; i < document.rows->len; i++) {
        char **cells = g_ptr_array_index(document.rows, i);

        for (unsigned column = 0; column < table->n_columns; column++) {
            g_auto(GStrv) words = split_words(cells[1 + column]);

            for (char **word = words; *word != NULL; word++) {
                bool known = g_str_equal(*word, "*") || g_hash_table_contains(document.sets, *word);

                for (unsigned value = 0; value < table->columns[column].n_values; value++)
                    known |= g_str_equal(*word, table->columns[column].name(value));
                if (!known)
                    g_test_message("%s: %s", cells[0], *word);
                g_assert_true(known);
            }
        }
    }
    clear_document(&document);
}

/* The rules that matter most, said once more without any table: sections 1 and 3 of the document.
 */
static void
test_source_rules(void)
{
    unsigned values[MAX_COLUMNS] = { 0 };

    do {
        FerrySourceRecord record = (FerrySourceRecord)values[0];
        FerrySourceDomain domain = (FerrySourceDomain)values[1];
        FerrySourceAct act =
            ferry_decide_source(record, domain, (FerryRelayState)values[2],
                                (FerryTargetAnswer)values[3], (FerryTargetDomain)values[4])
                .act;

        if (act == FERRY_DO_RELEASE || act == FERRY_DO_DESTROY || act == FERRY_DO_FINISH)
            g_assert_cmpint(record, ==, FERRY_S_COMMITTED);
        if (act == FERRY_DO_CUT && domain != FERRY_S_GONE)
            g_assert_true(record == FERRY_S_ABORTED || record == FERRY_S_ABORTED_ASKED);
        if (act == FERRY_DO_RESUME)
            g_assert_true(record == FERRY_S_ABORTED || record == FERRY_S_ABORTED_ASKED);
        if (act == FERRY_DO_GO)
            g_assert_cmpint(record, ==, FERRY_S_HANDOFF);
        if (record == FERRY_S_HANDOFF && act == FERRY_DO_ABORT)
            g_assert_cmpint((int)values[3], ==, FERRY_T_ABORTED);
        if (record == FERRY_S_HANDOFF && domain == FERRY_S_RUN)
            g_assert_cmpint(act, ==, FERRY_DO_IMPOSSIBLE);
    } while (next_combination(&source, values));
}

static void
test_target_rules(void)
{
    unsigned values[MAX_COLUMNS] = { 0 };

    do {
        FerryTargetRecord record = (FerryTargetRecord)values[0];
        FerrySaid what = (FerrySaid)values[2];
        FerryTargetAct act = ferry_decide_target(record, (FerryTargetDomain)values[1], what).act;

        if (act == FERRY_TARGET_RESUME || act == FERRY_TARGET_RUNNING || act == FERRY_TARGET_LOST)
            g_assert_cmpint(record, ==, FERRY_TR_COMMIT);
        if (act == FERRY_TARGET_COMMIT) {
            g_assert_cmpint(what, ==, FERRY_SAID_HANDOFF);
            g_assert_cmpint((int)values[1], ==, FERRY_TD_COMPLETE);
        }
        if (act == FERRY_TARGET_FINISH)
            g_assert_cmpint(what, ==, FERRY_SAID_COMMITTED);
        if (act == FERRY_TARGET_UNDO)
            g_assert_cmpint(record, ==, FERRY_TR_ABORTED);
    } while (next_combination(&target, values));
}

static void
test_act_names_are_distinct(void)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (unsigned i = 0; i < FERRY_N_SOURCE_ACTS; i++)
        g_assert_true(g_hash_table_add(names, (gpointer)ferry_source_act_name((FerrySourceAct)i)));
    g_hash_table_remove_all(names);
    for (unsigned i = 0; i < FERRY_N_TARGET_ACTS; i++)
        g_assert_true(g_hash_table_add(names, (gpointer)ferry_target_act_name((FerryTargetAct)i)));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/decide/source-is-the-document", &source, test_table_is_the_document);
    g_test_add_data_func("/decide/target-is-the-document", &target, test_table_is_the_document);
    g_test_add_data_func("/decide/source-words", &source, test_every_word_is_known);
    g_test_add_data_func("/decide/target-words", &target, test_every_word_is_known);
    g_test_add_func("/decide/source-rules", test_source_rules);
    g_test_add_func("/decide/target-rules", test_target_rules);
    g_test_add_func("/decide/act-names-are-distinct", test_act_names_are_distinct);
    return g_test_run();
}
