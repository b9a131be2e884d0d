#include "store/pools.h"

#include "base/error.h"
#include "fixture.h"

static void
add(StoreFixture *fixture, const char *name, const char *definition, int64_t created_us)
{
    FerryPoolRow pool = { (char *)name, (char *)definition, created_us };
    g_autoptr(GError) error = NULL;

    ferry_store_pool_add(fixture->store, &pool, &error);
    g_assert_no_error(error);
}

static void
test_find_after_reopen(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryPoolRow) found = NULL;
    FerryPoolRow *none = (FerryPoolRow *)fixture; /* to see that it is set */

    (void)data;
    add(fixture, "net-x", "{\"pfs\":[\"eth3\"]}", 1234567890123456);
    store_fixture_reopen(fixture);
    g_assert_true(ferry_store_pool_find(fixture->store, "net-x", &found, NULL));
    g_assert_cmpstr(found->name, ==, "net-x");
    g_assert_cmpstr(found->definition, ==, "{\"pfs\":[\"eth3\"]}");
    g_assert_cmpint(found->created_us, ==, 1234567890123456);
    g_assert_true(ferry_store_pool_find(fixture->store, "net-", &none, NULL));
    g_assert_null(none);
}

static void
test_list_is_sorted(StoreFixture *fixture, gconstpointer data)
{
    static const char *const sorted[] = { "a", "b", "c'; DROP TABLE pool" };
    g_autoptr(GPtrArray) pools = NULL;

    (void)data;
    add(fixture, sorted[2], "{}", 1);
    add(fixture, sorted[0], "{}", 3);
    add(fixture, sorted[1], "{}", 2);
    g_assert_true(ferry_store_pool_list(fixture->store, &pools, NULL));
    g_assert_cmpuint(pools->len, ==, 3);
    for (unsigned i = 0; i < pools->len; i++) {
        const FerryPoolRow *pool = g_ptr_array_index(pools, i);

        g_assert_cmpstr(pool->name, ==, sorted[i]);
    }
}

static void
test_add_twice(StoreFixture *fixture, gconstpointer data)
{
    FerryPoolRow again = { (char *)"net-x", (char *)"{\"other\":1}", 2 };
    g_autoptr(FerryPoolRow) found = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    add(fixture, "net-x", "{}", 1);
    g_assert_false(ferry_store_pool_add(fixture->store, &again, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXISTS);
    g_assert_cmpstr(error->message, ==,
                    "cannot define pool net-x: there is one of that name. Undefine it first "
                    "(\"ferry pool undefine net-x\"), or choose another name.");
    g_assert_true(ferry_store_pool_find(fixture->store, "net-x", &found, NULL));
    g_assert_cmpstr(found->definition, ==, "{}");
}

static void
test_remove(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) pools = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    add(fixture, "net-x", "{}", 1);
    g_assert_true(ferry_store_pool_remove(fixture->store, "net-x", NULL));
    g_assert_false(ferry_store_pool_remove(fixture->store, "net-x", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==,
                    "there is no pool net-x: \"ferry pool list\" shows those there are");
    g_assert_true(ferry_store_pool_list(fixture->store, &pools, NULL));
    g_assert_cmpuint(pools->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/pools/find-after-reopen", test_find_after_reopen);
    STORE_TEST("/pools/list-is-sorted", test_list_is_sorted);
    STORE_TEST("/pools/add-twice", test_add_twice);
    STORE_TEST("/pools/remove", test_remove);
    return g_test_run();
}
