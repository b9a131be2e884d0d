/*
 * The thread owns the two flows; what others may see or ask is in its standing.  I/O does not block
 * (MSG_DONTWAIT), but in poll.
 */
#include "migrate/relay.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "migrate/flow.h"
#include "migrate/relay-socket.h"
#include "migrate/standing.h"

/* Read no more while so much waits to be written: the other side's socket then fills up. */
#define MAX_PENDING_BYTES (64u << 10)

/* Directions. */
enum { TO_FAR, TO_NEAR, N_FLOWS };

struct _FerryRelay {
    FerrySide side;
    const FerryRelayWatch *watch;
    void *data;
    pthread_t thread;
    bool running; /* the thread is, or has to be joined */
    FerryStanding standing;

    /* the thread's own */
    FerryFlow *flows[N_FLOWS];
    bool eof[N_FLOWS];       /* of the side that the flow comes from */
    FerryRelaySocket socket; /* S's, until its client is there */
    bool changed;
};

/* Takes @breach. */
static FerryFlowVerdict
set_breach(FerryRelay *self, char *breach)
{
    ferry_standing_set_breach(&self->standing, breach);
    self->changed = true;
    return FERRY_FLOW_STOP;
}

/* Returns: false when the relay was sealed before */
static bool
begin_hold(FerryRelay *self)
{
    self->changed = true;
    return ferry_standing_hold(&self->standing, ferry_clock_system()->now_ms(ferry_clock_system()));
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
    if (self->side == FERRY_SIDE_TARGET || ferry_rpc_is_keepalive(header) ||
        !ferry_standing_look(&self->standing).holding)
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
    ferry_standing_init(&self->standing);
    self->socket.fd = -1;
    self->flows[TO_FAR] = ferry_flow_new(source ? judge_call : judge_reply, self);
    self->flows[TO_NEAR] = ferry_flow_new(source ? judge_reply : judge_call, self);
    return self;
}

static void
read_side(FerryRelay *self, unsigned direction)
{
    uint8_t buffer[16 << 10];
    int fd =
        ferry_standing_fd(&self->standing, direction == TO_FAR ? FERRY_END_NEAR : FERRY_END_FAR);
    ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

    if (n > 0)
        ferry_flow_feed(self->flows[direction], buffer, (size_t)n);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    self->eof[direction] = true; /* an error of a socket is its end, too */
    self->changed = true;
    if (direction == TO_NEAR)
        ferry_standing_set_far_broken(&self->standing);
}

static void
write_side(FerryRelay *self, unsigned direction)
{
    int fd =
        ferry_standing_fd(&self->standing, direction == TO_FAR ? FERRY_END_FAR : FERRY_END_NEAR);
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
    int fd = ferry_relay_socket_accept(&self->socket);

    if (fd >= 0)
        ferry_standing_set_near(&self->standing, fd);
}

static void
do_release(FerryRelay *self)
{
    if (ferry_standing_look(&self->standing).may_release &&
        ferry_flow_release(self->flows[TO_NEAR]))
        ferry_standing_set_released(&self->standing);
}

/* A side ended or broke the rules, and nothing is held: what it had sent goes out, then all closes.
 */
static bool
is_over(FerryRelay *self)
{
    if (ferry_standing_look(&self->standing).cut)
        return true;
    if (ferry_standing_look(&self->standing).holding)
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
    FerryRelayState state = FERRY_RELAY_REPLY;

    if (self->side == FERRY_SIDE_TARGET || !ferry_standing_look(&self->standing).holding)
        return;
    if (self->eof[TO_FAR])
        state = FERRY_RELAY_NONE; /* libvirt's call is over, whatever it thinks */
    else if (ferry_relay_state(self) == FERRY_RELAY_REPLY ||
             !ferry_flow_has_held(self->flows[TO_NEAR]))
        return;
    ferry_standing_set_state(&self->standing, state);
    self->changed = true;
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
    FerryStanding *standing = &self->standing;
    int wake_fd = ferry_standing_fd(standing, FERRY_END_WAKE);
    struct pollfd rows[N_POLL] = {
        [POLL_WAKE] = poll_row(wake_fd, true, false),
        [POLL_LISTEN] = poll_row(self->socket.fd, true, false),
        [POLL_NEAR] = poll_row(ferry_standing_fd(standing, FERRY_END_NEAR),
                               wants_read(self, TO_FAR), has_pending(self, TO_NEAR)),
        [POLL_FAR] = poll_row(ferry_standing_fd(standing, FERRY_END_FAR), wants_read(self, TO_NEAR),
                              has_pending(self, TO_FAR)),
    };
    eventfd_t count = 0;

    if (poll(rows, N_POLL, -1) < 0)
        return; /* EINTR, or no memory for now */
    if (rows[POLL_WAKE].revents != 0)
        (void)eventfd_read(wake_fd, &count);
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
    ferry_standing_close(&self->standing);
    ferry_relay_socket_clear(&self->socket);
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
    int code = ferry_standing_open(&self->standing, near_fd, far_fd);

    if (code == 0)
        code = pthread_create(&self->thread, NULL, run, self);
    if (code == 0) {
        self->running = true;
        return true;
    }
    close_all(self);
    return ferry_error_set_errno(error, code, "start", "the relay of a migration");
}

bool
ferry_relay_listen(FerryRelay *self, const char *socket_path, int tunnel_fd, GError **error)
{
    FERRY_AUTOFD int tunnel = tunnel_fd;

    g_assert(self->side == FERRY_SIDE_SOURCE &&
             ferry_standing_fd(&self->standing, FERRY_END_WAKE) < 0);
    if (!ferry_relay_socket_listen(socket_path, &self->socket, error))
        return false;
    return start(self, -1, ferry_fd_steal(&tunnel), error);
}

bool
ferry_relay_join(FerryRelay *self, int libvirt_fd, int tunnel_fd, GError **error)
{
    g_assert(self->side == FERRY_SIDE_TARGET &&
             ferry_standing_fd(&self->standing, FERRY_END_WAKE) < 0);
    return start(self, libvirt_fd, tunnel_fd, error);
}

FerryRelayState
ferry_relay_state(FerryRelay *self)
{
    return ferry_standing_look(&self->standing).state;
}

int64_t
ferry_relay_held_ms(FerryRelay *self)
{
    return ferry_standing_look(&self->standing).held_ms;
}

bool
ferry_relay_far_broken(FerryRelay *self)
{
    return ferry_standing_look(&self->standing).far_broken;
}

const char *
ferry_relay_breach(FerryRelay *self)
{
    return ferry_standing_look(&self->standing).breach;
}

bool
ferry_relay_seal(FerryRelay *self)
{
    return ferry_standing_seal(&self->standing);
}

void
ferry_relay_release(FerryRelay *self)
{
    ferry_standing_ask_release(&self->standing);
}

void
ferry_relay_cut(FerryRelay *self)
{
    ferry_standing_cut(&self->standing);
}

void
ferry_relay_free(FerryRelay *self)
{
    if (self == NULL)
        return;
    ferry_relay_cut(self);
    if (self->running)
        (void)pthread_join(self->thread, NULL);
    for (unsigned i = 0; i < N_FLOWS; i++)
        ferry_flow_free(self->flows[i]);
    ferry_standing_clear(&self->standing);
    g_free(self);
}
