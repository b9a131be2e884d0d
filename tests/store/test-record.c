#include "store/record.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"

static void
test_names_are_inverses(void)
{
    for (unsigned i = 0; i < FERRY_RECORD_N_KINDS; i++) {
        FerryRecordKind kind = FERRY_RECORD_N_KINDS;

        g_assert_true(ferry_record_kind_parse(ferry_record_kind_name((FerryRecordKind)i), &kind));
        g_assert_cmpuint(kind, ==, i);
    }
}

static void
test_parse_refuses(void)
{
    static const char *const names[] = { "", "planned", "PLANNED ", "ABORTED+", "None" };
    FerryRecordKind kind = FERRY_RECORD_LOST;

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_false(ferry_record_kind_parse(names[i], &kind));
    g_assert_cmpuint(kind, ==, FERRY_RECORD_LOST);
}

/* Which side writes which record: section 4 of docs/handover.md. */
static const struct {
    FerrySide side;
    FerryRecordKind kind;
} writes[] = {
    { FERRY_SIDE_SOURCE, FERRY_RECORD_PLANNED },   { FERRY_SIDE_SOURCE, FERRY_RECORD_DETACH },
    { FERRY_SIDE_SOURCE, FERRY_RECORD_TRANSFER },  { FERRY_SIDE_SOURCE, FERRY_RECORD_HANDOFF },
    { FERRY_SIDE_SOURCE, FERRY_RECORD_COMMITTED }, { FERRY_SIDE_SOURCE, FERRY_RECORD_ABORTED },
    { FERRY_SIDE_SOURCE, FERRY_RECORD_DONE },      { FERRY_SIDE_TARGET, FERRY_RECORD_RESERVED },
    { FERRY_SIDE_TARGET, FERRY_RECORD_PREPARED },  { FERRY_SIDE_TARGET, FERRY_RECORD_COMMIT },
    { FERRY_SIDE_TARGET, FERRY_RECORD_RUNNING },   { FERRY_SIDE_TARGET, FERRY_RECORD_LOST },
    { FERRY_SIDE_TARGET, FERRY_RECORD_ABORTED },   { FERRY_SIDE_TARGET, FERRY_RECORD_DONE },
    { FERRY_SIDE_SOURCE, FERRY_RECORD_RESOLVED },  { FERRY_SIDE_TARGET, FERRY_RECORD_RESOLVED },
};

typedef void (*CrashFunc)(FerrySide side, FerryRecordKind kind);

static void
assert_dies_at(const char *point, CrashFunc func, FerrySide side, FerryRecordKind kind)
{
    int status = 0;
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        g_setenv("FERRY_CRASH_AT", point, TRUE);
        func(side, kind);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status));
    g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
}

/* Each record has both points, and there is no point without a record. */
static void
test_crash_points(void)
{
    g_assert_cmpuint(2 * G_N_ELEMENTS(writes), ==, FERRY_CRASH_D_CLAIM_AFTER);
    for (size_t i = 0; i < G_N_ELEMENTS(writes); i++) {
        char letter = writes[i].side == FERRY_SIDE_SOURCE ? 'S' : 'T';
        const char *name = ferry_record_kind_name(writes[i].kind);
        g_autofree char *before = g_strdup_printf("%c.%s.before", letter, name);
        g_autofree char *after = g_strdup_printf("%c.%s.after", letter, name);

        assert_dies_at(before, ferry_record_crash_before, writes[i].side, writes[i].kind);
        assert_dies_at(after, ferry_record_crash_after, writes[i].side, writes[i].kind);
        ferry_record_crash_before(writes[i].side, writes[i].kind); /* nobody asked: lives */
        ferry_record_crash_after(writes[i].side, writes[i].kind);
    }
}

static void
test_side_names(void)
{
    g_assert_cmpstr(ferry_side_name(FERRY_SIDE_SOURCE), ==, "source");
    g_assert_cmpstr(ferry_side_name(FERRY_SIDE_TARGET), ==, "target");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/names-are-inverses", test_names_are_inverses);
    g_test_add_func("/record/parse-refuses", test_parse_refuses);
    g_test_add_func("/record/crash-points", test_crash_points);
    g_test_add_func("/record/side-names", test_side_names);
    return g_test_run();
}
