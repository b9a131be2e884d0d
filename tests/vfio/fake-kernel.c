#include "fake-kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

static int
fake_open(void *data, const char *path, int flags)
{
    FakeKernel *fake = data;

    g_assert_cmpint(flags, ==, O_RDWR | O_CLOEXEC);
    g_string_append_printf(fake->opened, "%s%s", fake->opened->len > 0 ? "," : "", path);
    if (g_strcmp0(path, fake->fail_path) == 0) {
        errno = fake->fail_code;
        return -1;
    }
    return eventfd(0, EFD_CLOEXEC);
}

static long
answer_feature(FakeKernel *fake, FerryUapiFeature *feature)
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
answer_group(FakeKernel *fake, unsigned long request, void *argument)
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
    FakeKernel *fake = data;
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
    FakeKernel *fake = data;

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
    FakeKernel *fake = data;

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
    FakeKernel *fake = data;

    g_assert_cmpint(fd, ==, fake->device_fd);
    g_assert_cmpuint(offset >> 40, ==, 2);
    memcpy(buf, fake->region + (offset & 15), size);
    return fake->read_result < 0 ? (errno = (int)-fake->read_result, -1) : (long)size;
}

static long
fake_pwrite(void *data, int fd, const void *buf, size_t size, uint64_t offset)
{
    FakeKernel *fake = data;

    g_assert_cmpint(fd, ==, fake->device_fd);
    memcpy(fake->region + (offset & 15), buf, size);
    return (long)size;
}

void
fake_kernel_set_up(FakeKernel *fake, gconstpointer data)
{
    (void)data;
    *fake = (FakeKernel){ .system = { fake_open, fake_ioctl, fake_read, fake_write, fake_pread,
                                      fake_pwrite, fake },
                          .fail_request = ULONG_MAX,
                          .group_flags = FERRY_VFIO_GROUP_FLAGS_VIABLE,
                          .state = FERRY_MIG_STATE_RUNNING,
                          .opened = g_string_new(NULL),
                          .device_fd = -1,
                          .stream_fd = -1,
                          .written = g_byte_array_new() };
}

void
fake_kernel_tear_down(FakeKernel *fake, gconstpointer data)
{
    (void)data;
    (void)g_string_free(fake->opened, TRUE);
    g_byte_array_unref(fake->written);
}
