/* The kernel's transport against system calls that this test answers. */
#include "fake-kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/error.h"
#include "vfio/device.h"
#include "vfio/uapi.h"

static FerryTransport *
open_group(FakeKernel *fake, GError **error)
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
test_group(FakeKernel *fake, gconstpointer data)
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
test_cdev(FakeKernel *fake, gconstpointer data)
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
test_refusal(FakeKernel *fake, gconstpointer data)
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
test_not_viable(FakeKernel *fake, gconstpointer data)
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
test_stream_descriptor(FakeKernel *fake, gconstpointer data)
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
test_reads(FakeKernel *fake, gconstpointer data)
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
test_writes(FakeKernel *fake, gconstpointer data)
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
test_precopy_info(FakeKernel *fake, gconstpointer data)
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
test_regions(FakeKernel *fake, gconstpointer data)
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
test_stuck_driver(FakeKernel *fake, gconstpointer data)
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
        void (*run)(FakeKernel *fake, gconstpointer data);
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
        g_test_add(rows[i].path, FakeKernel, NULL, fake_kernel_set_up, rows[i].run,
                   fake_kernel_tear_down);
    for (unsigned i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strdup_printf("/kernel/refused/%s", refusals[i].name);

        g_test_add(path, FakeKernel, GUINT_TO_POINTER(i), fake_kernel_set_up, test_refusal,
                   fake_kernel_tear_down);
    }
    return g_test_run();
}
