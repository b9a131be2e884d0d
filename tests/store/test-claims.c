#include "store/claims.h"

#include <string.h>

#include "base/error.h"
#include "fixture.h"
#include "store/host.h"
#include "store/pools.h"
#include "store/query.h"

static const FerryClaimRow vf = { .pool = (char *)"net-x",
                                  .slot = (char *)"0000:03:00.0/vf3",
                                  .device = (char *)"",
                                  .guest_uuid = (char *)"6695eb01-f6a4-8304-79aa-97f2502e193f",
                                  .guest_name = (char *)"web",
                                  .alias = (char *)"ua-net0",
                                  .job = (char *)"",
                                  .saved_settings = (char *)"",
                                  .attrs = (char *)"",
                                  .made_in = (char *)"",
                                  .since_us = 42 };

/* The row above with some of it changed. */
static FerryClaimRow
vf_of(const char *slot, const char *guest, const char *alias)
{
    FerryClaimRow row = vf;

    row.slot = (char *)slot;
    row.guest_uuid = (char *)guest;
    row.alias = (char *)alias;
    return row;
}

static FerryClaimRow
mdev_of(const char *uuid, const char *guest, const char *alias)
{
    FerryClaimRow row = vf_of("mtty/mtty-1", guest, alias);

    row.device = (char *)uuid;
    return row;
}

static int64_t
add(StoreFixture *fixture, FerryClaimRow row)
{
    int64_t generation = -1;
    g_autoptr(FerryClaimRow) holder = NULL;
    g_autoptr(GError) error = NULL;

    ferry_store_claim_add(fixture->store, &row, &generation, &holder, &error);
    g_assert_no_error(error);
    g_assert_null(holder);
    g_assert_cmpint(generation, >, 0);
    return generation;
}

/* Returns: the generation of who is in the way */
static int64_t
refused(StoreFixture *fixture, FerryClaimRow row)
{
    int64_t generation = -1;
    g_autoptr(FerryClaimRow) holder = NULL;
    g_autoptr(GError) error = NULL;

    ferry_store_claim_add(fixture->store, &row, &generation, &holder, &error);
    g_assert_no_error(error);
    g_assert_cmpint(generation, ==, 0);
    g_assert_nonnull(holder);
    return holder->generation;
}

static void
set_state(StoreFixture *fixture, int64_t generation, FerryClaimState state)
{
    g_autoptr(FerryClaimRow) row = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_store_claim_find(fixture->store, generation, &row, NULL));
    row->state = state;
    ferry_store_claim_update(fixture->store, row, &error);
    g_assert_no_error(error);
}

static void
assert_equal(const FerryClaimRow *a, const FerryClaimRow *b)
{
    g_assert_cmpstr(a->pool, ==, b->pool);
    g_assert_cmpstr(a->slot, ==, b->slot);
    g_assert_cmpstr(a->device, ==, b->device);
    g_assert_cmpstr(a->guest_uuid, ==, b->guest_uuid);
    g_assert_cmpstr(a->guest_name, ==, b->guest_name);
    g_assert_cmpstr(a->alias, ==, b->alias);
    g_assert_cmpstr(a->job, ==, b->job);
    g_assert_cmpint(a->state, ==, b->state);
    g_assert_cmpstr(a->saved_settings, ==, b->saved_settings);
    g_assert_cmpstr(a->attrs, ==, b->attrs);
    g_assert_cmpstr(a->made_in, ==, b->made_in);
    g_assert_cmpint(a->since_us, ==, b->since_us);
}

static void
test_find_after_reopen(StoreFixture *fixture, gconstpointer data)
{
    const FerryClaimRow full = { 0,
                                 (char *)"gpus",
                                 (char *)"0000:41:00.0/nvidia-474",
                                 (char *)"4b20d080-1b54-4048-85b3-a6a62d165c01",
                                 (char *)"g'1",
                                 (char *)"web",
                                 (char *)"ua-gpu0",
                                 (char *)"job-7",
                                 FERRY_CLAIM_IN_USE,
                                 (char *)"{\"trust\":0}",
                                 (char *)"[{\"name\":\"a\",\"value\":\"b\"}]",
                                 (char *)"boot-1",
                                 1234567890123456 };
    const int64_t generation = add(fixture, full);
    g_autoptr(FerryClaimRow) found = NULL;
    g_autoptr(FerryClaimRow) copy = NULL;

    (void)data;
    store_fixture_reopen(fixture);
    g_assert_true(ferry_store_claim_find(fixture->store, generation, &found, NULL));
    assert_equal(found, &full);
    copy = ferry_claim_row_copy(found);
    g_assert_cmpint(copy->generation, ==, generation);
    assert_equal(copy, &full);
}

/* Invariants 2 to 4: who is in the way, and who is not. */
static void
test_who_is_in_the_way(StoreFixture *fixture, gconstpointer data)
{
    const int64_t first = add(fixture, vf_of("pf/vf0", "g1", "a"));
    const int64_t mdev = add(fixture, mdev_of("u1", "g1", "b"));

    (void)data;
    g_assert_cmpint(refused(fixture, vf_of("pf/vf0", "g2", "a")), ==, first);
    g_assert_cmpint(refused(fixture, vf_of("pf/vf1", "g1", "a")), ==, first);
    g_assert_cmpint(refused(fixture, mdev_of("u1", "g2", "b")), ==, mdev);
    g_assert_cmpint(refused(fixture, mdev_of("u2", "g1", "a")), ==, first);
    /* the guest's own claim is named before the slot's holder */
    g_assert_cmpint(refused(fixture, vf_of("pf/vf0", "g1", "b")), ==, mdev);
    add(fixture, vf_of("pf/vf1", "g1", "c"));
    add(fixture, mdev_of("u2", "g2", "a")); /* the same parent and type: many instances */
}

static void
test_releasing_frees_the_alias_only(StoreFixture *fixture, gconstpointer data)
{
    const int64_t first = add(fixture, vf_of("pf/vf0", "g1", "a"));
    const int64_t mdev = add(fixture, mdev_of("u1", "g1", "b"));

    (void)data;
    set_state(fixture, first, FERRY_CLAIM_RELEASING);
    set_state(fixture, mdev, FERRY_CLAIM_RELEASING);
    g_assert_cmpint(refused(fixture, vf_of("pf/vf0", "g2", "a")), ==, first);
    g_assert_cmpint(refused(fixture, mdev_of("u1", "g1", "b")), ==, mdev);
    add(fixture, vf_of("pf/vf1", "g1", "a"));
}

static void
test_generations_are_not_used_again(StoreFixture *fixture, gconstpointer data)
{
    int64_t last = 0;

    (void)data;
    for (unsigned i = 0; i < 5; i++) {
        const int64_t generation = add(fixture, vf);

        g_assert_cmpint(generation, >, last);
        last = generation;
        g_assert_true(ferry_store_claim_remove(fixture->store, generation, NULL));
        g_assert_true(ferry_store_claim_remove(fixture->store, generation, NULL));
        if (i == 2)
            store_fixture_reopen(fixture);
    }
}

static void
test_update(StoreFixture *fixture, gconstpointer data)
{
    FerryClaimRow row = vf;
    g_autoptr(FerryClaimRow) found = NULL;
    g_autoptr(FerryClaimRow) gone = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    row.generation = add(fixture, vf);
    row.slot = (char *)"pf/vf9";
    row.job = (char *)"job-1";
    row.state = FERRY_CLAIM_RELEASING;
    row.saved_settings = (char *)"{}";
    row.made_in = (char *)"boot";
    g_assert_true(ferry_store_claim_update(fixture->store, &row, NULL));
    g_assert_true(ferry_store_claim_find(fixture->store, row.generation, &found, NULL));
    assert_equal(found, &row);
    row.state = FERRY_CLAIM_IN_USE;
    g_assert_false(ferry_store_claim_update(fixture->store, &row, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_true(ferry_store_claim_remove(fixture->store, row.generation, NULL));
    row.state = FERRY_CLAIM_RELEASING;
    g_assert_false(ferry_store_claim_update(fixture->store, &row, &error));
    g_assert_cmpstr(error->message, ==, "claim 1 is released already");
    g_assert_true(ferry_store_claim_find(fixture->store, row.generation, &gone, NULL));
    g_assert_null(gone);
}

static void
test_list(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GPtrArray) of_one = NULL;

    (void)data;
    add(fixture, vf_of("pf/vf0", "g2", "a"));
    add(fixture, vf_of("pf/vf1", "g1", "a"));
    add(fixture, vf_of("pf/vf2", "g1", "b"));
    g_assert_true(ferry_store_claim_list(fixture->store, NULL, &all, NULL));
    g_assert_cmpuint(all->len, ==, 3);
    g_assert_cmpstr(((FerryClaimRow *)g_ptr_array_index(all, 0))->slot, ==, "pf/vf0");
    g_assert_true(ferry_store_claim_list(fixture->store, "g1", &of_one, NULL));
    g_assert_cmpuint(of_one->len, ==, 2);
    g_assert_cmpstr(((FerryClaimRow *)g_ptr_array_index(of_one, 1))->slot, ==, "pf/vf2");
}

static void
exec(StoreFixture *fixture, const char *sql)
{
    g_assert_cmpint(sqlite3_exec(fixture->store->db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
}

static void
test_unknown_state(StoreFixture *fixture, gconstpointer data)
{
    GPtrArray *rows = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    add(fixture, vf);
    exec(fixture, "UPDATE claim SET state = 'lost'");
    g_assert_false(ferry_store_claim_list(fixture->store, NULL, &rows, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT);
    g_assert_nonnull(strstr(error->message, "it says \"lost\", which no ferry writes"));
    g_assert_null(rows);
}

/* A database of the first version gets the tables, and keeps what it has. */
static void
test_older_database(StoreFixture *fixture, gconstpointer data)
{
    FerryHostRow host = { (char *)"beta", (char *)"b.example:1", 7 };
    FerryPoolRow pool = { (char *)"net-x", (char *)"{}", 1 };
    g_autoptr(GPtrArray) hosts = NULL;

    (void)data;
    g_assert_true(ferry_store_host_add(fixture->store, &host, NULL));
    exec(fixture, "DROP TABLE claim; DROP TABLE pool; DROP TABLE probe; DROP TABLE reservation; "
                  "DROP TABLE history; PRAGMA user_version = 1");
    store_fixture_reopen(fixture);
    g_assert_true(ferry_store_pool_add(fixture->store, &pool, NULL));
    add(fixture, vf);
    g_assert_true(ferry_store_host_list(fixture->store, &hosts, NULL));
    g_assert_cmpuint(hosts->len, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/claims/find-after-reopen", test_find_after_reopen);
    STORE_TEST("/claims/who-is-in-the-way", test_who_is_in_the_way);
    STORE_TEST("/claims/releasing-frees-the-alias-only", test_releasing_frees_the_alias_only);
    STORE_TEST("/claims/generations-are-not-used-again", test_generations_are_not_used_again);
    STORE_TEST("/claims/update", test_update);
    STORE_TEST("/claims/list", test_list);
    STORE_TEST("/claims/unknown-state", test_unknown_state);
    STORE_TEST("/claims/older-database", test_older_database);
    return g_test_run();
}
