#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "api/serving.h"

/*
 * With TLS libmicrohttpd gives us one end of a socket pair and pumps the other in the connection's
 * thread, which begins only when its upgrade handler has returned; hence a thread of our own.  On a
 * Unix socket the descriptor is the connection itself.
 *
 * Until that handler is called the struct is the request's, for it never is if the caller hangs up
 * before our answer is out; then it is the thread's.
 */
struct _FerryUpgrade {
    FerryCall *call; /* NULL once the thread has it */
    FerryUpgradeFunc func;
    void *data;
    GDestroyNotify data_free;
    int fd;
    struct MHD_UpgradeResponseHandle *handle;
};

void
ferry_upgrade_free(FerryUpgrade *self)
{
    if (self == NULL)
        return;
    if (self->data_free != NULL)
        self->data_free(self->data);
    g_free(self);
}

static void *
run(void *data)
{
    FerryUpgrade *self = data;
    struct MHD_UpgradeResponseHandle *handle = self->handle;

    self->func(self->fd, self->data);
    ferry_upgrade_free(self);
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
    return NULL;
}

static bool
start(FerryUpgrade *self)
{
    pthread_attr_t detached;
    pthread_t thread;
    int code = 0;

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    code = pthread_create(&thread, &detached, run, self);
    pthread_attr_destroy(&detached);
    return code == 0;
}

/* libmicrohttpd's MHD_UpgradeHandler */
static void
on_upgrade(void *data,
           struct MHD_Connection *mhd,
           void *context,
           const char *extra,
           size_t extra_size,
           MHD_socket fd,
           struct MHD_UpgradeResponseHandle *handle)
{
    FerryUpgrade *self = data;
    FerryVisit *visit = self->call->visit;
    int flags = fcntl(fd, F_GETFL);

    (void)mhd;
    (void)context;
    (void)extra;
    self->call->is_upgraded = true;
    self->call->upgrade = NULL;
    self->call = NULL;
    self->fd = fd;
    self->handle = handle;
    ferry_connections_enter(visit->server->connections, visit->entry, FERRY_CONNECTION_UPGRADED);
    /* Bytes that came with the request came before our answer: no client of ours does that. */
    if (extra_size > 0 || flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
        !start(self)) {
        ferry_upgrade_free(self);
        MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
    }
}

struct MHD_Response *
ferry_upgrade_new(FerryResponse *self, FerryCall *call)
{
    FerryUpgrade *upgrade = g_new0(FerryUpgrade, 1);
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgrade, upgrade);

    upgrade->call = call;
    upgrade->func = self->upgrade;
    upgrade->data = g_steal_pointer(&self->data);
    upgrade->data_free = self->data_free;
    call->upgrade = upgrade;
    if (response != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, self->protocol);
    return response;
}
