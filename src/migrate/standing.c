#include "migrate/standing.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/file.h"

static void
lock(FerryStanding *self)
{
    (void)pthread_mutex_lock(&self->lock);
}

static void
unlock(FerryStanding *self)
{
    (void)pthread_mutex_unlock(&self->lock);
}

void
ferry_standing_init(FerryStanding *self)
{
    *self = (FerryStanding){ .state = FERRY_RELAY_NEW };
    (void)pthread_mutex_init(&self->lock, NULL); /* cannot fail without attributes */
    for (unsigned end = 0; end < FERRY_N_ENDS; end++)
        self->fds[end] = -1;
}

void
ferry_standing_clear(FerryStanding *self)
{
    for (unsigned end = 0; end < FERRY_N_ENDS; end++)
        ferry_fd_clear(&self->fds[end]);
    (void)pthread_mutex_destroy(&self->lock);
    g_clear_pointer(&self->breach, g_free);
}

int
ferry_standing_open(FerryStanding *self, int near_fd, int far_fd)
{
    int code = 0;

    lock(self);
    self->fds[FERRY_END_NEAR] = near_fd;
    self->fds[FERRY_END_FAR] = far_fd;
    self->fds[FERRY_END_WAKE] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->fds[FERRY_END_WAKE] < 0)
        code = errno;
    else
        self->state = FERRY_RELAY_OPEN;
    unlock(self);
    if (code != 0)
        ferry_standing_close(self);
    return code;
}

void
ferry_standing_set_near(FerryStanding *self, int fd)
{
    lock(self);
    self->fds[FERRY_END_NEAR] = fd;
    unlock(self);
}

void
ferry_standing_close(FerryStanding *self)
{
    lock(self);
    ferry_fd_clear(&self->fds[FERRY_END_NEAR]);
    ferry_fd_clear(&self->fds[FERRY_END_FAR]);
    self->state = FERRY_RELAY_NONE;
    unlock(self);
}

int
ferry_standing_fd(FerryStanding *self, FerryRelayEnd end)
{
    int fd = -1;

    lock(self);
    fd = self->fds[end];
    unlock(self);
    return fd;
}

FerryStandingLook
ferry_standing_look(FerryStanding *self)
{
    FerryStandingLook look = { .state = FERRY_RELAY_NONE };
    bool asked = false;

    lock(self);
    asked = self->state == FERRY_RELAY_HELD || self->state == FERRY_RELAY_REPLY;
    look = (FerryStandingLook){
        .state = self->state,
        .held_ms = self->held_ms,
        .breach = self->breach,
        .far_broken = self->far_broken,
        .cut = self->cut,
        .holding = asked && !self->released,
        .may_release = self->release_asked && !self->released && !self->cut,
    };
    unlock(self);
    return look;
}

void
ferry_standing_set_state(FerryStanding *self, FerryRelayState state)
{
    lock(self);
    if (!self->cut)
        self->state = state;
    unlock(self);
}

void
ferry_standing_set_far_broken(FerryStanding *self)
{
    lock(self);
    self->far_broken = true;
    unlock(self);
}

void
ferry_standing_set_breach(FerryStanding *self, char *breach)
{
    lock(self);
    if (self->breach == NULL)
        self->breach = g_steal_pointer(&breach);
    unlock(self);
    g_free(breach);
}

bool
ferry_standing_hold(FerryStanding *self, int64_t now_ms)
{
    bool sealed = false;

    lock(self);
    sealed = self->sealed;
    if (!sealed && self->state == FERRY_RELAY_OPEN) {
        self->state = FERRY_RELAY_HELD;
        self->held_ms = now_ms;
    }
    unlock(self);
    return !sealed;
}

bool
ferry_standing_seal(FerryStanding *self)
{
    bool asked = false;

    lock(self);
    asked = self->held_ms != 0;
    self->sealed = !asked;
    unlock(self);
    return !asked;
}

/* Under the lock.  Fails only when the counter is full: it is awake. */
static void
wake(FerryStanding *self)
{
    if (self->fds[FERRY_END_WAKE] >= 0)
        (void)eventfd_write(self->fds[FERRY_END_WAKE], 1);
}

void
ferry_standing_ask_release(FerryStanding *self)
{
    lock(self);
    if (self->state == FERRY_RELAY_REPLY) {
        self->release_asked = true;
        wake(self);
    }
    unlock(self);
}

void
ferry_standing_set_released(FerryStanding *self)
{
    lock(self);
    self->released = true;
    unlock(self);
}

void
ferry_standing_cut(FerryStanding *self)
{
    static const FerryRelayEnd ends[] = { FERRY_END_NEAR, FERRY_END_FAR };

    lock(self);
    self->cut = true;
    self->state = FERRY_RELAY_NONE;
    for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
        if (self->fds[ends[i]] >= 0)
            (void)shutdown(self->fds[ends[i]], SHUT_RDWR); /* fails where the other end has gone */
    }
    wake(self);
    unlock(self);
}
