#include "client/pump.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>

#include "base/file.h"

/* A far side that is a socket too, but gives and takes little at a time. */
typedef struct {
    int fd;
    size_t step; /* most bytes of one call */
    int near;
    pthread_t thread;
} Far;

static FerryPumpStep
step_of(ssize_t n, size_t *ret_n)
{
    if (n < 0)
        return errno == EAGAIN ? FERRY_PUMP_AGAIN : FERRY_PUMP_END;
    *ret_n = (size_t)n;
    return n == 0 ? FERRY_PUMP_END : FERRY_PUMP_MOVED;
}

static FerryPumpStep
far_receive(void *data, char *bytes, size_t size, size_t *ret_n)
{
    const Far *self = data;

    return step_of(recv(self->fd, bytes, MIN(size, self->step), MSG_DONTWAIT), ret_n);
}

static FerryPumpStep
far_send(void *data, const char *bytes, size_t size, size_t *ret_n)
{
    const Far *self = data;

    return step_of(send(self->fd, bytes, MIN(size, self->step), MSG_DONTWAIT | MSG_NOSIGNAL),
                   ret_n);
}

static const FerryPumpOps far_ops = { far_receive, far_send };

static void *
run(void *data)
{
    Far *self = data;

    ferry_pump_run(&far_ops, self, self->fd, self->near);
    (void)shutdown(self->fd, SHUT_RDWR);
    (void)shutdown(self->near, SHUT_RDWR);
    return NULL;
}

/* @ret: our ends: of the far side, of the near one */
static Far *
far_new(size_t step, int ret[2])
{
    Far *self = g_new0(Far, 1);
    int far[2], near[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, far), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, near), ==, 0);
    self->step = step;
    self->fd = far[0];
    self->near = near[0];
    ret[0] = far[1];
    ret[1] = near[1];
    g_assert_cmpint(pthread_create(&self->thread, NULL, run, self), ==, 0);
    return self;
}

static void
far_free(Far *self)
{
    pthread_join(self->thread, NULL);
    ferry_fd_clear(&self->fd);
    ferry_fd_clear(&self->near);
    g_free(self);
}

static void
fill(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i % 251);
}

/* Both ways, in pieces that fit nothing evenly; the reader begins when the pipes are full. */
static void
test_carry(gconstpointer data)
{
    const size_t size = 300000, step = GPOINTER_TO_SIZE(data);

    for (unsigned from = 0; from < 2; from++) {
        int ends[2];
        Far *far = far_new(step, ends);
        g_autofree char *sent = g_malloc(size);
        g_autofree char *received = g_malloc0(size);
        size_t out = 0, in = 0;

        fill(sent, size);
        while (in < size) {
            ssize_t n = out < size ? send(ends[from], sent + out, size - out, MSG_DONTWAIT) : -1;

            if (n > 0) {
                out += (size_t)n;
                continue;
            }
            n = recv(ends[1 - from], received + in, size - in, 0);
            g_assert_cmpint(n, >, 0);
            in += (size_t)n;
        }
        g_assert_true(memcmp(sent, received, size) == 0);
        ferry_fd_clear(&ends[from]);
        far_free(far);
        ferry_fd_clear(&ends[1 - from]);
    }
}

/* The end of one side comes to the other after what was sent before it. */
static void
test_end(void)
{
    for (unsigned from = 0; from < 2; from++) {
        int ends[2];
        Far *far = far_new(1000, ends);
        char bytes[16] = "";

        g_assert_cmpint(send(ends[from], "last words", 10, 0), ==, 10);
        ferry_fd_clear(&ends[from]);
        g_assert_cmpint(recv(ends[1 - from], bytes, sizeof(bytes), MSG_WAITALL), ==, 10);
        g_assert_cmpstr(bytes, ==, "last words");
        far_free(far);
        ferry_fd_clear(&ends[1 - from]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/pump/carry-in-small-pieces", GSIZE_TO_POINTER(777), test_carry);
    g_test_add_data_func("/pump/carry-in-large-pieces", GSIZE_TO_POINTER(1000000), test_carry);
    g_test_add_func("/pump/end", test_end);
    return g_test_run();
}
