/* What one half of a relay knows, step by step: the words below are done one after the other. */
#include "migrate/standing.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#define NOW_MS 42

typedef struct {
    const char *name;
    const char *steps; /* open, finish, reply, over, seal, release, gone, cut, close */
    FerryRelayState state;
    bool holds;
    bool may_release;
    bool lets_finish_by; /* when it is asked after all this */
} Row;

/* clang-format off */
static const Row rows[] = {
    { "new", "", FERRY_RELAY_NEW, false, false, true },
    { "open", "open", FERRY_RELAY_OPEN, false, false, true },
    { "held", "open finish", FERRY_RELAY_HELD, true, false, true },
    { "held-twice", "open finish finish", FERRY_RELAY_HELD, true, false, true },
    { "reply", "open finish reply", FERRY_RELAY_REPLY, true, false, true },
    { "finish-again-with-a-reply", "open finish reply finish", FERRY_RELAY_REPLY, true, false, true },
    { "sealed", "open seal", FERRY_RELAY_OPEN, false, false, false },
    { "finish-after-seal", "open seal finish", FERRY_RELAY_OPEN, false, false, false },
    { "seal-after-finish", "open finish seal", FERRY_RELAY_HELD, true, false, true },
    { "release-before-reply", "open finish release", FERRY_RELAY_HELD, true, false, true },
    { "release-before-finish", "open release", FERRY_RELAY_OPEN, false, false, true },
    { "release-that-came-too-early", "open finish release reply", FERRY_RELAY_REPLY, true, false, true },
    { "release", "open finish reply release", FERRY_RELAY_REPLY, true, true, true },
    { "released", "open finish reply release gone", FERRY_RELAY_REPLY, false, false, true },
    { "released-once", "open finish reply release gone release", FERRY_RELAY_REPLY, false, false, true },
    { "cut-new", "cut", FERRY_RELAY_NONE, false, false, true },
    { "cut-open", "open cut", FERRY_RELAY_NONE, false, false, true },
    { "cut-held", "open finish cut", FERRY_RELAY_NONE, false, false, true },
    { "cut-before-release", "open finish reply cut release", FERRY_RELAY_NONE, false, false, true },
    { "cut-after-release", "open finish reply release cut", FERRY_RELAY_NONE, false, false, true },
    { "no-reply-after-cut", "open finish cut reply", FERRY_RELAY_NONE, false, false, true },
    { "over-in-the-hold", "open finish reply over", FERRY_RELAY_NONE, false, false, true },
    { "closed", "open finish reply close", FERRY_RELAY_NONE, false, false, true },
};
/* clang-format on */

static void
do_step(FerryStanding *standing, const char *step, const int *fds)
{
    if (g_str_equal(step, "open"))
        g_assert_cmpint(ferry_standing_open(standing, fds[0], fds[1]), ==, 0);
    else if (g_str_equal(step, "finish"))
        (void)ferry_standing_hold(standing, NOW_MS);
    else if (g_str_equal(step, "reply"))
        ferry_standing_set_state(standing, FERRY_RELAY_REPLY);
    else if (g_str_equal(step, "over"))
        ferry_standing_set_state(standing, FERRY_RELAY_NONE);
    else if (g_str_equal(step, "seal"))
        (void)ferry_standing_seal(standing);
    else if (g_str_equal(step, "release"))
        ferry_standing_ask_release(standing);
    else if (g_str_equal(step, "gone"))
        ferry_standing_set_released(standing);
    else if (g_str_equal(step, "cut"))
        ferry_standing_cut(standing);
    else if (g_str_equal(step, "close"))
        ferry_standing_close(standing);
    else
        g_assert_not_reached();
}

static bool
is_at_end(int fd)
{
    char byte = 0;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    g_auto(GStrv) steps = g_strsplit(row->steps, " ", -1);
    FerryStanding standing;
    int near[2], far[2];
    bool opens = g_str_has_prefix(row->steps, "open");

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, near), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, far), ==, 0);
    ferry_standing_init(&standing);
    for (size_t i = 0; steps[i] != NULL; i++)
        do_step(&standing, steps[i], (const int[]){ near[0], far[0] });

    g_assert_cmpint(ferry_standing_look(&standing).state, ==, row->state);
    g_assert_cmpint(ferry_standing_look(&standing).holding, ==, row->holds);
    g_assert_cmpint(ferry_standing_look(&standing).may_release, ==, row->may_release);
    g_assert_cmpint(ferry_standing_look(&standing).cut, ==, strstr(row->steps, "cut") != NULL);
    g_assert_cmpint(is_at_end(near[1]) && is_at_end(far[1]), ==,
                    opens && (strstr(row->steps, "cut") || strstr(row->steps, "close")));
    g_assert_cmpint(ferry_standing_hold(&standing, NOW_MS + 1), ==, row->lets_finish_by);
    if (strstr(row->steps, "finish") != NULL && row->lets_finish_by) /* of the first time */
        g_assert_cmpint(ferry_standing_look(&standing).held_ms, ==, NOW_MS);
    g_assert_cmpint(ferry_standing_seal(&standing), ==,
                    ferry_standing_look(&standing).held_ms == 0);

    ferry_standing_clear(&standing);
    if (!opens) {
        (void)close(near[0]);
        (void)close(far[0]);
    }
    g_assert_true(is_at_end(near[1]) && is_at_end(far[1]));
    (void)close(near[1]);
    (void)close(far[1]);
}

/* What wakes the thread: a release that counts, and each cut. */
static void
test_wakes(void)
{
    static const struct {
        const char *steps;
        bool wakes;
    } wakings[] = {
        { "open finish release", false },
        { "open finish reply release", true },
        { "open cut", true },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wakings); i++) {
        g_auto(GStrv) steps = g_strsplit(wakings[i].steps, " ", -1);
        FerryStanding standing;
        uint64_t times = 0;
        ssize_t n = 0;

        ferry_standing_init(&standing);
        g_assert_cmpint(ferry_standing_fd(&standing, FERRY_END_WAKE), ==, -1);
        for (size_t j = 0; steps[j] != NULL; j++)
            do_step(&standing, steps[j], (const int[]){ -1, -1 });
        n = read(ferry_standing_fd(&standing, FERRY_END_WAKE), &times, sizeof(times));
        g_assert_cmpint(n, ==, wakings[i].wakes ? (ssize_t)sizeof(times) : -1);
        ferry_standing_clear(&standing);
    }
}

static void
test_near_comes_later(void)
{
    FerryStanding standing;
    int ends[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    ferry_standing_init(&standing);
    g_assert_cmpint(ferry_standing_open(&standing, -1, -1), ==, 0);
    g_assert_cmpint(ferry_standing_fd(&standing, FERRY_END_NEAR), ==, -1);
    ferry_standing_set_near(&standing, ends[0]);
    g_assert_cmpint(ferry_standing_fd(&standing, FERRY_END_NEAR), ==, ends[0]);
    ferry_standing_cut(&standing);
    g_assert_true(is_at_end(ends[1]));
    ferry_standing_clear(&standing);
    (void)close(ends[1]);
}

static void
test_breach(void)
{
    FerryStanding standing;

    ferry_standing_init(&standing);
    g_assert_null(ferry_standing_look(&standing).breach);
    g_assert_false(ferry_standing_look(&standing).far_broken);
    ferry_standing_set_breach(&standing, g_strdup("the first"));
    ferry_standing_set_breach(&standing, g_strdup("the second"));
    g_assert_cmpstr(ferry_standing_look(&standing).breach, ==, "the first");
    ferry_standing_set_far_broken(&standing);
    g_assert_true(ferry_standing_look(&standing).far_broken);
    ferry_standing_clear(&standing);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/standing/steps/", rows[i].name, NULL);

        g_test_add_data_func(path, &rows[i], test_row);
    }
    g_test_add_func("/standing/wakes", test_wakes);
    g_test_add_func("/standing/near-comes-later", test_near_comes_later);
    g_test_add_func("/standing/breach", test_breach);
    return g_test_run();
}
