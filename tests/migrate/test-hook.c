#include "migrate/hook.h"

#include "fake-life.h"

#define GPU FAKE_XML(FAKE_GPU0)

static bool
answer(FakeLife *fake, const char *operation, json_t **ret_reasons, GError **error)
{
    const FerryHookCall call = { operation, "web", "-", fake->xml };

    return ferry_hook_answer(&fake->life, &call, ret_reasons, error);
}

typedef struct {
    const char *name;
    const char *operation;
    const char *job;      /* (nullable) that holds the guest */
    bool is_starting;     /* ferry guest start is at it */
    bool has_left_behind; /* a claim of an earlier run */
    FakeTrouble admit, claim, release;
    const char *log;
    const char *no; /* (nullable) */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "prepare", "prepare", NULL, false, false, { 0 }, { 0 }, { 0 }, "admit web, claim ua-gpu0, prepare 1", NULL },
    { "inside-our-start", "prepare", NULL, true, true, { 0 }, { 0 }, { 0 }, "claim ua-gpu0, prepare 1", NULL },
    { "leftovers-first", "prepare", NULL, false, true, { 0 }, { 0 }, { 0 }, "release 1, admit web, claim ua-gpu0, prepare 2", NULL },
    { "no-vf", "prepare", NULL, false, false, { -1, -1, false, "no VF" }, { 0 }, { 0 }, "admit web", "no VF" },
    { "no-slot", "prepare", NULL, false, false, { 0 }, { -1, -1, false, "no slot" }, { 0 }, "admit web, claim ua-gpu0", "no slot" },
    { "job-prepares", "prepare", "j1", false, true, { 0 }, { 0 }, { 0 }, "", NULL },
    { "start", "start", NULL, false, true, { 0 }, { 0 }, { 0 }, "admit web", NULL },
    { "start-no-vf", "start", NULL, false, false, { -1, -1, false, "no VF" }, { 0 }, { 0 }, "admit web", "no VF" },
    { "start-of-ours", "start", NULL, true, false, { -1, -1, false, "no VF" }, { 0 }, { 0 }, "", NULL },
    { "release", "release", NULL, false, true, { 0 }, { 0 }, { 0 }, "release 1", NULL },
    { "release-nothing", "release", NULL, false, false, { 0 }, { 0 }, { 0 }, "", NULL },
    { "job-releases", "release", "j1", false, true, { 0 }, { 0 }, { 0 }, "", NULL },
    { "migrate", "migrate", NULL, false, true, { 0 }, { 0 }, { 0 }, "", NULL },
    { "migrate-of-a-job", "migrate", "j1", false, true, { 0 }, { 0 }, { 0 }, "", "it was not reserved" },
    { "stopped", "stopped", NULL, false, true, { 0 }, { 0 }, { 0 }, "", NULL },
    { "unknown", "", NULL, false, true, { 0 }, { 0 }, { 0 }, "", NULL },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(GError) error = NULL;
    json_t *reasons = NULL;

    fake->job = row->job;
    fake->admit = row->admit;
    fake->claim = row->claim;
    fake->release = row->release;
    if (row->has_left_behind)
        fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_IN_USE, "");
    if (row->is_starting)
        g_assert_true(ferry_guest_turns_begin_start(fake->life.turns, FAKE_UUID));
    g_assert_true(answer(fake, row->operation, &reasons, &error));
    g_assert_no_error(error);
    if (row->no != NULL)
        fake_life_assert_reason(reasons, "full", row->no);
    else
        g_assert_null(reasons);
    fake_life_assert_log(fake, row->log);
}

/* The device of the last run hangs: within libvirt's patience, with the reason. */
static void
test_waits_for_leftovers(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    json_t *reasons = NULL;

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RELEASING, "");
    fake->release = (FakeTrouble){ -1, FERRY_ERROR_BUSY, false, "process 7 has it open" };
    g_assert_true(answer(fake, "prepare", &reasons, NULL));
    fake_life_assert_reason(reasons, "still-releasing", "process 7 has it open");
    g_assert_cmpint(fake->now_ms, >, 15000);
    g_assert_cmpint(fake->now_ms, <, 25000);
    g_assert_cmpuint(fake->claims->len, ==, 1);
}

/* Another start or stop of it does not end within libvirt's patience. */
static void
test_waits_for_its_turn(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    json_t *reasons = NULL;

    fake->life.hook_turn_ms = 1;
    g_assert_true(ferry_guest_turns_enter(fake->life.turns, FAKE_UUID, 0));
    g_assert_true(ferry_guest_turns_say(fake->life.turns, FAKE_UUID, "the reset of ua-gpu0"));
    g_assert_true(answer(fake, "prepare", &reasons, NULL));
    fake_life_assert_reason(reasons, "in-progress",
                            "guest web: another start or stop of it goes on and waits: the reset "
                            "of ua-gpu0");
    fake_life_assert_log(fake, "");
    ferry_guest_turns_leave(fake->life.turns, FAKE_UUID);
}

static void
test_bad_xml(void)
{
    static const char *const xmls[] = { "", "<domain/>", FAKE_XML("<ferry:gpu/>") };

    for (size_t i = 0; i < G_N_ELEMENTS(xmls); i++) {
        g_autoptr(FakeLife) fake = fake_life_new(xmls[i]);
        g_autoptr(GError) error = NULL;
        json_t *reasons = NULL;

        g_assert_false(answer(fake, "prepare", &reasons, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_INVALID);
        fake_life_assert_log(fake, "");
    }
}

static void
test_release_fails(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(GError) error = NULL;
    json_t *reasons = NULL;

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_IN_USE, "");
    fake->release = (FakeTrouble){ -1, FERRY_ERROR_TIMEOUT, false, "slow" };
    g_assert_false(answer(fake, "release", &reasons, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_true(ferry_guest_turns_enter(fake->life.turns, FAKE_UUID, 0)); /* it was left */
    ferry_guest_turns_leave(fake->life.turns, FAKE_UUID);
}

static void
test_without_hybrids(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    json_t *reasons = NULL;

    fake->life.hybrids = NULL;
    g_assert_true(answer(fake, "prepare", &reasons, NULL));
    g_assert_true(answer(fake, "start", &reasons, NULL));
    g_assert_null(reasons);
    fake_life_assert_log(fake, "claim ua-gpu0, prepare 1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/hook/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/hook/waits-for-leftovers", test_waits_for_leftovers);
    g_test_add_func("/hook/waits-for-its-turn", test_waits_for_its_turn);
    g_test_add_func("/hook/bad-xml", test_bad_xml);
    g_test_add_func("/hook/release-fails", test_release_fails);
    g_test_add_func("/hook/without-hybrids", test_without_hybrids);
    return g_test_run();
}
