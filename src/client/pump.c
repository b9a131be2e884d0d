#include "client/pump.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <glib.h>

#define BUFFER_BYTES (32 * 1024)

/* Bytes on their way in one direction. */
typedef struct {
    char bytes[BUFFER_BYTES];
    size_t start, end;
} Buffer;

typedef struct {
    const FerryPumpOps *far;
    void *data;
    int far_fd, near_fd;
    Buffer in, out; /* from and to the far side */
} Pump;

static bool
is_empty(const Buffer *buffer)
{
    return buffer->start == buffer->end;
}

static FerryPumpStep
result_of(ssize_t n, size_t *ret_n)
{
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? FERRY_PUMP_AGAIN : FERRY_PUMP_END;
    *ret_n = (size_t)n;
    return FERRY_PUMP_MOVED;
}

static FerryPumpStep
receive_near(Pump *self, char *bytes, size_t size, size_t *ret_n)
{
    FerryPumpStep step = result_of(recv(self->near_fd, bytes, size, MSG_DONTWAIT), ret_n);

    return step == FERRY_PUMP_MOVED && *ret_n == 0 ? FERRY_PUMP_END : step;
}

static FerryPumpStep
send_near(Pump *self, const char *bytes, size_t size, size_t *ret_n)
{
    return result_of(send(self->near_fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT), ret_n);
}

static FerryPumpStep
fill(Pump *self, Buffer *buffer)
{
    FerryPumpStep step = FERRY_PUMP_AGAIN;
    size_t n = 0;

    if (!is_empty(buffer))
        return FERRY_PUMP_AGAIN; /* the other side is slow */
    if (buffer == &self->in)
        step = self->far->receive(self->data, buffer->bytes, BUFFER_BYTES, &n);
    else
        step = receive_near(self, buffer->bytes, BUFFER_BYTES, &n);
    buffer->start = 0;
    buffer->end = step == FERRY_PUMP_MOVED ? n : 0;
    return step;
}

static FerryPumpStep
drain(Pump *self, Buffer *buffer)
{
    const char *bytes = buffer->bytes + buffer->start;
    size_t size = buffer->end - buffer->start, n = 0;
    FerryPumpStep step = FERRY_PUMP_AGAIN;

    if (is_empty(buffer))
        return FERRY_PUMP_AGAIN;
    if (buffer == &self->in)
        step = send_near(self, bytes, size, &n);
    else
        step = self->far->send(self->data, bytes, size, &n);
    if (step == FERRY_PUMP_MOVED)
        buffer->start += n;
    return step;
}

/* For when nothing moved: what TLS has decrypted already is not in the socket any more. */
static void
wait_for_either(const Pump *self)
{
    short far_events = 0, near_events = 0;

    far_events |= (short)(is_empty(&self->in) ? POLLIN : 0);
    far_events |= (short)(is_empty(&self->out) ? 0 : POLLOUT);
    near_events |= (short)(is_empty(&self->out) ? POLLIN : 0);
    near_events |= (short)(is_empty(&self->in) ? 0 : POLLOUT);

    struct pollfd fds[] = { { .fd = self->far_fd, .events = far_events },
                            { .fd = self->near_fd, .events = near_events } };

    (void)poll(fds, G_N_ELEMENTS(fds), -1);
}

/* Returns: false once a side has ended */
static bool
carry(Pump *self)
{
    FerryPumpStep steps[] = { fill(self, &self->in), drain(self, &self->in), fill(self, &self->out),
                              drain(self, &self->out) };
    bool moved = false;

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (steps[i] == FERRY_PUMP_END)
            return false;
        moved |= steps[i] == FERRY_PUMP_MOVED;
    }
    if (!moved)
        wait_for_either(self);
    return true;
}

void
ferry_pump_run(const FerryPumpOps *far, void *data, int far_fd, int near_fd)
{
    g_autofree Pump *self = g_new0(Pump, 1);

    self->far = far;
    self->data = data;
    self->far_fd = far_fd;
    self->near_fd = near_fd;
    while (carry(self))
        ;
    (void)drain(self, &self->in);
    (void)drain(self, &self->out);
}
