#include "store/host.h"

#include "base/error.h"
#include "fixture.h"

static void
add(StoreFixture *fixture, const char *name, const char *address, int64_t added_us)
{
    FerryHostRow host = { (char *)name, (char *)address, added_us };
    g_autoptr(GError) error = NULL;

    ferry_store_host_add(fixture->store, &host, &error);
    g_assert_no_error(error);
}

static void
test_find_after_reopen(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryHostRow) found = NULL;

    (void)data;
    add(fixture, "alpha", "alpha.example:16514", 1234567890123456);
    store_fixture_reopen(fixture);
    g_assert_true(ferry_store_host_find(fixture->store, "alpha", &found, NULL));
    g_assert_cmpstr(found->name, ==, "alpha");
    g_assert_cmpstr(found->address, ==, "alpha.example:16514");
    g_assert_cmpint(found->added_us, ==, 1234567890123456);
}

static void
test_find_none(StoreFixture *fixture, gconstpointer data)
{
    FerryHostRow *found = (FerryHostRow *)fixture; /* to see that it is set */

    (void)data;
    add(fixture, "alpha", "a:1", 1);
    g_assert_true(ferry_store_host_find(fixture->store, "alph", &found, NULL));
    g_assert_null(found);
}

static void
test_list_is_sorted(StoreFixture *fixture, gconstpointer data)
{
    static const char *const sorted[] = { "a", "b", "c'; DROP TABLE host" };
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(GPtrArray) hosts = NULL;

    (void)data;
    g_assert_true(ferry_store_host_list(fixture->store, &none, NULL));
    g_assert_cmpuint(none->len, ==, 0);
    add(fixture, sorted[2], "c:1", 1);
    add(fixture, sorted[0], "a:1", 3);
    add(fixture, sorted[1], "b:1", 2);
    g_assert_true(ferry_store_host_list(fixture->store, &hosts, NULL));
    g_assert_cmpuint(hosts->len, ==, 3);
    for (unsigned i = 0; i < hosts->len; i++) {
        const FerryHostRow *host = g_ptr_array_index(hosts, i);

        g_assert_cmpstr(host->name, ==, sorted[i]);
    }
}

static void
test_add_twice(StoreFixture *fixture, gconstpointer data)
{
    FerryHostRow again = { (char *)"alpha", (char *)"other:1", 2 };
    g_autoptr(FerryHostRow) found = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    add(fixture, "alpha", "a:1", 1);
    g_assert_false(ferry_store_host_add(fixture->store, &again, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    g_assert_cmpstr(
        error->message, ==,
        "cannot add host alpha: there is one of that name. Remove it first (\"ferry host "
        "remove alpha\") to change its address.");
    g_assert_true(ferry_store_host_find(fixture->store, "alpha", &found, NULL));
    g_assert_cmpstr(found->address, ==, "a:1");
}

static void
test_remove(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) hosts = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    add(fixture, "alpha", "a:1", 1);
    g_assert_true(ferry_store_host_remove(fixture->store, "alpha", NULL));
    g_assert_false(ferry_store_host_remove(fixture->store, "alpha", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(
        error->message, ==,
        "cannot remove host alpha: there is none of that name. \"ferry host list\" shows "
        "those there are.");
    g_assert_true(ferry_store_host_list(fixture->store, &hosts, NULL));
    g_assert_cmpuint(hosts->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/host/find-after-reopen", test_find_after_reopen);
    STORE_TEST("/host/find-none", test_find_none);
    STORE_TEST("/host/list-is-sorted", test_list_is_sorted);
    STORE_TEST("/host/add-twice", test_add_twice);
    STORE_TEST("/host/remove", test_remove);
    return g_test_run();
}
