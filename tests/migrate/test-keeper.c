#include "migrate/keeper.h"

#include "fake-life.h"

#define GPU FAKE_XML(FAKE_GPU0)
#define HYBRID                                                                                     \
    FAKE_XML("<ferry:hybrid alias='ua-net0' pool='p' vf-alias='ua-net0-vf' "                       \
             "vf-address='0000:07:00.0'/>")

typedef struct {
    const char *name;
    int state;
    const char *xml;
    const char *job;
    bool is_starting;
    FakeTrouble look, release, list, hybrid_look;
    unsigned again_ms; /* what the hybrids want */
    const char *log;
    unsigned next_ms;
} Row;

#define OK                                                                                         \
    {                                                                                              \
        0                                                                                          \
    }
#define FAILS                                                                                      \
    {                                                                                              \
        -1, FERRY_ERROR_NOT_FOUND, false, "x"                                                      \
    } /* a code that it does not log */
#define IDLE_MS  30000
#define LATER_MS 500

/* clang-format off */
static const Row rows[] = {
    { "down", 5, GPU, NULL, false, OK, OK, OK, OK, 0, "release 1", IDLE_MS },
    { "up", 1, GPU, NULL, false, OK, OK, OK, OK, 0, "keep 1, xml live", IDLE_MS },
    { "job", 5, GPU, "j1", false, OK, OK, OK, OK, 0, "", LATER_MS },
    { "starting", 5, GPU, NULL, true, OK, OK, OK, OK, 0, "", LATER_MS },
    { "device-hangs", 5, GPU, NULL, false, OK, FAILS, OK, OK, 0, "release 1", 2000 },
    { "libvirt-away", 5, GPU, NULL, false, FAILS, OK, OK, OK, 0, "", 2000 },
    { "store-fails", 5, GPU, NULL, false, OK, OK, FAILS, OK, 0, "", 2000 },
    { "hybrid", 1, HYBRID, NULL, false, OK, OK, OK, OK, 0, "keep 1, xml live, look web", IDLE_MS },
    { "hybrid-again", 1, HYBRID, NULL, false, OK, OK, OK, OK, 700, "keep 1, xml live, look web", 700 },
    { "hybrid-fails", 1, HYBRID, NULL, false, OK, OK, OK, FAILS, 0, "keep 1, xml live, look web", 2000 },
    { "hybrid-of-a-job", 1, HYBRID, "j1", false, OK, OK, OK, OK, 0, "", LATER_MS },
    { "hybrid-down", 5, HYBRID, NULL, false, OK, OK, OK, OK, 0, "release 1", IDLE_MS },
    { "bad-xml", 1, "<domain>", NULL, false, OK, OK, OK, OK, 0, "keep 1, xml live", IDLE_MS },
};
/* clang-format on */

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(FakeLife) fake = fake_life_new(row->xml);
    g_autoptr(FerryKeeper) keeper = ferry_keeper_new(&fake->life);

    fake->state = row->state;
    fake->job = row->job;
    fake->look = row->look;
    fake->release = row->release;
    fake->list = row->list;
    fake->hybrid_look = row->hybrid_look;
    fake->again_ms = row->again_ms;
    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RESERVED, "");
    if (row->is_starting)
        g_assert_true(ferry_guest_turns_begin_start(fake->life.turns, FAKE_UUID));
    g_assert_cmpuint(ferry_keeper_look(keeper), ==, row->next_ms);
    fake_life_assert_log(fake, row->log);
}

/* A claim that a person made is no guest's. */
static void
test_persons_claim(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(FerryKeeper) keeper = ferry_keeper_new(&fake->life);
    FerryClaimRow *claim = NULL;

    fake_life_add_claim(fake, "x", FERRY_CLAIM_RESERVED, "");
    claim = g_ptr_array_index(fake->claims, 0);
    g_free(claim->guest_uuid);
    claim->guest_uuid = g_strdup("");
    (void)ferry_keeper_look(keeper);
    fake_life_assert_log(fake, "");
}

static void
test_reads_once_an_event(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(HYBRID);
    g_autoptr(FerryKeeper) keeper = ferry_keeper_new(&fake->life);

    fake->state = 1;
    (void)ferry_keeper_look(keeper);
    fake_life_assert_log(fake, "xml live, look web");
    (void)ferry_keeper_look(keeper);
    fake_life_assert_log(fake, "look web");
    fake->events++;
    (void)ferry_keeper_look(keeper);
    fake_life_assert_log(fake, "xml live, look web");
    fake->state = 5; /* forgotten with its end */
    (void)ferry_keeper_look(keeper);
    fake_life_assert_log(fake, "");
    fake->state = 1;
    (void)ferry_keeper_look(keeper);
    fake_life_assert_log(fake, "xml live, look web");
}

static void
take_a_turn(void *data)
{
    FakeLife *fake = data;

    g_assert_true(ferry_guest_turns_enter(fake->life.turns, FAKE_UUID, 0));
    ferry_guest_turns_leave(fake->life.turns, FAKE_UUID);
}

static void
test_comes_back_after_a_hook(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(FerryKeeper) keeper = ferry_keeper_new(&fake->life);

    fake->on_look = take_a_turn;
    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RESERVED, "");
    g_assert_cmpuint(ferry_keeper_look(keeper), ==, LATER_MS);
    fake_life_assert_log(fake, "");
    fake->on_look = NULL;
    (void)ferry_keeper_look(keeper);
    fake_life_assert_log(fake, "release 1");
}

/* The end of a job is no event. */
static void
test_comes_back_after_a_job(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(HYBRID);
    g_autoptr(FerryKeeper) keeper = ferry_keeper_new(&fake->life);

    fake->state = 1;
    fake->job = "j1";
    g_assert_cmpuint(ferry_keeper_look(keeper), ==, LATER_MS);
    fake_life_assert_log(fake, "");
    fake->job = NULL;
    (void)ferry_keeper_look(keeper);
    fake_life_assert_log(fake, "xml live, look web");
}

static void
test_complains_once(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    g_autoptr(FerryKeeper) keeper = ferry_keeper_new(&fake->life);

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_RELEASING, "");
    fake->release = (FakeTrouble){ 3, FERRY_ERROR_BUSY, false, "process 7 has it open" };
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*process 7 has it open; trying again");
    for (int i = 0; i < 3; i++)
        (void)ferry_keeper_look(keeper);
    g_test_assert_expected_messages(); /* a second one would have been fatal */
    (void)ferry_keeper_look(keeper);
    g_assert_cmpuint(fake->claims->len, ==, 0);
}

static void
test_thread(void)
{
    g_autoptr(FakeLife) fake = fake_life_new(GPU);
    FerryKeeper *keeper = ferry_keeper_new(&fake->life);

    fake_life_add_claim(fake, "ua-gpu0", FERRY_CLAIM_IN_USE, "");
    g_assert_true(ferry_keeper_start(keeper, NULL));
    g_assert_true(fake_life_await_look(fake));
    g_assert_true(ferry_keeper_stop(keeper, 60000));
    ferry_keeper_free(keeper); /* the thread has ended, so the claims are ours to look at */
    g_assert_cmpuint(fake->claims->len, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/keeper/", rows[i].name, NULL);
        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/keeper/persons-claim", test_persons_claim);
    g_test_add_func("/keeper/reads-once-an-event", test_reads_once_an_event);
    g_test_add_func("/keeper/comes-back-after-a-hook", test_comes_back_after_a_hook);
    g_test_add_func("/keeper/comes-back-after-a-job", test_comes_back_after_a_job);
    g_test_add_func("/keeper/complains-once", test_complains_once);
    g_test_add_func("/keeper/thread", test_thread);
    return g_test_run();
}
