#include "api/connections.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/file.h"

struct _FerryConnection {
    FerryConnection *previous, *next;
    char *address; /* NULL once it is no stranger's */
    int fd;
    FerryConnectionPhase phase;
    int64_t deadline_ms; /* 0: none */
    bool is_shut;
};

struct _FerryConnections {
    FerryConnectionLimits limits;
    pthread_mutex_t lock;   /* of all that follows */
    pthread_cond_t changed; /* an earlier deadline, the last one gone, or the end */
    FerryConnection *first;
    unsigned count;
    int64_t wake_ms; /* when the watching thread wakes by itself; 0: never */
    bool ending;     /* no new work */
    bool freed;      /* the watching thread has to go */
    pthread_t watcher;
};

static int64_t
now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

static void
shut(FerryConnection *connection)
{
    connection->is_shut = true;
    connection->deadline_ms = 0;
    (void)shutdown(connection->fd, SHUT_RDWR); /* fails if the other side was first */
}

/* Returns: the earliest deadline that is left, 0 if there is none. */
static int64_t
shut_the_late(FerryConnections *self)
{
    int64_t now = now_ms(), earliest = 0;

    for (FerryConnection *each = self->first; each != NULL; each = each->next) {
        if (each->deadline_ms != 0 && each->deadline_ms <= now)
            shut(each);
        if (each->deadline_ms != 0 && (earliest == 0 || each->deadline_ms < earliest))
            earliest = each->deadline_ms;
    }
    return earliest;
}

static void
wait_until(FerryConnections *self, int64_t until_ms)
{
    struct timespec until = { .tv_sec = until_ms / 1000,
                              .tv_nsec = (until_ms % 1000) * 1000 * 1000 };

    if (until_ms == 0)
        pthread_cond_wait(&self->changed, &self->lock);
    else
        pthread_cond_timedwait(&self->changed, &self->lock, &until);
}

static void *
watch(void *data)
{
    FerryConnections *self = data;

    pthread_mutex_lock(&self->lock);
    while (!self->freed) {
        self->wake_ms = shut_the_late(self);
        wait_until(self, self->wake_ms);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

FerryConnections *
ferry_connections_new(const FerryConnectionLimits *limits, GError **error)
{
    FerryConnections *self = g_new0(FerryConnections, 1);
    pthread_condattr_t monotonic;
    int code = 0;

    self->limits = *limits;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC); /* that of g_get_monotonic_time() */
    pthread_cond_init(&self->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    code = pthread_create(&self->watcher, NULL, watch, self);
    if (code == 0)
        return self;
    ferry_error_set_errno(error, code, "start a thread for", "the connections' deadlines");
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    g_free(self);
    return NULL;
}

void
ferry_connections_free(FerryConnections *self)
{
    if (self == NULL)
        return;
    g_assert(self->first == NULL);
    pthread_mutex_lock(&self->lock);
    self->freed = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->watcher, NULL);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    g_free(self);
}

bool
ferry_connections_welcome(FerryConnections *self, const char *address)
{
    unsigned all = 0, same = 0;

    if (address == NULL)
        return true;
    pthread_mutex_lock(&self->lock);
    for (FerryConnection *each = self->first; each != NULL; each = each->next) {
        all += each->address != NULL;
        same += each->address != NULL && strcmp(each->address, address) == 0;
    }
    pthread_mutex_unlock(&self->lock);
    return all < self->limits.max_strangers && same < self->limits.max_strangers_one;
}

/* At the end: a handler is let finish and its answer go out, within the answer's time limit. */
static bool
can_be_shut(FerryConnectionPhase phase)
{
    return phase != FERRY_CONNECTION_WORKING && phase != FERRY_CONNECTION_SENDING;
}

static void
set_phase(FerryConnections *self, FerryConnection *connection, FerryConnectionPhase phase)
{
    connection->phase = phase;
    connection->deadline_ms = 0;
    if (phase >= FERRY_CONNECTION_WORKING)
        return;
    connection->deadline_ms = now_ms() + self->limits.phase_ms[phase];
    if (self->wake_ms == 0 || connection->deadline_ms < self->wake_ms)
        pthread_cond_broadcast(&self->changed);
}

FerryConnection *
ferry_connections_add(FerryConnections *self, const char *address, int fd)
{
    FerryConnection *connection = g_new0(FerryConnection, 1);

    connection->fd = fd;
    connection->address = g_strdup(address);
    pthread_mutex_lock(&self->lock);
    connection->next = self->first;
    if (self->first != NULL)
        self->first->previous = connection;
    self->first = connection;
    self->count++;
    set_phase(self, connection, FERRY_CONNECTION_ARRIVING);
    if (self->ending)
        shut(connection);
    pthread_mutex_unlock(&self->lock);
    return connection;
}

void
ferry_connections_remove(FerryConnections *self, FerryConnection *connection)
{
    pthread_mutex_lock(&self->lock);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        self->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    self->count--;
    if (self->count == 0)
        pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    g_free(connection->address);
    g_free(connection);
}

void
ferry_connections_know(FerryConnections *self, FerryConnection *connection)
{
    pthread_mutex_lock(&self->lock);
    g_clear_pointer(&connection->address, g_free);
    pthread_mutex_unlock(&self->lock);
}

void
ferry_connections_enter(FerryConnections *self,
                        FerryConnection *connection,
                        FerryConnectionPhase phase)
{
    bool again = false;

    pthread_mutex_lock(&self->lock);
    again = phase == FERRY_CONNECTION_ARRIVING && phase == connection->phase;
    if (!connection->is_shut && !again)
        set_phase(self, connection, phase);
    if (self->ending && can_be_shut(phase))
        shut(connection);
    pthread_mutex_unlock(&self->lock);
}

/* POLLRDHUP: it closed its side, or all of it. */
static bool
has_hung_up(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLRDHUP };

    return poll(&poll_fd, 1, 0) > 0;
}

bool
ferry_connections_is_over(FerryConnections *self, const FerryConnection *connection)
{
    bool over = false;

    pthread_mutex_lock(&self->lock);
    over = self->ending || connection->is_shut;
    pthread_mutex_unlock(&self->lock);
    return over || has_hung_up(connection->fd);
}

bool
ferry_connections_end(FerryConnections *self, int64_t timeout_ms)
{
    int64_t until_ms = now_ms() + timeout_ms;
    bool none = false;

    pthread_mutex_lock(&self->lock);
    self->ending = true;
    for (FerryConnection *each = self->first; each != NULL; each = each->next) {
        if (can_be_shut(each->phase))
            shut(each);
    }
    while (self->count > 0 && now_ms() < until_ms)
        wait_until(self, until_ms);
    none = self->count == 0;
    pthread_mutex_unlock(&self->lock);
    return none;
}

unsigned
ferry_connections_count(FerryConnections *self)
{
    unsigned count = 0;

    pthread_mutex_lock(&self->lock);
    count = self->count;
    pthread_mutex_unlock(&self->lock);
    return count;
}
