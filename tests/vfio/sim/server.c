#include "sim/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sim/transport.h"
#include "vfio/uapi.h"

#define HEADER_BYTES 16
#define MAX_BODY     (1024 * 1024 + 4096)
#define MAX_IO       (1024 * 1024)
#define N_COMMANDS   19

typedef struct {
    uint16_t id;
    uint16_t command;
    uint32_t size;
    uint32_t flags;
    uint32_t error_no;
} Header;

/* What a handler leaves for the reply: a payload in self->reply, or an errno. */
typedef struct {
    size_t n;
    int code;
    bool end; /* hang up */
} Outcome;

struct _SimServer {
    SimDevice *device;
    SimServerOptions options;
    size_t max_xfer;
    int fd;
    pthread_t thread;
    bool started;
    uint8_t *body;
    uint8_t *reply;
};

SimServer *
sim_server_new(SimDevice *device, const SimServerOptions *options)
{
    SimServer *self = g_new0(SimServer, 1);

    self->device = device;
    self->options = *options;
    self->max_xfer = options->max_xfer > 0 ? options->max_xfer : MAX_IO;
    self->body = g_malloc(MAX_BODY);
    self->reply = g_malloc0(MAX_BODY);
    return self;
}

static bool
recv_all(SimServer *self, void *buf, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = recv(self->fd, (char *)buf + done, size - done, MSG_WAITALL);

        if (n <= 0 && !(n < 0 && errno == EINTR))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* One descriptor goes along when the server is chatty: a client that keeps it leaks. */
static bool
send_parts(SimServer *self, struct iovec *parts, size_t n_parts)
{
    char control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = n_parts };
    int fd = STDIN_FILENO;

    if (self->options.chatty) {
        struct cmsghdr *part = NULL;

        message.msg_control = control;
        message.msg_controllen = sizeof control;
        part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(part), &fd, sizeof fd);
    }
    while (n_parts > 0) {
        ssize_t n = sendmsg(self->fd, &message, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return false;
        message.msg_control = NULL;
        message.msg_controllen = 0;
        for (size_t left = n > 0 ? (size_t)n : 0; n_parts > 0;) {
            size_t take = MIN(left, message.msg_iov->iov_len);

            message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + take;
            message.msg_iov->iov_len -= take;
            left -= take;
            if (message.msg_iov->iov_len > 0)
                break;
            message.msg_iov++;
            message.msg_iovlen = --n_parts;
        }
    }
    return true;
}

static Outcome
from_answer(const SimAnswer *answer, size_t n)
{
    if (answer->stall) /* for as long as any client's patience in a test */
        (void)poll(NULL, 0, 3000);
    return (Outcome){ .n = n, .code = answer->code, .end = answer->drop || answer->stall };
}

static Outcome
on_version(SimServer *self, size_t size)
{
    static const uint16_t numbers[] = { 0, 1 };
    int n = 0;

    if (size < 4)
        return (Outcome){ .code = EINVAL };
    memcpy(self->reply, numbers, sizeof numbers);
    if (self->options.max_xfer > 0)
        n = snprintf((char *)self->reply + 4, 200,
                     "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":%zu,"
                     "\"migration\":{\"pgsize\":4096}}}",
                     self->options.max_xfer) +
            1;
    return (Outcome){ .n = 4 + (size_t)n };
}

static Outcome
on_get_info(SimServer *self, size_t size)
{
    static const uint32_t info[] = { 16, 3, 9, 5 }; /* argsz, reset | pci, regions, irqs */

    if (size < sizeof info)
        return (Outcome){ .code = EINVAL };
    memcpy(self->reply, info, sizeof info);
    return (Outcome){ .n = sizeof info };
}

static Outcome
on_feature(SimServer *self, size_t size)
{
    uint32_t head[2];
    uint32_t index = 0;
    uint32_t state[2] = { 0 };
    bool get = false;

    if (size < sizeof head)
        return (Outcome){ .code = EINVAL };
    memcpy(head, self->body, sizeof head);
    index = head[1] & 0xffff;
    get = (head[1] & FERRY_FEATURE_GET) != 0;
    memcpy(self->reply, self->body, MIN(size, 64));
    if (index != 1 && index != 2)
        return (Outcome){ .code = EINVAL };
    if (get && (head[1] & FERRY_FEATURE_SET) != 0 && (head[1] & FERRY_FEATURE_PROBE) == 0)
        return (Outcome){ .code = EINVAL };
    if (index == 1 && (head[1] & FERRY_FEATURE_SET) != 0)
        return (Outcome){ .code = EINVAL };
    if (head[1] & FERRY_FEATURE_PROBE)
        return (Outcome){ .n = size };
    if (head[0] < 16 || (!get && size < 16))
        return (Outcome){ .code = EINVAL };
    if (index == 1) {
        memcpy(self->reply + 8, &sim_device_options(self->device)->flags, 8);
        return (Outcome){ .n = 16 };
    }
    if (get) {
        state[0] = sim_device_state(self->device);
        state[1] = self->options.libvfio_user ? 0 : UINT32_MAX;
        memcpy(self->reply + 8, state, sizeof state);
        return (Outcome){ .n = 16 };
    }
    memcpy(state, self->body + 8, sizeof state);
    SimAnswer answer = sim_device_move(self->device, state[0]);
    return from_answer(&answer, 16);
}

static Outcome
on_data_read(SimServer *self, size_t size)
{
    uint32_t head[2];
    SimAnswer answer = { 0 };

    if (size != sizeof head)
        return (Outcome){ .code = EINVAL };
    memcpy(head, self->body, sizeof head);
    if (head[1] > self->max_xfer || head[0] < 8)
        return (Outcome){ .code = EINVAL };
    answer = sim_device_read(self->device, self->reply + 8, head[1]);
    if (answer.code == ENOMSG || answer.code == EAGAIN)
        answer.code = 0; /* the protocol has only sizes */
    head[1] = (uint32_t)answer.n;
    memcpy(head + 0, &(uint32_t){ 8 + head[1] }, sizeof head[0]);
    if (self->options.libvfio_user) {
        uint32_t asked = 0;

        memcpy(&asked, self->body + 4, sizeof asked);
        memset(self->reply + 8 + answer.n, 0, asked - answer.n);
        memcpy(self->reply, head, sizeof head);
        return from_answer(&answer, 8 + asked);
    }
    memcpy(self->reply, head, sizeof head);
    return from_answer(&answer, 8 + answer.n);
}

static Outcome
on_data_write(SimServer *self, size_t size)
{
    uint32_t head[2];
    SimAnswer answer = { 0 };

    if (size < sizeof head)
        return (Outcome){ .code = EINVAL };
    memcpy(head, self->body, sizeof head);
    if (head[1] > self->max_xfer || head[1] != size - sizeof head)
        return (Outcome){ .code = EINVAL };
    answer = sim_device_write(self->device, self->body + sizeof head, head[1]);
    return from_answer(&answer, 0);
}

static Outcome
on_reset(SimServer *self, size_t size)
{
    SimAnswer answer = { 0 };

    (void)size;
    answer = sim_device_reset(self->device);
    return from_answer(&answer, 0);
}

static Outcome
on_region(SimServer *self, size_t size, bool write)
{
    /* vendor 1234, device 5678, revision 1, class 078000: "other communication controller" */
    static const uint8_t config[64] = { 0x34, 0x12, 0x78, 0x56, 0, 0, 0, 0, 1, 0, 0x80, 7 };
    uint64_t reg = sim_device_register(self->device);
    struct {
        uint64_t offset;
        uint32_t region;
        uint32_t count;
    } head;

    if (size < sizeof head)
        return (Outcome){ .code = EINVAL };
    memcpy(&head, self->body, sizeof head);
    memcpy(self->reply, &head, sizeof head);
    if (head.region == FERRY_VFIO_PCI_CONFIG_REGION && !write && head.offset < 64 &&
        head.count <= 64 - head.offset) {
        memcpy(self->reply + sizeof head, config + head.offset, head.count);
        return (Outcome){ .n = sizeof head + head.count };
    }
    if (head.region != SIM_REGION || head.offset < SIM_OFFSET || head.offset > SIM_OFFSET + 7 ||
        head.count > 8 - (head.offset - SIM_OFFSET))
        return (Outcome){ .code = EINVAL };
    if (!write) {
        memcpy(self->reply + sizeof head, (const char *)&reg + (head.offset - SIM_OFFSET),
               head.count);
        return (Outcome){ .n = sizeof head + head.count };
    }
    if (size != sizeof head + head.count)
        return (Outcome){ .code = EINVAL };
    memcpy((char *)&reg + (head.offset - SIM_OFFSET), self->body + sizeof head, head.count);
    sim_device_set_register(self->device, reg);
    return (Outcome){ .n = sizeof head };
}

static Outcome
on_region_read(SimServer *self, size_t size)
{
    return on_region(self, size, false);
}

static Outcome
on_region_write(SimServer *self, size_t size)
{
    return on_region(self, size, true);
}

static const struct {
    Outcome (*run)(SimServer *self, size_t size);
    bool served_stopped; /* libvfio-user: in STOP and STOP_COPY too */
} commands[N_COMMANDS] = {
    [1] = { on_version, true },     [4] = { on_get_info, false },
    [9] = { on_region_read, true }, [10] = { on_region_write, true },
    [13] = { on_reset, false },     [16] = { on_feature, true },
    [17] = { on_data_read, true },  [18] = { on_data_write, true },
};

static Outcome
dispatch(SimServer *self, const Header *header, size_t size)
{
    FerryMigState state = sim_device_state(self->device);
    bool stopped = state == FERRY_MIG_STATE_STOP || state == FERRY_MIG_STATE_STOP_COPY;

    if (header->command >= N_COMMANDS || commands[header->command].run == NULL)
        return (Outcome){ .code = EINVAL };
    if (self->options.libvfio_user && stopped && !commands[header->command].served_stopped)
        return (Outcome){ .code = EINVAL };
    return commands[header->command].run(self, size);
}

/* A command of the server's own before the reply: the client has to answer it, then go on. */
static bool
chat(SimServer *self)
{
    uint64_t payload[2] = { 0x1000, 8 };
    Header header = { .id = 999, .command = 11, .size = 32 };
    struct iovec parts[] = { { &header, sizeof header }, { payload, sizeof payload } };

    return send_parts(self, parts, 2);
}

static bool
send_reply(SimServer *self, const Header *request, const Outcome *outcome)
{
    Header header = { .id = request->id,
                      .command = request->command,
                      .size = HEADER_BYTES + (outcome->code == 0 ? (uint32_t)outcome->n : 0),
                      .flags = outcome->code == 0 ? 1 : 0x21,
                      .error_no = (uint32_t)outcome->code };
    struct iovec parts[] = { { &header, sizeof header }, { self->reply, outcome->n } };

    if (self->options.delay_us > 0)
        g_usleep((unsigned long)self->options.delay_us);
    return send_parts(self, parts, outcome->code == 0 && outcome->n > 0 ? 2 : 1);
}

static bool
recv_body(SimServer *self, size_t size)
{
    if (!self->options.recv_once)
        return recv_all(self, self->body, size);
    return size == 0 || recv(self->fd, self->body, size, 0) == (ssize_t)size;
}

void
sim_server_serve(SimServer *self, int fd)
{
    Header header;

    self->fd = fd;
    while (recv_all(self, &header, sizeof header)) {
        size_t size = header.size - HEADER_BYTES;
        Outcome outcome = { 0 };

        if ((header.flags & 0xf) == 1) { /* the answer to what a chatty server asked */
            if (size != 0)
                break;
            continue;
        }
        if (header.size < HEADER_BYTES || size > MAX_BODY || !recv_body(self, size))
            break;
        outcome = dispatch(self, &header, size);
        if (outcome.end || (self->options.chatty && header.command != 1 && !chat(self)) ||
            !send_reply(self, &header, &outcome))
            break;
    }
    (void)close(fd);
    self->fd = -1;
}

static void *
serve_thread(void *data)
{
    SimServer *self = data;

    sim_server_serve(self, self->fd);
    return NULL;
}

void
sim_server_start(SimServer *self, int fd)
{
    self->fd = fd;
    self->started = true;
    g_assert_cmpint(pthread_create(&self->thread, NULL, serve_thread, self), ==, 0);
}

void
sim_server_join(SimServer *self)
{
    if (self->started)
        g_assert_cmpint(pthread_join(self->thread, NULL), ==, 0);
    self->started = false;
}

SimDevice *
sim_server_device(SimServer *self)
{
    return self->device;
}

void
sim_server_free(SimServer *self)
{
    sim_server_join(self);
    sim_device_free(self->device);
    g_free(self->body);
    g_free(self->reply);
    g_free(self);
}
