#include "store/named.h"

#include "base/error.h"
#include "fixture.h"

/* A row that cannot be made fails the call, and with it nothing is returned. */
static bool
row_of(FerryStore *self, sqlite3_stmt *query, void **ret, GError **error)
{
    char *name = ferry_store_text(query, 0);

    (void)self;
    if (g_str_has_prefix(name, "bad")) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT, "%s is bad", name);
        g_free(name);
        return false;
    }
    *ret = name;
    return true;
}

static const FerryNamedTable table = {
    .add = "INSERT INTO pool VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    .remove = "DELETE FROM pool WHERE name = ?",
    .find = "SELECT name, definition, created_us FROM pool WHERE name = ?",
    .list = "SELECT name, definition, created_us FROM pool ORDER BY name DESC",
    .row_of = row_of,
    .free_row = g_free,
};

static void
test_add_and_remove(StoreFixture *fixture, gconstpointer data)
{
    static const struct {
        const char *name;
        bool is_new;
    } rows[] = { { "a", true }, { "a", false }, { "b", true } };
    bool done = false;
    g_autoptr(GPtrArray) all = NULL;

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(
            ferry_named_add(fixture->store, &table, rows[i].name, "text", 7, &done, NULL));
        g_assert_cmpint(done, ==, rows[i].is_new);
    }
    g_assert_true(ferry_named_list(fixture->store, &table, &all, NULL));
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(all, 0), ==, "b"); /* in the order of the table's SQL */
    for (unsigned n = 0; n < 2; n++) {
        g_assert_true(ferry_named_remove(fixture->store, &table, "a", &done, NULL));
        g_assert_cmpint(done, ==, n == 0);
    }
}

static void
test_bad_row(StoreFixture *fixture, gconstpointer data)
{
    void *found = fixture; /* to see that it is not touched */
    GPtrArray *all = (GPtrArray *)fixture;
    bool added = false;
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(ferry_named_add(fixture->store, &table, "bad", "", 1, &added, NULL));
    g_assert_true(ferry_named_add(fixture->store, &table, "good", "", 1, &added, NULL));
    g_assert_false(ferry_named_find(fixture->store, &table, "bad", &found, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT);
    g_assert_true(found == fixture);
    g_clear_error(&error);
    g_assert_false(ferry_named_list(fixture->store, &table, &all, &error));
    g_assert_cmpstr(error->message, ==, "bad is bad");
    g_assert_true(all == (GPtrArray *)fixture);
    g_assert_true(ferry_named_find(fixture->store, &table, "good", &found, NULL));
    g_assert_cmpstr(found, ==, "good");
    g_free(found);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/named/add-and-remove", test_add_and_remove);
    STORE_TEST("/named/bad-row", test_bad_row);
    return g_test_run();
}
