/* The kernel's transport against system calls that this test answers. */
#include "vfio/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <glib.h>

#include "base/error.h"
#include "vfio/device.h"
#include "vfio/uapi.h"

/* A kernel with one device: what was asked, and what is answered. */
typedef struct {
    FerryKernelSystem system;
    const char *fail_path; /* (nullable): open() of it gives fail_code */
    unsigned long fail_request;
    int fail_code;
    unsigned stuck_ms; /* the failing request does not come back for so long */
    uint32_t group_flags;
    FerryMigState state;
    GString *opened; /* paths, by comma */
    char device[64]; /* that the group was asked for */
    unsigned long iommu_type;
    FerryUapiBindIommufd bound;
    int device_fd;
    int stream_fd; /* the latest */
    FerryUapiPrecopyInfo info;
    long read_result; /* bytes, or minus an errno */
    GByteArray *written;
    unsigned n_interrupts; /* that write() gives first */
    uint8_t region[16];
    atomic_uint n_calls;
    atomic_uint n_late; /* calls that were stuck and came back */
} Fake;

static int
fake_open(void *data, const char *path, int flags)
{
    Fake *fake = data;

    g_assert_cmpint(flags, ==, O_RDWR | O_CLOEXEC);
    g_string_append_printf(fake->opened, "%s%s", fake->opened->len > 0 ? "," : "", path);
    if (g_strcmp0(path, fake->fail_path) == 0) {
        errno = fake->fail_code;
        return -1;
    }
    return eventfd(0, EFD_CLOEXEC);
}

static long
answer_feature(Fake *fake, FerryUapiFeature *feature)
{
    uint32_t index = feature->flags & 0xffff;
    FerryUapiMigState *state = (FerryUapiMigState *)(void *)(feature + 1);

    if (index == FERRY_FEATURE_MIGRATION) {
        *(uint64_t *)(void *)(feature + 1) = FERRY_MIG_ALL;
        return 0;
    }
    if (index != FERRY_FEATURE_MIG_DEVICE_STATE) {
        errno = ENOTTY;
        return -1;
    }
    if (feature->flags & FERRY_FEATURE_GET) {
        *state = (FerryUapiMigState){ .device_state = fake->state, .data_fd = -1 };
        return 0;
    }
    fake->state = (FerryMigState)state->device_state;
    state->data_fd = -1;
    if (fake->state == FERRY_MIG_STATE_PRE_COPY || fake->state == FERRY_MIG_STATE_RESUMING)
        state->data_fd = fake->stream_fd = eventfd(0, EFD_CLOEXEC);
    return 0;
}

static long
answer_group(Fake *fake, unsigned long request, void *argument)
{
    switch (request) {
    case FERRY_VFIO_GROUP_GET_STATUS:
        ((uint32_t *)argument)[1] = fake->group_flags;
        return 0;
    case FERRY_VFIO_GROUP_GET_DEVICE_FD:
        (void)g_strlcpy(fake->device, argument, sizeof fake->device);
        return fake->device_fd = eventfd(0, EFD_CLOEXEC);
    case FERRY_VFIO_SET_IOMMU:
        fake->iommu_type = (unsigned long)(uintptr_t)argument;
        return 0;
    default: /* GROUP_SET_CONTAINER */
        return 0;
    }
}

static long
fake_ioctl(void *data, int fd, unsigned long request, void *argument)
{
    Fake *fake = data;
    FerryUapiRegionInfo *region = argument;

    g_assert_cmpint(fd, >=, 0);
    atomic_fetch_add(&fake->n_calls, 1);
    if (request == fake->fail_request) {
        int code = fake->fail_code;

        if (fake->stuck_ms > 0) {
            (void)poll(NULL, 0, (int)fake->stuck_ms);
            atomic_fetch_add(&fake->n_late, 1); /* the last that is done here */
        }
        errno = code;
        return -1;
    }
    switch (request) {
    case FERRY_VFIO_DEVICE_FEATURE:
        return answer_feature(fake, argument);
    case FERRY_VFIO_DEVICE_BIND_IOMMUFD:
        memcpy(&fake->bound, argument, sizeof fake->bound);
        return 0;
    case FERRY_VFIO_MIG_GET_PRECOPY_INFO:
        g_assert_cmpint(fd, ==, fake->stream_fd);
        g_assert_cmpuint(((FerryUapiPrecopyInfo *)argument)->flags, ==, 0); /* ignored: zeroed */
        memcpy(argument, &fake->info, sizeof fake->info);
        return 0;
    case FERRY_VFIO_DEVICE_GET_REGION_INFO:
        region->size = sizeof fake->region;
        region->offset = (uint64_t)region->index << 40;
        return 0;
    case FERRY_VFIO_DEVICE_RESET:
        fake->state = FERRY_MIG_STATE_RUNNING;
        return 0;
    default:
        return answer_group(fake, request, argument);
    }
}

static long
fake_read(void *data, int fd, void *buf, size_t size)
{
    Fake *fake = data;

    g_assert_cmpint(fd, ==, fake->stream_fd);
    if (fake->read_result < 0) {
        errno = (int)-fake->read_result;
        return -1;
    }
    memset(buf, 'r', MIN(size, (size_t)fake->read_result));
    return (long)MIN(size, (size_t)fake->read_result);
}

/* Seven bytes at a time: a short write is normal. */
static long
fake_write(void *data, int fd, const void *buf, size_t size)
{
    Fake *fake = data;

    g_assert_cmpint(fd, ==, fake->stream_fd);
    if (fake->n_interrupts > 0) {
        fake->n_interrupts--;
        errno = EINTR;
        return -1;
    }
    if (fake->read_result < 0) {
        errno = (int)-fake->read_result;
        return -1;
    }
    size = MIN(size, 7);
    g_byte_array_append(fake->written, buf, (unsigned)size);
    return (long)size;
}

static long
fake_pread(void *data, int fd, void *buf, size_t size, uint64_t offset)
{
    Fake *fake = data;

    g_assert_cmpint(fd, ==, fake->device_fd);
    g_assert_cmpuint(offset >> 40, ==, 2);
    memcpy(buf, fake->region + (offset & 15), size);
    return fake->read_result < 0 ? (errno = (int)-fake->read_result, -1) : (long)size;
}

static long
fake_pwrite(void *data, int fd, const void *buf, size_t size, uint64_t offset)
{
    Fake *fake = data;

    g_assert_cmpint(fd, ==, fake->device_fd);
    memcpy(fake->region + (offset & 15), buf, size);
    return (long)size;
}

static void
set_up(Fake *fake, gconstpointer data)
{
    (void)data;
    *fake = (Fake){ .system = { fake_open, fake_ioctl, fake_read, fake_write, fake_pread,
                                fake_pwrite, fake },
                    .fail_request = ULONG_MAX,
                    .group_flags = FERRY_VFIO_GROUP_FLAGS_VIABLE,
                    .state = FERRY_MIG_STATE_RUNNING,
                    .opened = g_string_new(NULL),
                    .device_fd = -1,
                    .stream_fd = -1,
                    .written = g_byte_array_new() };
}

static void
tear_down(Fake *fake, gconstpointer data)
{
    (void)data;
    (void)g_string_free(fake->opened, TRUE);
    g_byte_array_unref(fake->written);
}

static FerryTransport *
open_group(Fake *fake, GError **error)
{
    return ferry_kernel_open(&fake->system, FERRY_KERNEL_GROUP, "/dev/vfio/7", "0000:3b:00.4", 5000,
                             error);
}

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void
test_group(Fake *fake, gconstpointer data)
{
    FerryTransport *transport = open_group(fake, NULL);

    (void)data;
    g_assert_nonnull(transport);
    g_assert_cmpstr(fake->opened->str, ==, "/dev/vfio/vfio,/dev/vfio/7");
    g_assert_cmpstr(fake->device, ==, "0000:3b:00.4");
    g_assert_cmpuint(fake->iommu_type, ==, FERRY_VFIO_TYPE1V2_IOMMU);
    g_assert_cmpint(transport->kind, ==, FERRY_TRANSPORT_KERNEL);
    g_assert_true(is_open(fake->device_fd));
    ferry_transport_free(transport);
    g_assert_false(is_open(fake->device_fd));
}

static void
test_cdev(Fake *fake, gconstpointer data)
{
    FerryTransport *transport = ferry_kernel_open(&fake->system, FERRY_KERNEL_CDEV,
                                                  "/dev/vfio/devices/vfio0", "x", 5000, NULL);

    (void)data;
    g_assert_nonnull(transport);
    g_assert_cmpstr(fake->opened->str, ==, "/dev/vfio/devices/vfio0,/dev/iommu");
    g_assert_cmpuint(fake->bound.argsz, ==, sizeof fake->bound);
    g_assert_cmpint(fake->bound.iommufd, >=, 0);
    ferry_transport_free(transport);
}

/* Each step of the opening, refused: the code and the words. */
static const struct {
    const char *name;
    FerryKernelDoor door;
    const char *path;
    unsigned long request;
    int code;
    int expected;
    const char *message;
} refusals[] = {
    { "no-container", FERRY_KERNEL_GROUP, "/dev/vfio/vfio", 0, ENOENT, FERRY_ERROR_NOT_FOUND,
      "/dev/vfio/vfio" },
    { "no-group", FERRY_KERNEL_GROUP, "/dev/vfio/7", 0, ENOENT, FERRY_ERROR_NOT_FOUND,
      "/dev/vfio/7" },
    { "not-allowed", FERRY_KERNEL_GROUP, "/dev/vfio/7", 0, EACCES, FERRY_ERROR_DENIED,
      "/dev/vfio/7" },
    { "busy", FERRY_KERNEL_GROUP, "/dev/vfio/7", 0, EBUSY, FERRY_ERROR_BUSY,
      "somebody else has the device open, a guest perhaps" },
    { "status", FERRY_KERNEL_GROUP, NULL, FERRY_VFIO_GROUP_GET_STATUS, EIO, FERRY_ERROR_IO,
      "VFIO_GROUP_GET_STATUS: Input/output error" },
    { "container", FERRY_KERNEL_GROUP, NULL, FERRY_VFIO_GROUP_SET_CONTAINER, EBUSY,
      FERRY_ERROR_BUSY, "VFIO_GROUP_SET_CONTAINER" },
    { "iommu", FERRY_KERNEL_GROUP, NULL, FERRY_VFIO_SET_IOMMU, ENODEV, FERRY_ERROR_IO,
      "set the IOMMU type of the container for x" },
    { "device", FERRY_KERNEL_GROUP, NULL, FERRY_VFIO_GROUP_GET_DEVICE_FD, ENODEV, FERRY_ERROR_IO,
      "VFIO_GROUP_GET_DEVICE_FD: No such device" },
    { "no-cdev", FERRY_KERNEL_CDEV, "/dev/vfio/7", 0, ENOENT, FERRY_ERROR_NOT_FOUND,
      "/dev/vfio/7" },
    { "no-iommufd", FERRY_KERNEL_CDEV, "/dev/iommu", 0, ENOENT, FERRY_ERROR_NOT_FOUND,
      "/dev/iommu" },
    { "bound-by-another", FERRY_KERNEL_CDEV, NULL, FERRY_VFIO_DEVICE_BIND_IOMMUFD, EINVAL,
      FERRY_ERROR_BUSY, "Somebody else may have it open" },
};

static void
test_refusal(Fake *fake, gconstpointer data)
{
    const unsigned row = GPOINTER_TO_UINT(data);
    g_autoptr(GError) error = NULL;

    fake->fail_path = refusals[row].path;
    fake->fail_code = refusals[row].code;
    if (refusals[row].request != 0)
        fake->fail_request = refusals[row].request;
    g_assert_null(
        ferry_kernel_open(&fake->system, refusals[row].door, "/dev/vfio/7", "x", 5000, &error));
    g_assert_nonnull(error);
    g_assert_cmpstr(error->message, !=, "");
    if (strstr(error->message, refusals[row].message) == NULL)
        g_error("%s: %s", refusals[row].name, error->message);
    g_assert_error(error, FERRY_ERROR, refusals[row].expected);
    if (fake->device_fd >= 0)
        g_assert_false(is_open(fake->device_fd));
}

static void
test_not_viable(Fake *fake, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    (void)data;
    fake->group_flags = 0;
    g_assert_null(open_group(fake, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, "/dev/vfio/7 is not viable"));
}

/* A move that brings a descriptor closes the old one; one that does not keeps it. */
static void
test_stream_descriptor(Fake *fake, gconstpointer data)
{
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(open_group(fake, NULL), NULL);
    int first = -1;

    (void)data;
    g_assert_false(device->info_v2); /* ENOTTY: a kernel before 7.1 */
    g_assert_true(ferry_vfio_device_move(device, FERRY_MIG_STATE_PRE_COPY, NULL));
    first = fake->stream_fd;
    g_assert_true(ferry_vfio_device_move(device, FERRY_MIG_STATE_STOP_COPY, NULL));
    g_assert_true(is_open(first));
    g_assert_true(ferry_vfio_device_move(device, FERRY_MIG_STATE_STOP, NULL));
    g_assert_true(is_open(first));
    g_assert_true(ferry_vfio_device_move(device, FERRY_MIG_STATE_RESUMING, NULL));
    g_assert_true(is_open(fake->stream_fd));
    g_assert_true(fake->stream_fd == first || !is_open(first));
    g_assert_true(ferry_vfio_device_reset(device, NULL));
    g_assert_false(is_open(fake->stream_fd));
}

static void
test_reads(Fake *fake, gconstpointer data)
{
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(open_group(fake, NULL), NULL);
    const FerryTransport *transport = device->transport;
    static const struct {
        long result;
        size_t n;
        int code;
    } rows[] = {
        { 5, 5, 0 }, { 100, 10, 0 }, { 0, 0, 0 }, { -ENOMSG, 0, ENOMSG }, { -ENODEV, 0, ENODEV }
    };
    char buf[10];
    FerryIo io = { 0 };

    (void)data;
    g_assert_true(transport->ops->stream_read(transport->data, buf, sizeof buf, &io, NULL));
    g_assert_cmpint(io.code, ==, EBADF); /* no session */
    g_assert_true(ferry_vfio_device_move(device, FERRY_MIG_STATE_PRE_COPY, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        fake->read_result = rows[i].result;
        g_assert_true(transport->ops->stream_read(transport->data, buf, sizeof buf, &io, NULL));
        g_assert_cmpuint(io.n, ==, rows[i].n);
        g_assert_cmpint(io.code, ==, rows[i].code);
        if (io.n > 0)
            g_assert_cmpint(buf[io.n - 1], ==, 'r');
    }
}

static void
test_writes(Fake *fake, gconstpointer data)
{
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(open_group(fake, NULL), NULL);
    const FerryTransport *transport = device->transport;
    FerryIo io = { 0 };

    (void)data;
    g_assert_true(transport->ops->stream_write(transport->data, "x", 1, &io, NULL));
    g_assert_cmpint(io.code, ==, EBADF);
    g_assert_true(ferry_vfio_device_move(device, FERRY_MIG_STATE_RESUMING, NULL));
    fake->n_interrupts = 3;
    g_assert_true(
        transport->ops->stream_write(transport->data, "abcdefghijklmnopq", 17, &io, NULL));
    g_assert_cmpuint(io.n, ==, 17);
    g_assert_cmpint(io.code, ==, 0);
    g_assert_cmpmem(fake->written->data, fake->written->len, "abcdefghijklmnopq", 17);
    fake->read_result = -EFAULT;
    g_assert_true(transport->ops->stream_write(transport->data, "x", 1, &io, NULL));
    g_assert_cmpint(io.code, ==, EFAULT);
    fake->n_interrupts = 1000000; /* for ever, as good as */
    g_assert_true(transport->ops->stream_write(transport->data, "x", 1, &io, NULL));
    g_assert_cmpint(io.code, ==, EINTR);
}

static void
test_precopy_info(Fake *fake, gconstpointer data)
{
    g_autoptr(FerryVfioDevice) device = ferry_vfio_device_new(open_group(fake, NULL), NULL);
    const FerryTransport *transport = device->transport;
    FerryPrecopyInfo info = { 0 };

    (void)data;
    g_assert_true(transport->ops->precopy_info(transport->data, 24, &info, NULL));
    g_assert_cmpint(info.code, ==, EBADF);
    g_assert_true(ferry_vfio_device_move(device, FERRY_MIG_STATE_PRE_COPY, NULL));
    fake->info = (FerryUapiPrecopyInfo){ .flags = 1, .initial_bytes = 24, .dirty_bytes = 7 };
    g_assert_true(transport->ops->precopy_info(transport->data, 24, &info, NULL));
    g_assert_cmpint(info.code, ==, 0);
    g_assert_cmpuint(info.flags, ==, 1);
    g_assert_cmpuint(info.initial_bytes, ==, 24);
    g_assert_cmpuint(info.dirty_bytes, ==, 7);
    fake->fail_request = FERRY_VFIO_MIG_GET_PRECOPY_INFO;
    fake->fail_code = EINVAL;
    g_assert_true(transport->ops->precopy_info(transport->data, 24, &info, NULL));
    g_assert_cmpint(info.code, ==, EINVAL);
}

static void
test_regions(Fake *fake, gconstpointer data)
{
    g_autoptr(FerryTransport) transport = open_group(fake, NULL);
    uint32_t value = 0x11223344;
    uint32_t back = 0;
    int code = -1;

    (void)data;
    g_assert_true(
        transport->ops->region_write(transport->data, 2, 8, &value, sizeof value, &code, NULL));
    g_assert_cmpint(code, ==, 0);
    g_assert_true(
        transport->ops->region_read(transport->data, 2, 8, &back, sizeof back, &code, NULL));
    g_assert_cmpint(code, ==, 0);
    g_assert_cmphex(back, ==, value);
    /* Nothing is read or written beyond a region's end, whatever the sum does. */
    g_assert_true(transport->ops->region_read(transport->data, 2, 14, &back, 4, &code, NULL));
    g_assert_cmpint(code, ==, EINVAL);
    g_assert_true(
        transport->ops->region_write(transport->data, 2, UINT64_MAX, &value, 4, &code, NULL));
    g_assert_cmpint(code, ==, EINVAL);
    fake->read_result = -EIO;
    g_assert_true(transport->ops->region_read(transport->data, 2, 8, &back, 4, &code, NULL));
    g_assert_cmpint(code, ==, EIO);
    fake->fail_request = FERRY_VFIO_DEVICE_GET_REGION_INFO;
    fake->fail_code = EINVAL;
    g_assert_true(transport->ops->region_read(transport->data, 99, 0, &back, 4, &code, NULL));
    g_assert_cmpint(code, ==, EINVAL);
}

/* A driver that never answers costs a thread, not the caller; later calls fail at once and reach
 * nobody. */
static void
test_stuck_driver(Fake *fake, gconstpointer data)
{
    FerryTransport *transport = ferry_kernel_open(&fake->system, FERRY_KERNEL_GROUP, "/dev/vfio/7",
                                                  "0000:3b:00.4", 50, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) later = NULL;
    char buf[4];
    FerryIo io = { 0 };
    int code = 0;

    (void)data;
    fake->fail_request = FERRY_VFIO_DEVICE_RESET;
    fake->stuck_ms = 300;
    g_assert_false(transport->ops->reset(transport->data, &code, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_cmpstr(error->message, ==,
                    "the driver of 0000:3b:00.4 did not come back from VFIO_DEVICE_RESET within "
                    "50 ms");
    unsigned n_calls = atomic_load(&fake->n_calls);
    g_assert_false(transport->ops->reset(transport->data, &code, &later));
    g_assert_error(later, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_nonnull(strstr(later->message, "stuck in an earlier call"));
    g_assert_cmpuint(atomic_load(&fake->n_calls), ==, n_calls);
    g_assert_true(transport->ops->stream_read(transport->data, buf, 4, &io, NULL)); /* no session */
    ferry_transport_free(transport);
    /* The late call must find its memory, not the transport's. */
    for (unsigned i = 0; i < 1000 && atomic_load(&fake->n_late) == 0; i++)
        (void)poll(NULL, 0, 10);
    g_assert_cmpuint(atomic_load(&fake->n_late), ==, 1);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fake *fake, gconstpointer data);
    } rows[] = {
        { "/kernel/group", test_group },
        { "/kernel/cdev", test_cdev },
        { "/kernel/not-viable", test_not_viable },
        { "/kernel/stream-descriptor", test_stream_descriptor },
        { "/kernel/reads", test_reads },
        { "/kernel/writes", test_writes },
        { "/kernel/precopy-info", test_precopy_info },
        { "/kernel/regions", test_regions },
        { "/kernel/stuck-driver", test_stuck_driver },
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_test_add(rows[i].path, Fake, NULL, set_up, rows[i].run, tear_down);
    for (unsigned i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/kernel/refused/%s", refusals[i].name);

        g_test_add(path, Fake, GUINT_TO_POINTER(i), set_up, test_refusal, tear_down);
    }
    return g_test_run();
}
