/* What of reservations needs neither libvirt nor another host: the store is real. */
#include "migrate/hold.h"

#include <string.h>

#include "base/error.h"
#include "migrate/reservation.h"
#include "world.h"

#define R1   "11111111-1111-4111-8111-111111111111"
#define R2   "11111111-1111-4111-8111-111111111112"
#define UUID "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"
#define NOW  (INT64_C(1000) * 1000)

static int64_t
wall_us_of(const FerryClock *clock)
{
    (void)clock;
    return NOW;
}

/* Host beta, which has reserved R1 at gamma, and holds R2 for alpha. */
typedef struct {
    World *world;
    FerryClock clock;
    FerryMigrator *migrator;
} Host;

static void
add_row(Host *host, const char *id, FerrySide side, const char *peer, const char *terms)
{
    const FerryReservationRow row = { .id = (char *)id,
                                      .side = side,
                                      .guest_uuid = (char *)"G",
                                      .guest_name = (char *)"web",
                                      .peer = (char *)peer,
                                      .terms = (char *)terms,
                                      .devices = (char *)"[]",
                                      .state = FERRY_RESERVATION_HELD,
                                      .job = (char *)"",
                                      .created_us = NOW,
                                      .expires_us = NOW + 1 };
    g_autoptr(FerryReservationRow) holder = NULL;

    g_assert_true(ferry_store_reservation_add(host->world->store, &row, NOW, &holder, NULL));
    g_assert_null(holder);
}

static void
set_up(Host *host, gconstpointer data)
{
    FerryMigratorConfig config = { .name = "beta" };

    (void)data;
    host->world = world_new();
    host->clock = *ferry_clock_system();
    host->clock.wall_us = wall_us_of;
    config.clock = &host->clock;
    config.store = host->world->store;
    host->migrator = ferry_migrator_new(&config);
    add_row(host, R1, FERRY_SIDE_SOURCE, "gamma",
            "{\"accept_unknown\": true, \"allow_degraded\": true, \"devices\": {\"a\": \"" UUID
            "\"}}");
    add_row(host, R2, FERRY_SIDE_TARGET, "alpha", "[]");
}

static void
tear_down(Host *host, gconstpointer data)
{
    (void)data;
    ferry_migrator_free(host->migrator);
    world_free(host->world);
}

/* A request that names it, or does not, and what becomes of it. */
typedef struct {
    const char *name, *reservation, *to;
    bool accept_unknown, allow_degraded;
    const char *target; /* NULL: refused */
    FerryErrorCode error;
    const char *part;
} Terms;

/* clang-format off */
static const Terms terms_rows[] = {
    { "none", NULL, "gamma", false, false, "gamma", 0, NULL },
    { "nothing", NULL, NULL, false, false, NULL, FERRY_ERROR_INVALID, "name a host, or a reservation" },
    { "named", R1, NULL, false, false, "gamma", 0, NULL },
    { "named-with-its-host", R1, "gamma", false, false, "gamma", 0, NULL },
    { "named-with-another-host", R1, "delta", false, false, NULL, FERRY_ERROR_INVALID, "it is at gamma" },
    { "named-with-more", R1, NULL, true, false, NULL, FERRY_ERROR_INVALID, "leave that out" },
    { "named-with-leave", R1, NULL, false, true, NULL, FERRY_ERROR_INVALID, "leave that out" },
    { "of-this-host", R2, NULL, false, false, NULL, FERRY_ERROR_INVALID, "name it on alpha" },
    { "unknown", "R9", NULL, false, false, NULL, FERRY_ERROR_NOT_FOUND, "\"ferry reservation list\"" },
};
/* clang-format on */

static void
test_terms(Host *host, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(terms_rows); i++) {
        const Terms *row = &terms_rows[i];
        FerryMigrationRequest request = { .guest = "web",
                                          .to = row->to,
                                          .reservation = row->reservation,
                                          .accept_unknown = row->accept_unknown,
                                          .allow_degraded = row->allow_degraded };
        json_t *terms = NULL;
        g_autoptr(GError) error = NULL;
        bool ok = ferry_migrator_take_terms(host->migrator, &request, &terms, &error);

        g_test_message("%s", row->name);
        g_assert_cmpint(ok, ==, row->target != NULL);
        if (ok) {
            g_assert_cmpstr(request.to, ==, row->target);
        } else {
            g_assert_error(error, FERRY_ERROR, (int)row->error);
            g_assert_nonnull(strstr(error->message, row->part));
        }
        if (ok && row->reservation != NULL) {
            g_assert_true(request.accept_unknown);
            g_assert_true(request.allow_degraded);
            g_assert_cmpstr(json_string_value(json_object_get(request.devices, "a")), ==, UUID);
        }
        json_decref(terms);
    }
}

static void
expect_state(Host *host, const char *id, const char *state)
{
    json_t *one = NULL;

    g_assert_true(ferry_migrator_reservation(host->migrator, id, &one, NULL));
    g_assert_cmpstr(json_string_value(json_object_get(one, "state")), ==, state);
    json_decref(one);
}

static void
test_shown(Host *host, gconstpointer data)
{
    json_t *all = NULL;
    const json_t *source = NULL;

    (void)data;
    g_assert_true(ferry_migrator_reservations(host->migrator, &all, NULL));
    g_assert_cmpuint(json_array_size(all), ==, 2);
    source = json_array_get(all, 0);
    g_assert_cmpstr(json_string_value(json_object_get(source, "id")), ==, R1);
    g_assert_cmpstr(json_string_value(json_object_get(source, "side")), ==, "source");
    g_assert_cmpstr(json_string_value(json_object_get(source, "source")), ==, "beta");
    g_assert_cmpstr(json_string_value(json_object_get(source, "target")), ==, "gamma");
    g_assert_null(json_object_get(source, "job"));
    json_decref(all);
    ferry_migrator_reservation_used(host->migrator, R1, "J1");
    expect_state(host, R1, "used");
}

/* What the keeper asks: R1's slots are another host's. */
static void
test_holds(Host *host, gconstpointer data)
{
    g_autoptr(FerryReservationRow) as_it_is = NULL;

    (void)data;
    g_assert_false(ferry_migrator_holds(host->migrator, R1));
    g_assert_false(ferry_migrator_holds(host->migrator, "R9"));
    g_assert_true(ferry_migrator_holds(host->migrator, R2));
    /* used by a job that is in no table, as after a crash before its first record */
    g_assert_true(ferry_store_reservation_take(host->world->store, R2, "J1", NOW, &as_it_is, NULL));
    g_assert_false(ferry_migrator_holds(host->migrator, R2));
}

static void
expect_error(bool ok, GError *error, FerryErrorCode code, const char *part)
{
    g_assert_false(ok);
    g_assert_error(error, FERRY_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, part));
    g_error_free(error);
}

static void
test_cancel(Host *host, gconstpointer data)
{
    GError *error = NULL;
    bool ok = false;

    (void)data;
    for (unsigned i = 0; i < 2; i++)
        g_assert_true(ferry_migrator_reservation_cancel(host->migrator, R2, NULL));
    expect_state(host, R2, "cancelled");
    ok = ferry_migrator_reservation_cancel(host->migrator, "R9", &error);
    expect_error(ok, error, FERRY_ERROR_NOT_FOUND, "is not known here");
    error = NULL;
    ok = ferry_migrator_reservation_cancel(host->migrator, R1, &error); /* there first */
    expect_error(ok, error, FERRY_ERROR_UNSUPPORTED, "no certificate");
    expect_state(host, R1, "reserved");
    ferry_migrator_reservation_used(host->migrator, R1, "J1");
    error = NULL;
    ok = ferry_migrator_reservation_cancel(host->migrator, R1, &error);
    expect_error(ok, error, FERRY_ERROR_BUSY, "used by job J1");
}

/* A peer ends its own, and no other one's. */
static void
test_peer_release(Host *host, gconstpointer data)
{
    GError *error = NULL;
    bool ok = ferry_migrator_peer_release(host->migrator, "gamma", R2, &error);

    (void)data;
    expect_error(ok, error, FERRY_ERROR_NOT_FOUND, "beta holds no reservation");
    error = NULL;
    ok = ferry_migrator_peer_release(host->migrator, "gamma", R1, &error);
    expect_error(ok, error, FERRY_ERROR_NOT_FOUND, "beta holds no reservation");
    g_assert_true(ferry_migrator_peer_release(host->migrator, "alpha", R2, NULL));
    expect_state(host, R2, "cancelled");
}

/* What a peer may not ask; what it may is tests/lab/test_reservation.py. */
static void
test_peer_reserve_denied(Host *host, gconstpointer data)
{
    static const struct {
        const char *caller, *id, *source, *target;
        json_int_t ttl_ms;
        FerryErrorCode error;
        const char *part;
    } rows[] = {
        { "gamma", R1, "alpha", "beta", 1, FERRY_ERROR_DENIED, "not one from gamma" },
        { "alpha", R1, "alpha", "gamma", 1, FERRY_ERROR_DENIED, "to beta" },
        { "alpha", R2, "alpha", "beta", 1, FERRY_ERROR_DENIED, R2 },
        { "alpha", R1, "alpha", "beta", 0, FERRY_ERROR_INVALID, "ttl_ms" },
        { "alpha", R1, "alpha", "beta", FERRY_RESERVATION_MAX_MS + 1, FERRY_ERROR_INVALID,
          "ttl_ms" },
    };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        json_t *body = json_pack(
            "{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:i, s:i, s:i, s:i, "
            "s:[]}, s:I}",
            "plan", "job", R1, "guest_name", "web", "guest_uuid", UUID, "source", rows[i].source,
            "target", rows[i].target, "live_xml", "<domain/>", "user_paused", false, "autostart",
            false, "tls", true, "memory_bytes", 1, "max_downtime_ms", 1, "timeout_ms", 0,
            "bandwidth_bps", 0, "ephemerals", "ttl_ms", rows[i].ttl_ms);
        GError *error = NULL;
        json_t *made = NULL;
        json_t *reasons = NULL;
        bool ok = ferry_migrator_peer_reserve(host->migrator, rows[i].caller, rows[i].id, body,
                                              &made, &reasons, &error);

        expect_error(ok, error, rows[i].error, rows[i].part);
        json_decref(body);
    }
}

#define HOLD_TEST(name, func) g_test_add(name, Host, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    HOLD_TEST("/hold/terms", test_terms);
    HOLD_TEST("/hold/shown", test_shown);
    HOLD_TEST("/hold/holds", test_holds);
    HOLD_TEST("/hold/cancel", test_cancel);
    HOLD_TEST("/hold/peer-release", test_peer_release);
    HOLD_TEST("/hold/peer-reserve-denied", test_peer_reserve_denied);
    return g_test_run();
}
