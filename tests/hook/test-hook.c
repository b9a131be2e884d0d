/* Runs the program as libvirt does: arguments, the domain XML on standard input, an exit code. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "server.h"

#define UUID   "6f1d2c1e-7d3b-4a57-8a44-0000000000aa"
#define DOMAIN "<domain type='qemu'>\n  <name>web</name>\n  <uuid>" UUID "</uuid>\n</domain>\n"
#define JOB    "0d9f7f5c-2f0e-4a55-9c4d-6a1f54a1c001"

#define OURS                                                                                       \
    "<domain type='qemu'>\n  <name>web</name>\n  <uuid>" UUID "</uuid>\n<metadata>"                \
    "<ferry:guest xmlns:ferry='urn:ferry:guest:1'><ferry:mdev alias='ua-gpu0' pool='gpus' "        \
    "type='t' managed='yes'/></ferry:guest></metadata></domain>\n"
#define DEGRADES                                                                                   \
    "<domain><uuid>" UUID "</uuid><metadata><guest xmlns='urn:ferry:guest:1'><hybrid "             \
    "alias='ua-net0' on-no-vf='degrade'/></guest></metadata></domain>"
#define YES "HTTP/1.1 200 OK\r\n\r\n{}"
#define NO  "HTTP/1.1 409 Conflict\r\n\r\n{\"detail\": \"pool gpus is full\"}"

typedef struct {
    char *folder;
    char *hold;
    char *marker;
    char *socket;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->folder = g_dir_make_tmp("ferry-hook-XXXXXX", NULL);
    fixture->hold = g_build_filename(fixture->folder, "hold", NULL);
    fixture->marker = g_build_filename(fixture->hold, UUID, NULL);
    fixture->socket = g_build_filename(fixture->folder, "sock", NULL);
    g_assert_cmpint(g_mkdir(fixture->hold, 0755), ==, 0);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    (void)g_remove(fixture->marker);
    (void)g_remove(fixture->socket);
    (void)g_rmdir(fixture->hold);
    g_assert_cmpint(g_rmdir(fixture->folder), ==, 0);
    g_free(fixture->socket);
    g_free(fixture->marker);
    g_free(fixture->hold);
    g_free(fixture->folder);
}

/* An unnamed file with @text in it, at its beginning. */
static int
file_of(const char *text)
{
    const int fd = open(g_get_tmp_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (ssize_t)strlen(text));
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    return fd;
}

static char *
text_of(int fd)
{
    char *text = g_malloc0(4096);

    g_assert_cmpint(pread(fd, text, 4095, 0), >=, 0);
    return text;
}

typedef struct {
    int exit_code;
    char *out;
    char *err;
} Result;

static void
result_clear(Result *self)
{
    g_free(self->out);
    g_free(self->err);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Result, result_clear)

static Result
run(const Fixture *fixture, const char *operation, const char *xml)
{
    const char *argv[] = { g_getenv("FERRY_HOOK"), "web", operation, "begin", "-", NULL };
    g_autofree char *hold = g_strconcat("FERRY_HOLD_DIR=", fixture->hold, NULL);
    g_autofree char *socket = g_strconcat("FERRY_SOCKET=", fixture->socket, NULL);
    const char *environment[] = { hold, socket, "FERRY_HOOK_LIMIT_MS=200", NULL };
    const int in = file_of(xml);
    const int out = file_of("");
    const int err = file_of("");
    Result result = { -1, NULL, NULL };
    GPid pid = 0;
    int status = 0;

    g_assert_true(g_spawn_async_with_fds(NULL, (char **)argv, (char **)environment,
                                         G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, in, out, err,
                                         NULL));
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    result = (Result){ WEXITSTATUS(status), text_of(out), text_of(err) };
    g_assert_cmpint(close(in) | close(out) | close(err), ==, 0);
    return result;
}

static void
assert_passes(const Fixture *fixture, const char *operation, const char *xml)
{
    g_auto(Result) result = run(fixture, operation, xml);

    g_assert_cmpint(result.exit_code, ==, 0);
    g_assert_cmpstr(result.out, ==, "");
    g_assert_cmpstr(result.err, ==, "");
}

static void
hold(const Fixture *fixture, const char *content)
{
    g_assert_true(g_file_set_contents(fixture->marker, content, -1, NULL));
}

static void
test_held(Fixture *fixture, gconstpointer data)
{
    g_auto(Result) result = { 0, NULL, NULL };

    (void)data;
    hold(fixture, JOB "\n");
    result = run(fixture, "prepare", DOMAIN);
    g_assert_cmpint(result.exit_code, ==, 1);
    g_assert_cmpstr(result.out, ==, "");
    g_assert_cmpstr(
        result.err, ==,
        "ferry: guest web must not start here: the migration " JOB
        " has not ended, and the other host may run it. "
        "It ends by itself when the two hosts reach each other: see \"ferry job show " JOB "\"\n");
}

/* Whatever is in the marker: it holds by being there, and nothing odd of it is printed. */
static void
test_odd_markers(Fixture *fixture, gconstpointer data)
{
    static const char *const contents[] = { "", "\033[2Jx", "no\nsecond line", "../../x" };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        g_auto(Result) result = { 0, NULL, NULL };

        hold(fixture, contents[i]);
        result = run(fixture, "prepare", DOMAIN);
        g_assert_cmpint(result.exit_code, ==, 1);
        g_assert_null(strpbrk(result.err, "\033"));
        g_assert_null(strstr(result.err, "second"));
        g_assert_null(strstr(result.err, ".."));
    }
}

/* A link that leads nowhere is a marker as well: "not there" must be certain. */
static void
test_dangling_link_holds(Fixture *fixture, gconstpointer data)
{
    g_auto(Result) result = { 0, NULL, NULL };

    (void)data;
    g_assert_cmpint(symlink("/nonexistent", fixture->marker), ==, 0);
    result = run(fixture, "prepare", DOMAIN);
    g_assert_cmpint(result.exit_code, ==, 1);
}

static void
test_other_operations_pass(Fixture *fixture, gconstpointer data)
{
    static const char *const operations[] = { "start",   "started", "stopped",   "release",
                                              "migrate", "restore", "reconnect", "attach" };

    (void)data;
    hold(fixture, JOB);
    for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
        assert_passes(fixture, operations[i], DOMAIN);
}

static void
test_other_guest_passes(Fixture *fixture, gconstpointer data)
{
    (void)data;
    assert_passes(fixture, "prepare", DOMAIN);
    hold(fixture, JOB);
    assert_passes(fixture, "prepare",
                  "<domain><name>" UUID
                  "</name><uuid>11111111-2222-4333-8444-555555555555</uuid></domain>");
}

/* Where no ferryd ever held a guest, not even a broken XML is our business. */
static void
test_host_without_ferry_passes(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_cmpint(g_rmdir(fixture->hold), ==, 0);
    assert_passes(fixture, "prepare", "garbage");
}

static void
test_unreadable_xml_is_refused(Fixture *fixture, gconstpointer data)
{
    g_autofree char *spaces = g_strnfill((1 << 20) + 1, ' ');
    g_autofree char *too_long =
        g_strconcat("<domain>", spaces, "<uuid>" UUID "</uuid></domain>", NULL);
    const char *const xmls[] = { "", "garbage", "<domain></domain>", too_long };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(xmls); i++) {
        g_auto(Result) result = run(fixture, "prepare", xmls[i]);

        g_assert_cmpint(result.exit_code, ==, 1);
        g_assert_cmpstr(result.err, ==,
                        "ferry: guest web is not started: the domain XML on standard input: no "
                        "<uuid> of the domain in it\n");
    }
}

static void
test_unusable_folder_is_refused(Fixture *fixture, gconstpointer data)
{
    g_auto(Result) result = { 0, NULL, NULL };
    g_autofree char *name = g_strnfill(300, 'x');
    Fixture elsewhere = *fixture;
    g_autofree char *path = g_build_filename(fixture->folder, name, NULL);

    (void)data;
    elsewhere.hold = path; /* ENAMETOOLONG: neither there nor surely absent */
    result = run(&elsewhere, "prepare", DOMAIN);
    g_assert_cmpint(result.exit_code, ==, 1);
    g_assert_nonnull(strstr(result.err, "File name too long"));
}

typedef struct {
    const char *operation;
    const char *xml;
    ServerManner manner;
    const char *answer;
    int exit_code;
    const char *err;
} AskRow;

#define GUEST(devices)                                                                             \
    "<domain type='qemu'><name>web</name><uuid>" UUID "</uuid><devices>" devices                   \
    "</devices></domain>"
#define HOSTDEV     GUEST("<hostdev mode='subsystem' type='mdev'/>")
#define VF          GUEST("<interface type='hostdev' managed='yes'/>")
#define NOT_STARTED "ferry: guest web is not started: "
#define NOT_MADE    NOT_STARTED "its device ua-gpu0 is ferryd's to make, and ferryd does not answer: "
#define SEE_LOG     ". See \"journalctl -u ferryd\", then start the guest again\n"

/* clang-format off */
static const AskRow asks[] = {
    { "prepare", OURS,     SERVER_READS,  YES, 0, "" },
    { "prepare", OURS,     SERVER_READS,  NO,  1, NOT_STARTED "pool gpus is full\n" },
    { "prepare", OURS,     SERVER_HANGS,  "",  1, NOT_MADE "it did not answer in time" SEE_LOG },
    { "prepare", OURS,     SERVER_READS,  "?", 1, NOT_MADE "it hung up without an answer that makes sense" SEE_LOG },
    { "prepare", DEGRADES, SERVER_READS,  NO,  1, NOT_STARTED "pool gpus is full\n" },
    { "prepare", DEGRADES, SERVER_HANGS,  "",  0, "" },
    { "start",   DEGRADES, SERVER_READS,  NO,  1, NOT_STARTED "pool gpus is full\n" },
    { "start",   DEGRADES, SERVER_HANGS,  "",  0, "" },
    { "release", OURS,     SERVER_READS,  YES, 0, "" },
    { "release", OURS,     SERVER_READS,  NO,  0, "" },
    { "release", OURS,     SERVER_HANGS,  "",  0, "" },
    { "migrate", OURS,     SERVER_READS,  YES, 0, "" },
    { "migrate", OURS,     SERVER_READS,  NO,  1, NOT_STARTED "pool gpus is full\n" },
    { "migrate", HOSTDEV,  SERVER_READS,  NO,  1, NOT_STARTED "pool gpus is full\n" },
    { "migrate", VF,       SERVER_READS,  NO,  1, NOT_STARTED "pool gpus is full\n" },
    { "migrate", HOSTDEV,  SERVER_HANGS,  "",  0, "" },
};
/* clang-format on */

static void
test_asks_ferryd(Fixture *fixture, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(asks); i++) {
        const AskRow *row = &asks[i];
        Server *server = server_new(fixture->socket, row->manner, row->answer);
        g_auto(Result) result = run(fixture, row->operation, row->xml);
        g_autofree char *request = server_end(server);
        g_autofree char *begin = g_strdup_printf(
            "{\"operation\":\"%s\",\"guest\":\"web\",\"reason\":\"-\",\"xml\":\"", row->operation);

        g_assert_cmpstr(result.err, ==, row->err);
        g_assert_cmpint(result.exit_code, ==, row->exit_code);
        g_assert_cmpstr(result.out, ==, "");
        g_assert_nonnull(strstr(request, begin));
        g_assert_cmpint(g_unlink(fixture->socket), ==, 0);
    }
}

static void
test_ferryd_is_away(Fixture *fixture, gconstpointer data)
{
    g_auto(Result) result = run(fixture, "prepare", OURS);
    g_autofree char *expected =
        g_strconcat(NOT_MADE, fixture->socket,
                    ": No such file or directory. Run \"systemctl start ferryd\", then start the "
                    "guest again\n",
                    NULL);

    (void)data;
    g_assert_cmpint(result.exit_code, ==, 1);
    g_assert_cmpstr(result.err, ==, expected);
    assert_passes(fixture, "prepare", DEGRADES);
    assert_passes(fixture, "release", OURS);
}

/* Others' guests, and what is not about making devices, make no connection. */
static void
test_asks_only_for_its_own(Fixture *fixture, gconstpointer data)
{
    static const char *const operations[] = { "start",   "started", "stopped",
                                              "restore", "attach",  "reconnect" };
    Server *server = server_new(fixture->socket, SERVER_READS, NO);
    g_autofree char *request = NULL;

    (void)data;
    assert_passes(fixture, "prepare", DOMAIN);
    assert_passes(fixture, "release", DOMAIN);
    assert_passes(fixture, "migrate", DOMAIN);
    for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
        assert_passes(fixture, operations[i], OURS);
    request = server_end(server);
    g_assert_cmpstr(request, ==, "");
}

/* The marker is looked at first: the other host's guest gets no device here. */
static void
test_held_asks_nobody(Fixture *fixture, gconstpointer data)
{
    Server *server = server_new(fixture->socket, SERVER_READS, YES);
    g_autofree char *request = NULL;
    g_auto(Result) result = { 0, NULL, NULL };

    (void)data;
    hold(fixture, JOB);
    result = run(fixture, "prepare", OURS);
    g_assert_cmpint(result.exit_code, ==, 1);
    request = server_end(server);
    g_assert_cmpstr(request, ==, "");
}

static void
test_usage(Fixture *fixture, gconstpointer data)
{
    g_auto(Result) result = run(fixture, NULL, "");

    (void)data;
    g_assert_cmpint(result.exit_code, ==, 2);
    g_assert_true(g_str_has_prefix(result.err, "usage: ferry-hook"));
}

#define ADD(name, func) g_test_add("/hook/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("held", test_held);
    ADD("odd-markers", test_odd_markers);
    ADD("dangling-link-holds", test_dangling_link_holds);
    ADD("other-operations-pass", test_other_operations_pass);
    ADD("other-guest-passes", test_other_guest_passes);
    ADD("host-without-ferry-passes", test_host_without_ferry_passes);
    ADD("unreadable-xml-is-refused", test_unreadable_xml_is_refused);
    ADD("unusable-folder-is-refused", test_unusable_folder_is_refused);
    ADD("asks-ferryd", test_asks_ferryd);
    ADD("ferryd-is-away", test_ferryd_is_away);
    ADD("asks-only-for-its-own", test_asks_only_for_its_own);
    ADD("held-asks-nobody", test_held_asks_nobody);
    ADD("usage", test_usage);
    return g_test_run();
}
