#include "store/reservations.h"

#include <string.h>

#include "base/error.h"
#include "fixture.h"
#include "store/claims.h"

#define GUEST "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define R1    "11111111-0000-4000-8000-000000000001"
#define R2    "11111111-0000-4000-8000-000000000002"
#define JOB   "22222222-0000-4000-8000-000000000001"
#define NOW   1000

static FerryReservationRow
row_of(const char *id, FerrySide side, int64_t expires_us)
{
    return (FerryReservationRow){ .id = (char *)id,
                                  .side = side,
                                  .guest_uuid = (char *)GUEST,
                                  .guest_name = (char *)"web",
                                  .peer = (char *)"alpha",
                                  .terms = (char *)"[]",
                                  .devices = (char *)"",
                                  .job = (char *)"",
                                  .created_us = expires_us - 10,
                                  .expires_us = expires_us };
}

/* Returns: (transfer full) (nullable): the id of who is in the way */
static char *
add(StoreFixture *fixture, FerryReservationRow row)
{
    g_autoptr(FerryReservationRow) holder = NULL;
    g_autoptr(GError) error = NULL;

    ferry_store_reservation_add(fixture->store, &row, NOW, &holder, &error);
    g_assert_no_error(error);
    return holder == NULL ? NULL : g_strdup(holder->id);
}

static void
add_held(StoreFixture *fixture, const char *id, int64_t expires_us)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(add(fixture, row_of(id, FERRY_SIDE_TARGET, expires_us)));
    ferry_store_reservation_settle(fixture->store, id, "[1]", &error);
    g_assert_no_error(error);
}

static void
add_claim(StoreFixture *fixture, const char *slot, const char *alias, const char *job)
{
    const FerryClaimRow row = { .pool = (char *)"fast",
                                .slot = (char *)slot,
                                .device = (char *)"",
                                .guest_uuid = (char *)GUEST,
                                .guest_name = (char *)"web",
                                .alias = (char *)alias,
                                .job = (char *)job,
                                .saved_settings = (char *)"",
                                .attrs = (char *)"",
                                .made_in = (char *)"" };
    g_autoptr(FerryClaimRow) holder = NULL;
    int64_t generation = 0;

    g_assert_true(ferry_store_claim_add(fixture->store, &row, &generation, &holder, NULL));
    g_assert_null(holder);
}

/* The jobs of all claims, oldest first, joined with ", " */
static char *
jobs_of_claims(StoreFixture *fixture)
{
    g_autoptr(GPtrArray) claims = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert_true(ferry_store_claim_list(fixture->store, NULL, &claims, NULL));
    for (guint i = 0; i < claims->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
                               ((FerryClaimRow *)g_ptr_array_index(claims, i))->job);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
expect_state(StoreFixture *fixture, const char *id, const char *expected)
{
    g_autoptr(FerryReservationRow) row = NULL;

    g_assert_true(ferry_store_reservation_find(fixture->store, id, &row, NULL));
    g_assert_nonnull(row);
    g_assert_cmpstr(ferry_reservation_state_name(row->state), ==, expected);
}

static void
test_kept(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryReservationRow) row = NULL;

    (void)data;
    add_held(fixture, R1, NOW + 5);
    store_fixture_reopen(fixture);
    g_assert_true(ferry_store_reservation_find(fixture->store, R1, &row, NULL));
    g_assert_cmpint(row->side, ==, FERRY_SIDE_TARGET);
    g_assert_cmpstr(row->guest_uuid, ==, GUEST);
    g_assert_cmpstr(row->guest_name, ==, "web");
    g_assert_cmpstr(row->peer, ==, "alpha");
    g_assert_cmpstr(row->terms, ==, "[]");
    g_assert_cmpstr(row->devices, ==, "[1]");
    g_assert_cmpint(row->state, ==, FERRY_RESERVATION_HELD);
    g_assert_cmpint(row->created_us, ==, NOW - 5);
    g_assert_cmpint(row->expires_us, ==, NOW + 5);
}

static void
test_open(StoreFixture *fixture, gconstpointer data)
{
    static const bool open[] = { [FERRY_RESERVATION_MAKING] = true,
                                 [FERRY_RESERVATION_HELD] = true,
                                 [FERRY_RESERVATION_USED] = false,
                                 [FERRY_RESERVATION_CANCELLED] = false };

    (void)data;
    (void)fixture;
    G_STATIC_ASSERT(G_N_ELEMENTS(open) == FERRY_RESERVATION_N_STATES);
    for (FerryReservationState state = 0; state < FERRY_RESERVATION_N_STATES; state++) {
        FerryReservationRow row = row_of(R1, FERRY_SIDE_TARGET, NOW);

        row.state = state;
        g_assert_cmpint(ferry_reservation_is_open(&row, NOW - 1), ==, open[state]);
        g_assert_false(ferry_reservation_is_open(&row, NOW)); /* its last moment is past */
    }
}

/* Invariant 2, and what does not count: what expired, and what this host is the source of. */
static void
test_one_a_guest(StoreFixture *fixture, gconstpointer data)
{
    g_autofree char *holder = NULL;
    g_autofree char *same = NULL;

    (void)data;
    g_assert_null(add(fixture, row_of("old", FERRY_SIDE_TARGET, NOW)));
    g_assert_null(add(fixture, row_of("away", FERRY_SIDE_SOURCE, NOW + 5)));
    g_assert_null(add(fixture, row_of("away2", FERRY_SIDE_SOURCE, NOW + 5)));
    add_held(fixture, R1, NOW + 5);
    holder = add(fixture, row_of(R2, FERRY_SIDE_TARGET, NOW + 9));
    g_assert_cmpstr(holder, ==, R1);
    same = add(fixture, row_of("away", FERRY_SIDE_SOURCE, NOW + 5));
    g_assert_cmpstr(same, ==, "away");
    g_assert_true(ferry_store_reservation_cancel(fixture->store, R1, NULL));
    g_assert_null(add(fixture, row_of(R2, FERRY_SIDE_TARGET, NOW + 9)));
}

/* Invariants 1 and 3: the claims go along, those of others do not, and a second time is the same.
 */
static void
test_take(StoreFixture *fixture, gconstpointer data)
{
    g_autofree char *jobs = NULL;

    (void)data;
    add_held(fixture, R1, NOW + 5);
    add_claim(fixture, "0000:03:00.0/vf0", "a", R1);
    add_claim(fixture, "0000:03:00.0/vf1", "b", "another");
    add_claim(fixture, "0000:03:00.0/vf2", "c", R1);
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(FerryReservationRow) row = NULL;

        g_assert_true(ferry_store_reservation_take(fixture->store, R1, JOB, NOW, &row, NULL));
        g_assert_null(row);
    }
    jobs = jobs_of_claims(fixture);
    g_assert_cmpstr(jobs, ==, JOB ", another, " JOB);
    expect_state(fixture, R1, "used");
    g_assert_true(ferry_store_reservation_cancel(fixture->store, R1, NULL));
    expect_state(fixture, R1, "used");
}

/* The answer says how it is. */
static void
expect_not_taken(StoreFixture *fixture, const char *id, int64_t now_us, const char *state)
{
    g_autoptr(FerryReservationRow) row = NULL;
    g_autofree char *jobs = NULL;

    g_assert_true(ferry_store_reservation_take(fixture->store, id, "other", now_us, &row, NULL));
    g_assert_nonnull(row);
    g_assert_cmpstr(row->id, ==, state != NULL ? id : "");
    if (state != NULL)
        expect_state(fixture, id, state);
    jobs = jobs_of_claims(fixture);
    g_assert_null(strstr(jobs, "other"));
}

static void
test_not_taken(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(FerryReservationRow) row = NULL;

    (void)data;
    add_claim(fixture, "0000:03:00.0/vf0", "a", R1);
    expect_not_taken(fixture, R1, NOW, NULL);
    g_assert_null(add(fixture, row_of(R1, FERRY_SIDE_TARGET, NOW + 5)));
    expect_not_taken(fixture, R1, NOW, "making");
    g_assert_true(ferry_store_reservation_settle(fixture->store, R1, "[]", NULL));
    expect_not_taken(fixture, R1, NOW + 5, "reserved");
    g_assert_true(ferry_store_reservation_take(fixture->store, R1, JOB, NOW, &row, NULL));
    g_assert_null(row);
    expect_not_taken(fixture, R1, NOW, "used");
    add_held(fixture, R2, NOW + 5);
    g_assert_true(ferry_store_reservation_cancel(fixture->store, R2, NULL));
    expect_not_taken(fixture, R2, NOW, "cancelled");
}

static void
test_settled_too_late(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_null(add(fixture, row_of(R1, FERRY_SIDE_TARGET, NOW + 5)));
    g_assert_true(ferry_store_reservation_cancel(fixture->store, R1, NULL));
    g_assert_false(ferry_store_reservation_settle(fixture->store, R1, "[]", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "was cancelled while it was made"));
}

static void
test_list_and_forget(StoreFixture *fixture, gconstpointer data)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) left = NULL;

    (void)data;
    g_assert_null(add(fixture, row_of("old", FERRY_SIDE_TARGET, NOW - 50)));
    g_assert_null(add(fixture, row_of("new", FERRY_SIDE_SOURCE, NOW + 50)));
    g_assert_true(ferry_store_reservation_list(fixture->store, &rows, NULL));
    g_assert_cmpuint(rows->len, ==, 2);
    g_assert_cmpstr(((FerryReservationRow *)g_ptr_array_index(rows, 0))->id, ==, "new");
    g_assert_true(ferry_store_reservation_forget(fixture->store, NOW - 50, NULL));
    g_assert_true(ferry_store_reservation_forget(fixture->store, NOW - 49, NULL));
    g_assert_true(ferry_store_reservation_list(fixture->store, &left, NULL));
    g_assert_cmpuint(left->len, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/reservations/kept", test_kept);
    STORE_TEST("/reservations/open", test_open);
    STORE_TEST("/reservations/one-a-guest", test_one_a_guest);
    STORE_TEST("/reservations/take", test_take);
    STORE_TEST("/reservations/not-taken", test_not_taken);
    STORE_TEST("/reservations/settled-too-late", test_settled_too_late);
    STORE_TEST("/reservations/list-and-forget", test_list_and_forget);
    return g_test_run();
}
