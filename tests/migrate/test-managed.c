#include "migrate/managed.h"

#include <string.h>

#include "fake-life.h"

#define BOTH FAKE_XML(FAKE_GPU0 FAKE_GPU1)

static FerryDomain *
domain_of(const char *xml)
{
    FerryDomain *domain = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(ferry_domain_parse(xml, &domain, &error));
    g_assert_no_error(error);
    return domain;
}

/* Makes the devices of @fake's guest.  Returns: as ferry_managed_make() */
static bool
make(FakeLife *fake, int64_t limit_ms, json_t **ret_reasons, GError **error)
{
    g_autoptr(FerryDomain) domain = domain_of(fake->xml);

    return ferry_managed_make(&fake->life, domain, fake->now_ms + limit_ms, ret_reasons, error);
}

static void
test_make(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    json_t *reasons = NULL;

    g_assert_true(make(fake, 0, &reasons, NULL));
    g_assert_null(reasons);
    fake_life_assert_log(fake, "claim ua-gpu0, prepare 1, claim ua-gpu1, prepare 2");
    g_assert_cmpuint(fake->claims->len, ==, 2);
    g_assert_true(make(fake, 0, &reasons, NULL)); /* the hook, inside of our own start */
    fake_life_assert_log(fake, "claim ua-gpu0, prepare 1, claim ua-gpu1, prepare 2");
    g_assert_cmpuint(fake->claims->len, ==, 2);
}

static void
test_only_managed(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(FAKE_XML("<ferry:mdev alias='ua-gpu0' type='t'/>"
                                                      "<ferry:ephemeral alias='ua-gpu1'/>"));
    json_t *reasons = NULL;

    g_assert_true(make(fake, 0, &reasons, NULL));
    g_assert_null(reasons);
    fake_life_assert_log(fake, "");
}

static void
test_no_such_device(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(
        FAKE_XML(FAKE_GPU0 "<ferry:mdev alias='ua-no' parent='mtty' type='t' managed='yes'/>"));
    json_t *reasons = NULL;

    g_assert_true(make(fake, 0, &reasons, NULL));
    fake_life_assert_reason(reasons, "no-device",
                            "guest web: its metadata has a managed mdev ua-no, but there is no "
                            "<hostdev type='mdev'> with that alias and a UUID");
    fake_life_assert_log(fake, "claim ua-gpu0, prepare 1, release 1");
}

/* What goes wrong with the second of two devices, and what is then done. */
typedef struct {
    const char *name;
    FakeTrouble claim, prepare;
    int64_t limit_ms;
    const char *log;
    const char *no; /* (nullable): the reason */
    int error;      /* else: a FerryErrorCode, or -1 when all is well */
    int64_t took_ms;
} Row;

/* clang-format off */
static const Row rows[] = {
    { "refused", { -1, -1, false, "full" }, { 0 }, 30000, "claim ua-gpu0, prepare 1, claim ua-gpu1, release 1", "full", -1, 0 },
    { "passes", { 2, -1, true, "cleaning" }, { 0 }, 30000, "claim ua-gpu0, prepare 1, claim ua-gpu1, claim ua-gpu1, claim ua-gpu1, prepare 2", NULL, -1, 500 },
    { "does-not-pass", { -1, -1, true, "cleaning" }, { 0 }, 500, "claim ua-gpu0, prepare 1, claim ua-gpu1, claim ua-gpu1, claim ua-gpu1, release 1", "cleaning", -1, 500 },
    { "claim-fails", { -1, FERRY_ERROR_NOT_FOUND, false, "no pool" }, { 0 }, 30000, "claim ua-gpu0, prepare 1, claim ua-gpu1, release 1", NULL, FERRY_ERROR_NOT_FOUND, 0 },
    { "is-there", { 0 }, { -1, -1, false, "not ours" }, 30000, "claim ua-gpu0, prepare 1, release 1", "not ours", -1, 0 },
    { "is-slow", { 0 }, { 1, -1, true, "cleaning" }, 30000, "claim ua-gpu0, prepare 1, claim ua-gpu0, prepare 1, claim ua-gpu1, prepare 2", NULL, -1, 250 },
    { "driver-says-no", { 0 }, { -1, FERRY_ERROR_IO, false, "EIO" }, 30000, "claim ua-gpu0, prepare 1, release 1", NULL, FERRY_ERROR_IO, 0 },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    g_autoptr(GError) error = NULL;
    g_autofree char *waiting_for = NULL;
    json_t *reasons = NULL;

    fake->trouble_alias = "ua-gpu1";
    fake->claim = row->claim;
    fake->prepare = row->prepare;
    g_assert_cmpint(make(fake, row->limit_ms, &reasons, &error), ==, row->error < 0);
    if (row->error >= 0)
        g_assert_error(error, FERRY_ERROR, row->error);
    if (row->no != NULL)
        fake_life_assert_reason(reasons, "full", row->no);
    else
        g_assert_null(reasons);
    fake_life_assert_log(fake, row->log);
    g_assert_cmpint(fake->now_ms, ==, row->took_ms);
    waiting_for = ferry_guest_turns_waiting_for(fake->life.turns, FAKE_UUID);
    g_assert_null(waiting_for);
}

/* A claim that was there before the call is not the call's to release. */
static void
test_leaves_what_was_there(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    json_t *reasons = NULL;

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RESERVED, "");
    fake->trouble_alias = "ua-gpu1";
    fake->claim = (FakeTrouble){ -1, -1, false, "full" };
    g_assert_true(make(fake, 0, &reasons, NULL));
    fake_life_assert_reason(reasons, "full", "full");
    fake_life_assert_log(fake, "claim ua-gpu0, prepare 1, claim ua-gpu1");
}

static void
test_undo_that_fails(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    json_t *reasons = NULL;

    fake->trouble_alias = "ua-gpu1";
    fake->claim = (FakeTrouble){ -1, -1, false, "full" };
    fake->release = (FakeTrouble){ -1, FERRY_ERROR_BUSY, false, "in use" };
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*going on without having cleaned up: in use");
    g_assert_true(make(fake, 0, &reasons, NULL));
    g_test_assert_expected_messages();
    fake_life_assert_reason(reasons, "full", "full");
}

static void
test_store_fails(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    g_autoptr(GError) error = NULL;
    json_t *reasons = NULL;

    fake->list = (FakeTrouble){ -1, FERRY_ERROR_CORRUPT, false, "bad" };
    g_assert_false(make(fake, 0, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_CORRUPT);
    fake_life_assert_log(fake, "");
}

static void
test_release(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    g_autoptr(GError) error = NULL;

    fake->live_job = "alive";
    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_IN_USE, "");
    fake_life_add_claim(fake, "ua-gpu1", FERRY_CLAIM_RESERVED, "alive");
    fake_life_add_claim(fake, "ua-net0", FERRY_CLAIM_RESERVED, "dead");
    fake_life_add_claim(fake, "ua-net1", FERRY_CLAIM_RELEASING, "");
    fake->release = (FakeTrouble){ 1, FERRY_ERROR_BUSY, false, "in use" };
    g_assert_false(ferry_managed_release(&fake->life, FAKE_UUID, 1000, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    fake_life_assert_log(fake, "release 1, release 3, release 4"); /* it goes on */
    g_assert_true(ferry_managed_release(&fake->life, FAKE_UUID, 1000, NULL));
    fake_life_assert_log(fake, "release 1");
    g_assert_cmpuint(fake->claims->len, ==, 1); /* the job's */
}

/* C6: the driver still cleans up. */
static void
test_clear_waits(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    json_t *reasons = NULL;

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RELEASING, "");
    fake->release = (FakeTrouble){ 2, FERRY_ERROR_TIMEOUT, false, "the driver cleans up" };
    g_test_expect_message(NULL, G_LOG_LEVEL_MESSAGE, "*waits: the driver cleans up");
    g_assert_true(ferry_managed_clear(&fake->life, FAKE_UUID, 30000, &reasons, NULL));
    g_test_assert_expected_messages();
    g_assert_null(reasons);
    fake_life_assert_log(fake, "release 1, release 1, release 1");
    g_assert_cmpint(fake->now_ms, ==, 500);
}

static void
test_clear_gives_up(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    g_autoptr(GError) error = NULL;
    json_t *reasons = NULL;

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RELEASING, "");
    fake->release = (FakeTrouble){ -1, FERRY_ERROR_BUSY, false, "process 7 has it open" };
    g_assert_true(ferry_managed_clear(&fake->life, FAKE_UUID, 250, &reasons, NULL));
    fake_life_assert_reason(reasons, "still-releasing", "process 7 has it open");
    fake->release.code = FERRY_ERROR_IO;
    reasons = NULL;
    g_assert_false(ferry_managed_clear(&fake->life, FAKE_UUID, 60000, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_null(reasons);
}

typedef struct {
    const char *name;
    int state;
    bool is_away;
    FerryTidy tidy;
    const char *log;
} TidyRow;

/* clang-format off */
static const TidyRow tidies[] = {
    { "running",  1, false, FERRY_TIDY_UP,   "keep 2, release 3" },
    { "paused",   3, false, FERRY_TIDY_UP,   "keep 2, release 3" },
    { "stopping", 4, false, FERRY_TIDY_UP,   "keep 2, release 3" },
    { "off",      5, false, FERRY_TIDY_DONE, "release 1, release 2, release 3" },
    { "crashed",  6, false, FERRY_TIDY_DONE, "release 1, release 2, release 3" },
    { "gone",     0, true,  FERRY_TIDY_DONE, "release 1, release 2, release 3" },
};
/* clang-format on */

static void
test_tidy(gconstpointer data)
{
    const TidyRow *row = data;
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    FerryTidy tidy = FERRY_TIDY_LATER;

    fake->state = row->state;
    fake->is_away = row->is_away;
    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_IN_USE, "");
    fake_life_add_claim(fake, "ua-gpu1", FERRY_CLAIM_RESERVED, "");
    fake_life_add_claim(fake, "ua-net0", FERRY_CLAIM_RELEASING, "");
    g_assert_true(ferry_managed_tidy(&fake->life, FAKE_UUID, 1000, &tidy, NULL));
    g_assert_cmpint(tidy, ==, row->tidy);
    fake_life_assert_log(fake, row->log);
    g_assert_true(ferry_guest_turns_enter(fake->life.turns, FAKE_UUID, 0)); /* it was left */
    ferry_guest_turns_leave(fake->life.turns, FAKE_UUID);
}

static void
take_a_turn(void *data)
{
    FakeLife *fake = data;

    g_assert_true(ferry_guest_turns_enter(fake->life.turns, FAKE_UUID, 0));
    ferry_guest_turns_leave(fake->life.turns, FAKE_UUID);
}

/* "It is down" was true before a hook's prepare came. */
static void
test_tidy_after_a_hook(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    FerryTidy tidy = FERRY_TIDY_DONE;

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RESERVED, "");
    fake->on_look = take_a_turn;
    g_assert_true(ferry_managed_tidy(&fake->life, FAKE_UUID, 1000, &tidy, NULL));
    g_assert_cmpint(tidy, ==, FERRY_TIDY_LATER);
    fake_life_assert_log(fake, "");
}

static void
test_tidy_fails(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(BOTH);
    g_autoptr(GError) error = NULL;
    FerryTidy tidy = FERRY_TIDY_DONE;

    fake->look = (FakeTrouble){ 1, FERRY_ERROR_IO, false, "libvirt is away" };
    g_assert_false(ferry_managed_tidy(&fake->life, FAKE_UUID, 1000, &tidy, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_clear_error(&error);
    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_IN_USE, "");
    fake->release = (FakeTrouble){ 1, FERRY_ERROR_BUSY, false, "in use" };
    g_assert_false(ferry_managed_tidy(&fake->life, FAKE_UUID, 1000, &tidy, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpint(tidy, ==, FERRY_TIDY_DONE); /* untouched */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/managed/make/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(tidies); i++) {
        g_autofree char *path = g_strconcat("/managed/tidy/", tidies[i].name, NULL);
        g_test_add_data_func(path, &tidies[i], test_tidy);
    }
    g_test_add_func("/managed/make", test_make);
    g_test_add_func("/managed/only-managed", test_only_managed);
    g_test_add_func("/managed/no-such-device", test_no_such_device);
    g_test_add_func("/managed/leaves-what-was-there", test_leaves_what_was_there);
    g_test_add_func("/managed/undo-that-fails", test_undo_that_fails);
    g_test_add_func("/managed/store-fails", test_store_fails);
    g_test_add_func("/managed/release", test_release);
    g_test_add_func("/managed/clear-waits", test_clear_waits);
    g_test_add_func("/managed/clear-gives-up", test_clear_gives_up);
    g_test_add_func("/managed/tidy/after-a-hook", test_tidy_after_a_hook);
    g_test_add_func("/managed/tidy/fails", test_tidy_fails);
    return g_test_run();
}
