/* Moves the state of one device between two processes with libferry:
 *
 *     vfio-move SOURCE-DEVICE TARGET-DEVICE
 *
 * The child is the target host's VMM, the parent the source's; what joins them is a socket pair
 * here and a connection in life.  Build: cc vfio-move.c $(pkg-config --cflags --libs libferry) */
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ferry/vfio.h>

static int
fail(const char *who, FerryVfioStatus status, char *error)
{
    (void)fprintf(stderr, "%s: %s\n", who, error != NULL ? error : "refused");
    ferry_vfio_string_free(error);
    return (int)status;
}

/* The target: the guest is there, paused; it may run when this returns 0. */
static int
target(const char *name, int socket)
{
    FerryVfioOptions options = { .size = sizeof options };
    FerryVfio *device = NULL;
    char *error = NULL;
    FerryVfioStatus status = ferry_vfio_open(name, &device, &error);

    if (status == FERRY_VFIO_OK)
        status = ferry_vfio_receive(&device, 1, &socket, 1, &options, NULL, &error);
    ferry_vfio_close(device);
    return status == FERRY_VFIO_OK ? 0 : fail("target", status, error);
}

static void
show(void *data, size_t device, uint64_t bytes, uint64_t rate_bps)
{
    (void)data;
    (void)fprintf(stderr, "device %zu: %" PRIu64 " bytes, %" PRIu64 " a second\n", device, bytes,
                  rate_bps);
}

/* The source: the guest runs until the device is quiet, and never again once this returned 0. */
static int
source(const char *name, int socket)
{
    FerryVfioOptions options = { .size = sizeof options,
                                 .flags = FERRY_VFIO_STRICT_DOWNTIME,
                                 .max_downtime_ms = 1000,
                                 .progress = show };
    FerryVfioReport report = { 0 };
    FerryVfio *device = NULL;
    char *error = NULL;
    FerryVfioStatus status = ferry_vfio_open(name, &device, &error);

    if (status == FERRY_VFIO_OK && !ferry_vfio_can_migrate(device))
        status = FERRY_VFIO_UNSUPPORTED;
    if (status == FERRY_VFIO_OK)
        status = ferry_vfio_send(&device, 1, &socket, 1, &options, &report, &error);
    ferry_vfio_close(device);
    if (status != FERRY_VFIO_OK)
        return fail("source", status, error);
    (void)printf("moved %" PRIu64 " bytes running and %" PRIu64 " stopped, downtime %" PRIu64
                 " ms\n",
                 report.precopy_bytes, report.stop_bytes, report.downtime_ms);
    return 0;
}

int
main(int argc, char **argv)
{
    int sockets[2];
    int theirs = 0;
    int ours = 0;
    pid_t child = 0;

    if (argc != 3) {
        (void)fprintf(stderr, "usage: vfio-move SOURCE-DEVICE TARGET-DEVICE\n");
        return 2;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0 || (child = fork()) < 0) {
        perror("vfio-move");
        return 1;
    }
    if (child == 0) {
        (void)close(sockets[0]);
        return target(argv[2], sockets[1]);
    }
    (void)close(sockets[1]);
    ours = source(argv[1], sockets[0]);
    (void)close(sockets[0]); /* a source that failed early must not keep the target waiting */
    if (waitpid(child, &theirs, 0) != child)
        return 1;
    return ours != 0 ? ours : WIFEXITED(theirs) ? WEXITSTATUS(theirs) : 1;
}
