#include "api/connections.h"

#include <sys/socket.h>

#include "base/file.h"

#define ENOUGH_MS 20000
#define NEVER_MS  3600000

static FerryConnections *
new_connections(int64_t arriving_ms, int64_t sending_ms, int64_t idle_ms)
{
    const FerryConnectionLimits limits = { .phase_ms = { arriving_ms, sending_ms, idle_ms },
                                           .max_strangers = 3,
                                           .max_strangers_one = 2 };
    FerryConnections *self = ferry_connections_new(&limits, NULL);

    g_assert_nonnull(self);
    return self;
}

/* One connection; the caller's end sees EOF when it is shut down. */
typedef struct {
    FerryConnection *entry;
    int ours, theirs;
} Line;

static Line
line_open(FerryConnections *connections, const char *address)
{
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    return (Line){ ferry_connections_add(connections, address, pair[0]), pair[0], pair[1] };
}

static void
line_close(FerryConnections *connections, Line *line)
{
    ferry_connections_remove(connections, line->entry);
    ferry_fd_clear(&line->ours);
    ferry_fd_clear(&line->theirs);
}

static void
assert_shut(const Line *line)
{
    char byte = 0;

    g_assert_cmpint(recv(line->theirs, &byte, 1, 0), ==, 0); /* waits for it */
}

static void
assert_open(const Line *line)
{
    char byte = 0;

    g_assert_cmpint(recv(line->theirs, &byte, 1, MSG_DONTWAIT), ==, -1);
}

/* Each phase has its own limit: the short one ends the connection, the long ones do not. */
static void
test_phase(gconstpointer data)
{
    FerryConnectionPhase phase = GPOINTER_TO_UINT(data);
    int64_t ms[FERRY_CONNECTION_WORKING] = { NEVER_MS, NEVER_MS, NEVER_MS };
    g_autoptr(FerryConnections) connections = NULL;
    Line line, other;

    ms[phase] = 50;
    connections = new_connections(ms[0], ms[1], ms[2]);
    other = line_open(connections, NULL);
    ferry_connections_enter(connections, other.entry, FERRY_CONNECTION_WORKING);
    line = line_open(connections, NULL);
    ferry_connections_enter(connections, line.entry, phase);
    assert_shut(&line);
    g_assert_true(ferry_connections_is_over(connections, line.entry));
    assert_open(&other);
    g_assert_false(ferry_connections_is_over(connections, other.entry));
    line_close(connections, &line);
    line_close(connections, &other);
}

/* A line of the first request gains no time: it began to arrive with the connection. */
static void
test_arriving_again(void)
{
    g_autoptr(FerryConnections) connections = new_connections(100, NEVER_MS, NEVER_MS);
    int64_t begun = g_get_monotonic_time();
    Line line = line_open(connections, NULL);

    while (!ferry_connections_is_over(connections, line.entry)) {
        ferry_connections_enter(connections, line.entry, FERRY_CONNECTION_ARRIVING);
        g_assert_cmpint(g_get_monotonic_time() - begun, <, ENOUGH_MS * 1000);
    }
    assert_shut(&line);
    line_close(connections, &line);
}

static void
test_hung_up(void)
{
    g_autoptr(FerryConnections) connections = new_connections(NEVER_MS, NEVER_MS, NEVER_MS);
    Line line = line_open(connections, NULL);

    g_assert_false(ferry_connections_is_over(connections, line.entry));
    ferry_fd_clear(&line.theirs);
    g_assert_true(ferry_connections_is_over(connections, line.entry));
    line_close(connections, &line);
}

static void
test_strangers(void)
{
    g_autoptr(FerryConnections) connections = new_connections(NEVER_MS, NEVER_MS, NEVER_MS);
    Line first = line_open(connections, "10.0.0.1"), second = line_open(connections, "10.0.0.1");
    Line local = line_open(connections, NULL), third = { 0 };

    g_assert_false(ferry_connections_welcome(connections, "10.0.0.1"));
    g_assert_true(ferry_connections_welcome(connections, "10.0.0.2"));
    third = line_open(connections, "10.0.0.2");
    g_assert_false(ferry_connections_welcome(connections, "10.0.0.3")); /* three in all */
    g_assert_true(ferry_connections_welcome(connections, NULL));
    ferry_connections_know(connections, first.entry);
    g_assert_true(ferry_connections_welcome(connections, "10.0.0.1"));
    g_assert_cmpuint(ferry_connections_count(connections), ==, 4);
    line_close(connections, &second);
    line_close(connections, &first);
    line_close(connections, &third);
    line_close(connections, &local);
    g_assert_cmpuint(ferry_connections_count(connections), ==, 0);
}

typedef struct {
    const char *name;
    FerryConnectionPhase phase;
    bool is_shut; /* by the end */
} EndRow;

static const EndRow end_rows[] = {
    { "arriving", FERRY_CONNECTION_ARRIVING, true }, { "sending", FERRY_CONNECTION_SENDING, false },
    { "idle", FERRY_CONNECTION_IDLE, true },         { "working", FERRY_CONNECTION_WORKING, false },
    { "upgraded", FERRY_CONNECTION_UPGRADED, true },
};

static void
test_end(gconstpointer data)
{
    const EndRow *row = data;
    g_autoptr(FerryConnections) connections = new_connections(NEVER_MS, NEVER_MS, NEVER_MS);
    Line line = line_open(connections, NULL);

    ferry_connections_enter(connections, line.entry, row->phase);
    g_assert_false(ferry_connections_end(connections, 0));
    if (row->is_shut)
        assert_shut(&line);
    else
        assert_open(&line);
    g_assert_true(ferry_connections_is_over(connections, line.entry));
    ferry_connections_enter(connections, line.entry, FERRY_CONNECTION_IDLE);
    assert_shut(&line); /* its answer is out */
    line_close(connections, &line);
    g_assert_true(ferry_connections_end(connections, 0));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/connections/phase/arriving", GUINT_TO_POINTER(FERRY_CONNECTION_ARRIVING),
                         test_phase);
    g_test_add_data_func("/connections/phase/sending", GUINT_TO_POINTER(FERRY_CONNECTION_SENDING),
                         test_phase);
    g_test_add_data_func("/connections/phase/idle", GUINT_TO_POINTER(FERRY_CONNECTION_IDLE),
                         test_phase);
    for (size_t i = 0; i < G_N_ELEMENTS(end_rows); i++) {
        g_autofree char *path = g_strconcat("/connections/end/", end_rows[i].name, NULL);
        g_test_add_data_func(path, &end_rows[i], test_end);
    }
    g_test_add_func("/connections/arriving-again", test_arriving_again);
    g_test_add_func("/connections/hung-up", test_hung_up);
    g_test_add_func("/connections/strangers", test_strangers);
    return g_test_run();
}
