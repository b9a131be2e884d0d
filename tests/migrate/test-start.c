#include "migrate/start.h"

#include <string.h>

#include "fake-life.h"

#define GPU FAKE_XML(FAKE_GPU0)

typedef struct {
    const char *name;
    int state;
    bool has_hook;
    FerryStartExtent extent;
    FakeTrouble claim, before_start, start;
    const char *create_xml; /* (nullable): hybrids want another XML */
    const char *log;
    const char *no;    /* (nullable): the reason's message */
    const char *error; /* (nullable) */
} StartRow;

#define OK                                                                                         \
    {                                                                                              \
        0                                                                                          \
    }

/* clang-format off */
static const StartRow starts[] = {
    { "without-hook", 5, false, FERRY_START_WHOLE, OK, OK, OK, NULL, "xml inactive, claim ua-gpu0, prepare 1, hybrids web, start, keep 1", NULL, NULL },
    { "with-hook", 5, true, FERRY_START_WHOLE, OK, OK, OK, NULL, "xml inactive, claim ua-gpu0, prepare 1, hybrids web, start, claim ua-gpu0, prepare 1, keep 1", NULL, NULL },
    { "hybrid", 5, false, FERRY_START_WHOLE, OK, OK, OK, "<domain/>", "xml inactive, claim ua-gpu0, prepare 1, hybrids web, create, keep 1", NULL, NULL },
    { "degraded", 5, false, FERRY_START_DEGRADED, OK, OK, OK, NULL, "xml inactive, claim ua-gpu0, prepare 1, some-hybrids web, start, keep 1", NULL, NULL },
    { "already", 1, false, FERRY_START_WHOLE, OK, OK, OK, NULL, "", NULL, NULL },
    { "no-slot", 5, false, FERRY_START_WHOLE, { -1, -1, false, "no slot" }, OK, OK, NULL, "xml inactive, claim ua-gpu0", "no slot", NULL },
    { "no-vf", 5, false, FERRY_START_WHOLE, OK, { -1, -1, false, "no VF" }, OK, NULL, "xml inactive, claim ua-gpu0, prepare 1, hybrids web, release 1", "no VF", NULL },
    { "no-pool", 5, false, FERRY_START_WHOLE, { -1, FERRY_ERROR_NOT_FOUND, false, "no pool" }, OK, OK, NULL, "xml inactive, claim ua-gpu0", NULL, "no pool" },
    { "libvirt-fails", 5, false, FERRY_START_WHOLE, OK, OK, { -1, FERRY_ERROR_IO, false, "QEMU says no" }, NULL, "xml inactive, claim ua-gpu0, prepare 1, hybrids web, start, release 1", NULL, "QEMU says no" },
    { "libvirt-fails-with-hook", 5, true, FERRY_START_WHOLE, OK, OK, { -1, FERRY_ERROR_IO, false, "QEMU says no" }, NULL, "xml inactive, claim ua-gpu0, prepare 1, hybrids web, start, claim ua-gpu0, prepare 1, release 1", NULL, "QEMU says no" },
};
/* clang-format on */

static void
test_start(gconstpointer data)
{
    const StartRow *row = data;
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(GError) error = NULL;
    json_t *answer = NULL, *reasons = NULL;
    bool ok = false;

    fake->state = row->state;
    fake->has_hook = row->has_hook;
    fake->claim = row->claim;
    fake->before_start = row->before_start;
    fake->start = row->start;
    fake->create_xml = row->create_xml;
    ok = ferry_start_guest(&fake->life, "web", row->extent, 30000, &answer, &reasons, &error);
    g_assert_cmpstr(error != NULL ? error->message : NULL, ==, row->error);
    g_assert_cmpint(ok, ==, row->error == NULL);
    fake_life_assert_log(fake, row->log);
    g_assert_cmpint(answer != NULL, ==, row->error == NULL && row->no == NULL);
    if (row->no != NULL)
        fake_life_assert_reason(reasons, "full", row->no);
    else
        g_assert_null(reasons);
    if (answer != NULL) {
        g_assert_cmpstr(json_string_value(json_object_get(answer, "state")), ==, "running");
        g_assert_cmpint(json_is_true(json_object_get(answer, "already")), ==, row->state == 1);
        g_assert_cmpuint(json_array_size(json_object_get(answer, "degraded")), ==,
                         row->extent == FERRY_START_DEGRADED);
        json_decref(answer);
    } else {
        g_assert_cmpuint(fake->claims->len, ==, 0); /* nothing is left */
    }
    g_assert_cmpstr(fake->created, ==, row->create_xml);
    g_assert_false(ferry_guest_turns_is_starting(fake->life.turns, FAKE_UUID));
}

/* Somebody else's start has won while ours failed: its devices stay. */
static void
test_start_lost_the_race(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(GError) error = NULL;
    json_t *answer = NULL, *reasons = NULL;

    fake->start = (FakeTrouble){ -1, FERRY_ERROR_IO, false, "no" };
    fake->is_raced = true;
    g_assert_false(
        ferry_start_guest(&fake->life, "web", FERRY_START_WHOLE, 0, &answer, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
    g_assert_cmpuint(fake->claims->len, ==, 1);
}

/* C6: stopped and started again at once. */
static void
test_start_waits_for_leftovers(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    json_t *answer = NULL, *reasons = NULL;

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RELEASING, "");
    fake->release = (FakeTrouble){ 4, FERRY_ERROR_TIMEOUT, false, "the driver cleans up" };
    g_assert_true(
        ferry_start_guest(&fake->life, "web", FERRY_START_WHOLE, 30000, &answer, &reasons, NULL));
    g_assert_null(reasons);
    g_assert_cmpint(json_integer_value(json_object_get(answer, "elapsed_ms")), ==, 1000);
    json_decref(answer);
}

static void
assert_busy(FakeLife *fake, const char *message)
{
    json_t *answer = NULL, *reasons = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(
        ferry_start_guest(&fake->life, "web", FERRY_START_WHOLE, 0, &answer, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    g_assert_cmpstr(error->message, ==, message);
    fake_life_assert_log(fake, "");
}

static void
test_start_of_a_job(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);

    fake->job = "j1";
    assert_busy(fake, "guest web is in job j1, and the other host may run it: see \"ferry job show "
                      "j1\"");
}

static void
test_start_twice(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);

    g_assert_true(ferry_guest_turns_begin_start(fake->life.turns, FAKE_UUID));
    assert_busy(fake, "guest web is being started already");
    (void)ferry_guest_turns_say(fake->life.turns, FAKE_UUID, "the driver");
    assert_busy(fake, "guest web is being started already, which waits: the driver");
    g_assert_true(ferry_guest_turns_is_starting(fake->life.turns, FAKE_UUID)); /* the first one's */
}

static void
test_unknown_guest(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(GError) error = NULL;
    json_t *answer = NULL, *reasons = NULL;

    g_assert_false(
        ferry_start_guest(&fake->life, "wep", FERRY_START_WHOLE, 0, &answer, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND);
    g_assert_cmpstr(error->message, ==, "there is no guest wep here: see \"ferry guest list\"");
}

typedef struct {
    const char *name;
    int state;
    bool has_hook, obeys;
    FerryStopManner manner;
    FakeTrouble release;
    const char *log;
    const char *no;   /* (nullable) */
    const char *left; /* (nullable) */
} StopRow;

/* clang-format off */
static const StopRow stops[] = {
    { "obeys",          1, true,  true,  FERRY_STOP_ASK,   OK, "shutdown, release 1", NULL, NULL },
    { "without-hook",   1, false, true,  FERRY_STOP_ASK,   OK, "shutdown, release 1", NULL, NULL },
    { "force",          1, true,  false, FERRY_STOP_FORCE, OK, "destroy, release 1", NULL, NULL },
    { "does-not-obey",  1, true,  false, FERRY_STOP_ASK,   OK, "shutdown", "guest web was asked to shut down and still runs after 60 s", NULL },
    { "is-down",        5, true,  false, FERRY_STOP_ASK,   OK, "release 1", NULL, NULL },
    { "device-hangs",   1, false, false, FERRY_STOP_FORCE, { -1, FERRY_ERROR_BUSY, false, "process 7 has it open" }, "destroy, release 1", NULL, "process 7 has it open" },
};
/* clang-format on */

static void
test_stop(gconstpointer data)
{
    const StopRow *row = data;
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(GError) error = NULL;
    json_t *answer = NULL, *reasons = NULL;

    fake->state = row->state;
    fake->has_hook = row->has_hook;
    fake->obeys = row->obeys;
    fake->release = row->release;
    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_IN_USE, "");
    g_assert_true(
        ferry_stop_guest(&fake->life, "web", row->manner, 60000, &answer, &reasons, &error));
    fake_life_assert_log(fake, row->log);
    if (row->no != NULL) {
        fake_life_assert_reason(reasons, "still-running", row->no);
        g_assert_null(answer);
        return;
    }
    g_assert_null(reasons);
    g_assert_cmpstr(json_string_value(json_object_get(answer, "state")), ==, "shut off");
    g_assert_cmpint(json_is_true(json_object_get(answer, "already")), ==, row->state == 5);
    g_assert_cmpstr(json_string_value(json_object_get(answer, "left")), ==, row->left);
    json_decref(answer);
}

static void
test_stop_of_a_job(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(GError) error = NULL;
    json_t *answer = NULL, *reasons = NULL;

    fake->state = 1;
    fake->job = "j1";
    g_assert_false(
        ferry_stop_guest(&fake->life, "web", FERRY_STOP_FORCE, 0, &answer, &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_BUSY);
    fake_life_assert_log(fake, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(starts); i++) {
        g_autofree char *path = g_strconcat("/start/", starts[i].name, NULL);
        g_test_add_data_func(path, &starts[i], test_start);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(stops); i++) {
        g_autofree char *path = g_strconcat("/stop/", stops[i].name, NULL);
        g_test_add_data_func(path, &stops[i], test_stop);
    }
    g_test_add_func("/start/lost-the-race", test_start_lost_the_race);
    g_test_add_func("/start/waits-for-leftovers", test_start_waits_for_leftovers);
    g_test_add_func("/start/of-a-job", test_start_of_a_job);
    g_test_add_func("/start/twice", test_start_twice);
    g_test_add_func("/start/unknown-guest", test_unknown_guest);
    g_test_add_func("/stop/of-a-job", test_stop_of_a_job);
    return g_test_run();
}
