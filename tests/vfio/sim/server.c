#include "sim/server.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sim/commands.h"

#define HEADER_BYTES 16
#define NO_REPLY     0x10
#define MAX_IO       (1024 * 1024)

typedef struct {
    uint16_t id;
    uint16_t command;
    uint32_t size;
    uint32_t flags;
    uint32_t error_no;
} Header;

struct _SimServer {
    SimCommands commands;
    int fd;
    pthread_t thread;
    bool started;
};

SimServer *
sim_server_new(SimDevice *device, const SimServerOptions *options)
{
    SimServer *self = g_new0(SimServer, 1);

    self->commands = (SimCommands){ .device = device,
                                    .options = *options,
                                    .max_xfer = options->max_xfer > 0 ? options->max_xfer : MAX_IO,
                                    .body = g_malloc(SIM_MAX_BODY),
                                    .reply = g_malloc0(SIM_MAX_BODY) };
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

    if (self->commands.options.chatty) {
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
send_reply(SimServer *self, const Header *request, const SimOutcome *outcome)
{
    Header header = { .id = request->id,
                      .command = request->command,
                      .size = HEADER_BYTES + (outcome->code == 0 ? (uint32_t)outcome->n : 0),
                      .flags = outcome->code == 0 ? 1 : 0x21,
                      .error_no = (uint32_t)outcome->code };
    struct iovec parts[] = { { &header, sizeof header }, { self->commands.reply, outcome->n } };

    if (self->commands.options.delay_us > 0)
        g_usleep((unsigned long)self->commands.options.delay_us);
    return send_parts(self, parts, outcome->code == 0 && outcome->n > 0 ? 2 : 1);
}

static bool
recv_body(SimServer *self, size_t size)
{
    if (!self->commands.options.recv_once)
        return recv_all(self, self->commands.body, size);
    return size == 0 || recv(self->fd, self->commands.body, size, 0) == (ssize_t)size;
}

void
sim_server_serve(SimServer *self, int fd)
{
    Header header;

    self->fd = fd;
    while (recv_all(self, &header, sizeof header)) {
        size_t size = header.size - HEADER_BYTES;
        SimOutcome outcome = { 0 };

        if ((header.flags & 0xf) == 1) { /* the answer to what a chatty server asked */
            if (size != 0)
                break;
            continue;
        }
        if (header.size < HEADER_BYTES || size > SIM_MAX_BODY || !recv_body(self, size))
            break;
        outcome = sim_commands_run(&self->commands, header.command, size);
        if (outcome.end)
            break;
        if (header.flags & NO_REPLY)
            continue;
        if ((self->commands.options.chatty && header.command != 1 && !chat(self)) ||
            !send_reply(self, &header, &outcome))
            break;
    }
    (void)close(fd);
    self->fd = -1;
    memset(self->commands.maps, 0, sizeof self->commands.maps); /* "Client Disconnection" */
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
    return self->commands.device;
}

void
sim_server_free(SimServer *self)
{
    sim_server_join(self);
    sim_device_free(self->commands.device);
    g_free(self->commands.body);
    g_free(self->commands.reply);
    g_free(self);
}
