/*
 * ferry-hook: libvirt runs it from /etc/libvirt/hooks/qemu.d for every guest of the host,
 *
 *     ferry-hook GUEST OPERATION SUB-OPERATION EXTRA   <domain.xml
 *
 * and waits, with the guest locked: so it links nothing but libc.  On "prepare" a guest with a hold
 * marker is refused: the other host may run it, or be about to (docs/handover.md section 4).  Then,
 * and on "release", ferryd is asked to make or remove the guest's devices, if the domain XML names
 * one that is ferry's; on "start" for VFs of the PFs that libvirt has chosen for hybrid NICs; on
 * "migrate" whether the devices that an incoming guest names were reserved for it.
 * Everything else passes, without a byte of output, for on "migrate" and "restore" that would be
 * taken for a new domain XML.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/ask.h"
#include "hook/domain-need.h"
#include "hook/domain-uuid.h"

/* libvirt's own limit on a domain XML is higher; nothing that it writes comes near to this one. */
#define XML_MAX_BYTES ((size_t)1 << 20)
/* ferryd answers within 25 s, also when a vendor's driver is slow. */
#define ASK_LIMIT_MS 28000

enum { PASS = 0, REFUSE = 1 };

/* Returns: bytes read; what does not fit stays unread */
static size_t
read_all(int fd, char *buffer, size_t n_bytes)
{
    size_t n_read = 0;

    while (n_read < n_bytes) {
        const ssize_t n = read(fd, buffer + n_read, n_bytes - n_read);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        n_read += (size_t)n;
    }
    return n_read;
}

/* The marker holds the job's id and a line end; it is shown, so only what a job's id may be. */
static void
read_job(const char *path, char *job, size_t n_bytes)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    size_t n = 0;

    if (fd >= 0) {
        n = read_all(fd, job, n_bytes - 1);
        (void)close(fd);
    }
    job[n] = '\0';
    job[strspn(job, "0123456789abcdefghijklmnopqrstuvwxyz-")] = '\0';
}

static int
refuse_held(const char *guest, const char *marker)
{
    char job[64];

    read_job(marker, job, sizeof(job));
    (void)fprintf(
        stderr,
        "ferry: guest %s must not start here: the migration %s has not ended, and the other host "
        "may run it. It ends by itself when the two hosts reach each other: see \"ferry job show "
        "%s\"\n",
        guest, job, job);
    return REFUSE;
}

static int
refuse(const char *guest, const char *why)
{
    (void)fprintf(stderr, "ferry: guest %s is not started: %s\n", guest, why);
    return REFUSE;
}

static int
refuse_unread(const char *guest, const char *what, const char *why)
{
    (void)fprintf(stderr, "ferry: guest %s is not started: %s: %s\n", guest, what, why);
    return REFUSE;
}

/* A host without the folder has no ferryd that ever held a guest: whatever the XML, it may start.
 */
static int
check_hold(const char *guest, const char *xml, const char *folder)
{
    char uuid[HOOK_UUID_LENGTH + 1] = "";
    char path[4096];
    struct stat status;

    if (stat(folder, &status) != 0)
        return errno == ENOENT || errno == ENOTDIR ? PASS
                                                   : refuse_unread(guest, folder, strerror(errno));
    if (!hook_find_uuid(xml, uuid))
        return refuse_unread(guest, "the domain XML on standard input",
                             "no <uuid> of the domain in it");
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, uuid) >= sizeof(path))
        return refuse_unread(guest, folder, strerror(ENAMETOOLONG));
    if (lstat(path, &status) == 0)
        return refuse_held(guest, path);
    return errno == ENOENT ? PASS : refuse_unread(guest, path, strerror(errno));
}

/* For tests: libvirt runs hooks without these variables. */
static const char *
setting(const char *variable, const char *otherwise)
{
    const char *value = getenv(variable);

    return value != NULL ? value : otherwise;
}

static int
refuse_without_ferryd(const char *guest, const char *alias, HookAsk how, const char *why)
{
    (void)fprintf(stderr,
                  "ferry: guest %s is not started: its device %s is ferryd's to make, and ferryd "
                  "does not answer: %s. %s, then start the guest again\n",
                  guest, alias[0] != '\0' ? alias : "(without alias)", why,
                  how == HOOK_ASK_AWAY ? "Run \"systemctl start ferryd\""
                                       : "See \"journalctl -u ferryd\"");
    return REFUSE;
}

static HookAsk
ask(const HookQuestion *question, char *ret_why, size_t n_bytes)
{
    const char *limit_ms = setting("FERRY_HOOK_LIMIT_MS", NULL);

    return hook_ask(setting("FERRY_SOCKET", "/run/ferry/ferryd.sock"), question,
                    limit_ms != NULL ? strtol(limit_ms, NULL, 10) : ASK_LIMIT_MS, ret_why, n_bytes);
}

static int
ask_ferryd(const HookQuestion *question, HookDevices devices)
{
    char alias[HOOK_ALIAS_BYTES];
    char why[2048];
    const HookNeed need = hook_find_need(question->xml, devices, alias);
    HookAsk how = HOOK_ASK_YES;

    if (need == HOOK_NEED_NOTHING)
        return PASS;
    how = ask(question, why, sizeof(why));
    if (how == HOOK_ASK_YES)
        return PASS;
    if (how == HOOK_ASK_NO)
        return refuse(question->guest, why);
    return need == HOOK_NEED_FERRYD ? refuse_without_ferryd(question->guest, alias, how, why)
                                    : PASS;
}

static int
prepare(const HookQuestion *question)
{
    const int held = check_hold(question->guest, question->xml,
                                setting("FERRY_HOLD_DIR", "/var/lib/ferry/hold"));

    return held == PASS ? ask_ferryd(question, HOOK_ALL_DEVICES) : held;
}

/* By now libvirt has chosen the PFs of hybrid NICs. */
static int
start(const HookQuestion *question)
{
    return ask_ferryd(question, HOOK_HYBRIDS);
}

/* libvirt ignores what a hook says here; what ferryd missed it finds when it looks at the guest. */
static int
release(const HookQuestion *question)
{
    char alias[HOOK_ALIAS_BYTES];
    char why[256];

    if (hook_find_need(question->xml, HOOK_ALL_DEVICES, alias) != HOOK_NEED_NOTHING)
        (void)ask(question, why, sizeof(why));
    return PASS;
}

/*
 * A guest comes, and its XML is its source's: ferryd compares its host devices with what it has
 * reserved.  The text is libvirt's own, so it is written as libvirt writes.  Without a ferryd no
 * migration of ferry's is on its way here.
 */
static int
migrate(const HookQuestion *question)
{
    static const char *const marks[] = { "<hostdev ", "type='hostdev'", "urn:ferry:guest:1" };
    char why[2048];
    bool asks = false;

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        asks |= strstr(question->xml, marks[i]) != NULL;
    return asks && ask(question, why, sizeof(why)) == HOOK_ASK_NO ? refuse(question->guest, why)
                                                                  : PASS;
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *operation;
        int (*run)(const HookQuestion *question);
    } operations[] = {
        { "prepare", prepare }, { "start", start }, { "release", release }, { "migrate", migrate }
    };
    static char xml[XML_MAX_BYTES + 1];

    if (argc < 3) {
        (void)fprintf(stderr,
                      "usage: ferry-hook GUEST OPERATION SUB-OPERATION EXTRA <domain.xml\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        const HookQuestion question = { argv[1], argv[2], argc > 4 ? argv[4] : "-", xml };

        if (strcmp(argv[2], operations[i].operation) != 0)
            continue;
        xml[read_all(STDIN_FILENO, xml, XML_MAX_BYTES)] = '\0';
        return operations[i].run(&question);
    }
    return PASS;
}
