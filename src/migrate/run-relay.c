/* T's half of the relay, in the run of a guest that comes: the tunnel's thread brings it, the job's
 * looks at it. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "migrate/run.h"

static void
lock(FerryRun *self)
{
    (void)pthread_mutex_lock(&self->lock);
}

static void
unlock(FerryRun *self)
{
    (void)pthread_mutex_unlock(&self->lock);
}

FerryRelayState
ferry_run_relay_state(void *data)
{
    FerryRun *self = data;
    FerryRelayState state = FERRY_RELAY_NONE;

    lock(self);
    if (self->relay != NULL)
        state = ferry_relay_state(self->relay);
    unlock(self);
    return state;
}

void
ferry_run_close_relay(void *data)
{
    FerryRun *self = data;

    lock(self);
    if (self->relay != NULL)
        ferry_relay_cut(self->relay);
    unlock(self);
}

void
ferry_run_drop_relay(FerryRun *self)
{
    FerryRelay *relay = NULL;

    lock(self);
    if (self->over && !self->relaying)
        relay = g_steal_pointer(&self->relay);
    unlock(self);
    ferry_relay_free(relay);
}

static bool
may_prepare(void *data)
{
    FerryRun *self = data;
    bool may = false;

    lock(self);
    may = self->answer.record == FERRY_T_PREPARED;
    unlock(self);
    return may;
}

static void
relay_changed(void *data)
{
    ferry_bell_ring(((FerryRun *)data)->migrator->bell);
}

static const FerryRelayWatch relay_watch = { .changed = relay_changed, .may_prepare = may_prepare };

static int
connect_libvirt(const char *path)
{
    FERRY_AUTOFD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
        return -1;
    (void)g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -1;
    return ferry_fd_steal(&fd);
}

void
ferry_run_relay(FerryRun *self, int fd)
{
    FerryMigrator *migrator = self->migrator;
    FERRY_AUTOFD int near = connect_libvirt(migrator->config.libvirt_socket);
    FERRY_AUTOFD int far = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* @fd itself is the server's */
    FerryRelay *relay = NULL;

    if (near < 0 || far < 0)
        return; /* the source sees the end of the tunnel, and its migration fails */
    relay = ferry_relay_new(FERRY_SIDE_TARGET, &relay_watch, self);
    lock(self);
    if (self->relay != NULL || self->over) { /* one a job: a second is none of ours */
        unlock(self);
        ferry_relay_free(relay);
        return;
    }
    self->relay = relay;
    self->relaying = true;
    unlock(self);
    if (ferry_relay_join(relay, ferry_fd_steal(&near), ferry_fd_steal(&far), NULL)) {
        while (!ferry_relay_far_broken(relay) && ferry_relay_state(relay) != FERRY_RELAY_NONE &&
               !ferry_run_is_over(self) && !ferry_migrator_is_stopping(migrator)) {
            uint64_t rung = ferry_bell_rung(migrator->bell);

            (void)ferry_bell_wait(migrator->bell, rung, 1000);
        }
    }
    lock(self);
    self->relaying = false;
    unlock(self);
    ferry_run_drop_relay(self);
}
