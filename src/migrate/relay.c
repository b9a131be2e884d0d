/*
 * The thread owns the descriptors and the two flows.  What others may see or ask is in "shared",
 * under the lock; the lock is never held over a callback.  I/O does not block (MSG_DONTWAIT), but
 * in poll.
 */
#include "migrate/relay.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "migrate/flow.h"

/* Read no more while so much waits to be written: the other side's socket then fills up. */
#define MAX_PENDING_BYTES (64u << 10)

/* Directions, and the side that each comes from. */
enum { TO_FAR, TO_NEAR, N_FLOWS };
enum { NEAR, FAR, N_SIDES };

typedef struct {
    FerryRelayState state;
    int64_t held_ms;
    bool far_broken;
    bool sealed;
    bool release_asked, released;
    bool cut;
    bool running; /* the thread is, or has to be joined */
    char *breach; /* set at most once */
    int fds[N_SIDES];
} Shared;

struct _FerryRelay {
    FerrySide side;
    const FerryRelayWatch *watch;
    void *data;
    pthread_t thread;
    int wake_fd;

    pthread_mutex_t lock;
    Shared shared;

    /* the thread's own */
    FerryFlow *flows[N_FLOWS];
    bool eof[N_FLOWS]; /* of the side that the flow comes from */
    int listen_fd;
    char *socket_path; /* nullable: none to unlink */
    bool changed;
};

static Shared *
lock(FerryRelay *self)
{
    (void)pthread_mutex_lock(&self->lock);
    return &self->shared;
}

static void
unlock(FerryRelay *self)
{
    (void)pthread_mutex_unlock(&self->lock);
}

static int
fd_of(FerryRelay *self, unsigned side)
{
    int fd = lock(self)->fds[side];

    unlock(self);
    return fd;
}

/* Invariant 1: finish was asked and nothing is decided. */
static bool
is_holding(FerryRelay *self)
{
    const Shared *shared = lock(self);
    bool holding = (shared->state == FERRY_RELAY_HELD || shared->state == FERRY_RELAY_REPLY) &&
                   !shared->released;

    unlock(self);
    return holding;
}

static void
set_state(FerryRelay *self, FerryRelayState state)
{
    Shared *shared = lock(self);

    if (!shared->cut)
        shared->state = state;
    unlock(self);
    self->changed = true;
}

/* Finish is asked, the first time or again.  Returns: false when the relay was sealed before. */
static bool
begin_hold(FerryRelay *self)
{
    Shared *shared = lock(self);
    bool sealed = shared->sealed;

    if (!sealed && shared->state == FERRY_RELAY_OPEN) {
        shared->state = FERRY_RELAY_HELD;
        shared->held_ms = ferry_clock_system()->now_ms(ferry_clock_system());
        self->changed = true;
    }
    unlock(self);
    return !sealed;
}

/* Takes @breach; the first one stays. */
static FerryFlowVerdict
set_breach(FerryRelay *self, char *breach)
{
    Shared *shared = lock(self);

    if (shared->breach == NULL)
        shared->breach = g_steal_pointer(&breach);
    unlock(self);
    g_free(breach);
    self->changed = true;
    return FERRY_FLOW_STOP;
}

static FerryFlowVerdict
refuse_length(FerryRelay *self, const FerryRpcHeader *header)
{
    return set_breach(self,
                      g_strdup_printf("a message of %u bytes is not allowed", header->length));
}

/* Calls: from near at S, from far at T, where they are filtered. */
static FerryFlowVerdict
judge_call(void *data, const FerryRpcHeader *header)
{
    FerryRelay *self = data;

    if (!ferry_rpc_length_is_valid(header))
        return refuse_length(self, header);
    if (ferry_rpc_is_keepalive(header))
        return FERRY_FLOW_PASS;
    if (self->side == FERRY_SIDE_TARGET && !ferry_rpc_is_migration_call(header))
        return set_breach(self, g_strdup_printf("procedure %u of program 0x%08x is not allowed",
                                                header->procedure, header->program));
    if (self->side == FERRY_SIDE_TARGET && ferry_rpc_is_prepare_call(header) &&
        !self->watch->may_prepare(self->data))
        return set_breach(self, g_strdup("libvirt's prepare is not allowed before this host is "
                                         "prepared for the guest"));
    if (ferry_rpc_is_finish_call(header) && !begin_hold(self))
        return FERRY_FLOW_STOP; /* all closes: libvirt gives up by itself */
    return FERRY_FLOW_PASS;
}

/* Replies: from far at S, from near at T, where they just pass.  In the hold S lets nothing by but
 * keepalive: any other reply, too, could end libvirt's wait for finish. */
static FerryFlowVerdict
judge_reply(void *data, const FerryRpcHeader *header)
{
    FerryRelay *self = data;

    if (!ferry_rpc_length_is_valid(header))
        return refuse_length(self, header);
    if (self->side == FERRY_SIDE_TARGET || ferry_rpc_is_keepalive(header) || !is_holding(self))
        return FERRY_FLOW_PASS;
    if (ferry_rpc_is_finish_reply(header) && header->status == FERRY_RPC_STATUS_OK &&
        !ferry_flow_has_held(self->flows[TO_NEAR]))
        return FERRY_FLOW_HOLD;
    return FERRY_FLOW_DROP;
}

FerryRelay *
ferry_relay_new(FerrySide side, const FerryRelayWatch *watch, void *data)
{
    FerryRelay *self = g_new0(FerryRelay, 1);
    bool source = side == FERRY_SIDE_SOURCE;

    self->side = side;
    self->watch = watch;
    self->data = data;
    (void)pthread_mutex_init(&self->lock, NULL); /* cannot fail without attributes */
    self->shared.state = FERRY_RELAY_NEW;
    self->shared.fds[NEAR] = self->shared.fds[FAR] = -1;
    self->listen_fd = self->wake_fd = -1;
    self->flows[TO_FAR] = ferry_flow_new(source ? judge_call : judge_reply, self);
    self->flows[TO_NEAR] = ferry_flow_new(source ? judge_reply : judge_call, self);
    return self;
}

static void
read_side(FerryRelay *self, unsigned direction)
{
    uint8_t buffer[16 << 10];
    int fd = fd_of(self, direction == TO_FAR ? NEAR : FAR);
    ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

    if (n > 0)
        ferry_flow_feed(self->flows[direction], buffer, (size_t)n);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    self->eof[direction] = true; /* an error of a socket is its end, too */
    self->changed = true;
    if (direction == TO_NEAR) {
        lock(self)->far_broken = true;
        unlock(self);
    }
}

static void
write_side(FerryRelay *self, unsigned direction)
{
    int fd = fd_of(self, direction == TO_FAR ? FAR : NEAR);
    size_t pending = 0;
    const uint8_t *bytes = ferry_flow_pending(self->flows[direction], &pending);
    ssize_t n = 0;

    if (pending == 0 || fd < 0)
        return;
    n = send(fd, bytes, pending, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    /* Nobody is there to read it: reading from that side will tell its end. */
    ferry_flow_consume(self->flows[direction], n < 0 ? pending : (size_t)n);
}

static bool
has_pending(FerryRelay *self, unsigned direction)
{
    size_t pending = 0;

    (void)ferry_flow_pending(self->flows[direction], &pending);
    return pending > 0;
}

static bool
wants_read(FerryRelay *self, unsigned direction)
{
    size_t pending = 0;

    (void)ferry_flow_pending(self->flows[direction], &pending);
    return !self->eof[direction] && !ferry_flow_is_stopped(self->flows[direction]) &&
           pending < MAX_PENDING_BYTES;
}

static void
accept_client(FerryRelay *self)
{
    int fd = accept4(self->listen_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return; /* it has gone again */
    lock(self)->fds[NEAR] = fd;
    unlock(self);
    ferry_fd_clear(&self->listen_fd);
    (void)unlink(self->socket_path);
    g_clear_pointer(&self->socket_path, g_free);
}

static void
do_release(FerryRelay *self)
{
    Shared *shared = lock(self);

    if (shared->release_asked && !shared->released && !shared->cut &&
        ferry_flow_release(self->flows[TO_NEAR]))
        shared->released = true;
    unlock(self);
}

static bool
is_cut(FerryRelay *self)
{
    bool cut = lock(self)->cut;

    unlock(self);
    return cut;
}

/* A side ended or broke the rules, and nothing is held: what it had sent goes out, then all closes.
 */
static bool
is_over(FerryRelay *self)
{
    if (is_cut(self))
        return true;
    if (is_holding(self))
        return false;
    for (unsigned i = 0; i < N_FLOWS; i++) {
        if ((self->eof[i] || ferry_flow_is_stopped(self->flows[i])) && !has_pending(self, i))
            return true;
    }
    return false;
}

/* What follows from what was read. */
static void
update_state(FerryRelay *self)
{
    FerryRelayState state = ferry_relay_state(self);

    if (self->side == FERRY_SIDE_TARGET || !is_holding(self))
        return;
    if (self->eof[TO_FAR])
        set_state(self, FERRY_RELAY_NONE); /* libvirt's call is over, whatever it thinks */
    else if (state == FERRY_RELAY_HELD && ferry_flow_has_held(self->flows[TO_NEAR]))
        set_state(self, FERRY_RELAY_REPLY);
}

enum { POLL_WAKE, POLL_LISTEN, POLL_NEAR, POLL_FAR, N_POLL };

/* A descriptor that nothing is wanted of is left out: poll would report its hang-up for ever. */
static struct pollfd
poll_row(int fd, bool in, bool out)
{
    short events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));

    return (struct pollfd){ events == 0 ? -1 : fd, events, 0 };
}

static void
wait_for_work(FerryRelay *self)
{
    struct pollfd rows[N_POLL] = {
        [POLL_WAKE] = poll_row(self->wake_fd, true, false),
        [POLL_LISTEN] = poll_row(self->listen_fd, true, false),
        [POLL_NEAR] =
            poll_row(fd_of(self, NEAR), wants_read(self, TO_FAR), has_pending(self, TO_NEAR)),
        [POLL_FAR] =
            poll_row(fd_of(self, FAR), wants_read(self, TO_NEAR), has_pending(self, TO_FAR)),
    };
    eventfd_t count = 0;

    if (poll(rows, N_POLL, -1) < 0)
        return; /* EINTR, or no memory for now */
    if (rows[POLL_WAKE].revents != 0)
        (void)eventfd_read(self->wake_fd, &count);
    if (rows[POLL_LISTEN].revents != 0)
        accept_client(self);
    if (rows[POLL_NEAR].revents != 0 && wants_read(self, TO_FAR))
        read_side(self, TO_FAR);
    if (rows[POLL_FAR].revents != 0 && wants_read(self, TO_NEAR))
        read_side(self, TO_NEAR);
}

static void
tell(FerryRelay *self)
{
    if (self->changed)
        self->watch->changed(self->data);
    self->changed = false;
}

static void
close_all(FerryRelay *self)
{
    Shared *shared = lock(self);

    ferry_fd_clear(&shared->fds[NEAR]);
    ferry_fd_clear(&shared->fds[FAR]);
    shared->state = FERRY_RELAY_NONE;
    unlock(self);
    ferry_fd_clear(&self->listen_fd);
    if (self->socket_path != NULL)
        (void)unlink(self->socket_path);
    self->changed = true;
}

static void *
run(void *data)
{
    FerryRelay *self = data;

    while (!is_over(self)) {
        wait_for_work(self);
        update_state(self);
        do_release(self);
        write_side(self, TO_FAR);
        write_side(self, TO_NEAR);
        tell(self);
    }
    close_all(self);
    tell(self);
    return NULL;
}

static bool
start(FerryRelay *self, int near_fd, int far_fd, GError **error)
{
    Shared *shared = lock(self);
    int code = 0;

    shared->fds[NEAR] = near_fd;
    shared->fds[FAR] = far_fd;
    self->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->wake_fd < 0)
        code = errno;
    if (code == 0)
        code = pthread_create(&self->thread, NULL, run, self);
    if (code == 0) {
        shared->state = FERRY_RELAY_OPEN;
        shared->running = true;
    }
    unlock(self);
    if (code != 0) {
        close_all(self);
        return ferry_error_set_errno(error, code, "start", "the relay of a migration");
    }
    return true;
}

/* Mode 0600 from the first moment on: Linux takes it from the socket's own inode at bind. */
static bool
listen_at(const char *path, int *ret_fd, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    FERRY_AUTOFD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (strlen(path) >= sizeof(address.sun_path)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "cannot listen on %s: a socket's path has at most %zu bytes", path,
                    sizeof(address.sun_path) - 1);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    (void)unlink(path); /* left over from a ferryd that died: the name has the job's id in it */
    if (fd < 0 || fchmod(fd, 0600) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
        return ferry_error_set_errno(error, errno, "listen on", path);
    *ret_fd = ferry_fd_steal(&fd);
    return true;
}

bool
ferry_relay_listen(FerryRelay *self, const char *socket_path, int tunnel_fd, GError **error)
{
    FERRY_AUTOFD int tunnel = tunnel_fd;

    g_assert(self->side == FERRY_SIDE_SOURCE && self->wake_fd < 0);
    if (!listen_at(socket_path, &self->listen_fd, error))
        return false;
    self->socket_path = g_strdup(socket_path);
    return start(self, -1, ferry_fd_steal(&tunnel), error);
}

bool
ferry_relay_join(FerryRelay *self, int libvirt_fd, int tunnel_fd, GError **error)
{
    g_assert(self->side == FERRY_SIDE_TARGET && self->wake_fd < 0);
    return start(self, libvirt_fd, tunnel_fd, error);
}

FerryRelayState
ferry_relay_state(FerryRelay *self)
{
    FerryRelayState state = lock(self)->state;

    unlock(self);
    return state;
}

int64_t
ferry_relay_held_ms(FerryRelay *self)
{
    int64_t held_ms = lock(self)->held_ms;

    unlock(self);
    return held_ms;
}

bool
ferry_relay_far_broken(FerryRelay *self)
{
    bool broken = lock(self)->far_broken;

    unlock(self);
    return broken;
}

const char *
ferry_relay_breach(FerryRelay *self)
{
    const char *breach = lock(self)->breach;

    unlock(self);
    return breach;
}

bool
ferry_relay_seal(FerryRelay *self)
{
    Shared *shared = lock(self);
    bool asked = shared->held_ms != 0;

    shared->sealed = !asked;
    unlock(self);
    return !asked;
}

void
ferry_relay_release(FerryRelay *self)
{
    Shared *shared = lock(self);

    if (shared->state == FERRY_RELAY_REPLY) {
        shared->release_asked = true;
        (void)eventfd_write(self->wake_fd,
                            1); /* fails only when the counter is full: it is awake */
    }
    unlock(self);
}

void
ferry_relay_cut(FerryRelay *self)
{
    Shared *shared = lock(self);

    shared->cut = true;
    shared->state = FERRY_RELAY_NONE;
    for (unsigned side = 0; side < N_SIDES; side++) {
        if (shared->fds[side] >= 0)
            (void)shutdown(shared->fds[side], SHUT_RDWR); /* fails where the other end has gone */
    }
    if (self->wake_fd >= 0)
        (void)eventfd_write(self->wake_fd, 1);
    unlock(self);
}

void
ferry_relay_free(FerryRelay *self)
{
    if (self == NULL)
        return;
    ferry_relay_cut(self);
    if (self->shared.running)
        (void)pthread_join(self->thread, NULL);
    ferry_fd_clear(&self->wake_fd);
    for (unsigned i = 0; i < N_FLOWS; i++)
        ferry_flow_free(self->flows[i]);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self->socket_path);
    g_free(self->shared.breach);
    g_free(self);
}
