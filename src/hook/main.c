/*
 * ferry-hook: libvirt runs it from /etc/libvirt/hooks/qemu.d for every guest of the host,
 *
 *     ferry-hook GUEST OPERATION SUB-OPERATION EXTRA   <domain.xml
 *
 * and waits, with the guest locked: so it links nothing but libc, asks nobody, and looks at one
 * file. On "prepare" a guest with a hold marker is refused: the other host may run it, or be about
 * to (docs/handover.md section 4).  Everything else passes, without a byte of output, for on
 * "migrate" and "restore" that would be taken for a new domain XML.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/domain-uuid.h"

/* libvirt's own limit on a domain XML is higher; nothing that it writes comes near to this one. */
#define XML_MAX_BYTES ((size_t)1 << 20)

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
refuse_unread(const char *guest, const char *what, const char *why)
{
    (void)fprintf(stderr, "ferry: guest %s is not started: %s: %s\n", guest, what, why);
    return REFUSE;
}

/* A host without the folder has no ferryd that ever held a guest: whatever the XML, it may start.
 */
static int
check_hold(const char *guest, const char *folder)
{
    static char xml[XML_MAX_BYTES + 1];
    char uuid[HOOK_UUID_LENGTH + 1] = "";
    char path[4096];
    struct stat status;

    if (stat(folder, &status) != 0)
        return errno == ENOENT || errno == ENOTDIR ? PASS
                                                   : refuse_unread(guest, folder, strerror(errno));
    xml[read_all(STDIN_FILENO, xml, XML_MAX_BYTES)] = '\0';
    if (!hook_find_uuid(xml, uuid))
        return refuse_unread(guest, "the domain XML on standard input",
                             "no <uuid> of the domain in it");
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, uuid) >= sizeof(path))
        return refuse_unread(guest, folder, strerror(ENAMETOOLONG));
    if (lstat(path, &status) == 0)
        return refuse_held(guest, path);
    return errno == ENOENT ? PASS : refuse_unread(guest, path, strerror(errno));
}

int
main(int argc, char **argv)
{
    /* libvirt runs hooks without this variable: it is for tests. */
    const char *folder = getenv("FERRY_HOLD_DIR");

    if (argc < 3) {
        (void)fprintf(stderr,
                      "usage: ferry-hook GUEST OPERATION SUB-OPERATION EXTRA <domain.xml\n");
        return 2;
    }
    if (strcmp(argv[2], "prepare") != 0)
        return PASS;
    return check_hold(argv[1], folder != NULL ? folder : "/var/lib/ferry/hold");
}
