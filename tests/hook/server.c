#include "server.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct _Server {
    pthread_t thread;
    int listening;
    int ended[2]; /* a pipe: readable once the test wants the end */
    ServerManner manner;
    const char *answer;
    GString *request;
};

static bool
wait_for(const Server *self, int fd)
{
    struct pollfd polled[] = { { .fd = fd, .events = POLLIN },
                               { .fd = self->ended[0], .events = POLLIN } };

    g_assert_cmpint(poll(polled, G_N_ELEMENTS(polled), 20000), >, 0);
    return polled[0].revents != 0;
}

static bool
is_complete(const GString *request)
{
    const char *head_end = strstr(request->str, "\r\n\r\n");
    const char *length = strstr(request->str, "Content-Length: ");

    return head_end != NULL && length != NULL &&
           request->len >= (size_t)(head_end + 4 - request->str) +
                               strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static void
read_request(Server *self, int fd)
{
    char buffer[4096];

    while (!is_complete(self->request) && wait_for(self, fd)) {
        const ssize_t n = read(fd, buffer, sizeof(buffer));

        if (n <= 0)
            return;
        g_string_append_len(self->request, buffer, n);
    }
}

static void *
serve(void *data)
{
    Server *self = data;
    int fd = -1;

    if (!wait_for(self, self->listening))
        return NULL;
    fd = accept(self->listening, NULL, NULL);
    g_assert_cmpint(fd, >=, 0);
    if (self->manner != SERVER_CLOSES)
        read_request(self, fd);
    (void)send(fd, self->answer, strlen(self->answer), MSG_NOSIGNAL);
    if (self->manner == SERVER_HANGS)
        (void)wait_for(self, -1);
    g_assert_cmpint(close(fd), ==, 0);
    return NULL;
}

Server *
server_new(const char *socket_path, ServerManner manner, const char *answer)
{
    Server *self = g_new0(Server, 1);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    self->manner = manner;
    self->answer = answer;
    self->request = g_string_new(NULL);
    self->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, socket_path, sizeof(address.sun_path));
    g_assert_cmpint(bind(self->listening, (const struct sockaddr *)&address, sizeof(address)), ==,
                    0);
    g_assert_cmpint(listen(self->listening, 1), ==, 0);
    g_assert_cmpint(pipe(self->ended), ==, 0);
    g_assert_cmpint(pthread_create(&self->thread, NULL, serve, self), ==, 0);
    return self;
}

char *
server_end(Server *self)
{
    char *request = NULL;

    g_assert_cmpint(write(self->ended[1], "", 1), ==, 1);
    g_assert_cmpint(pthread_join(self->thread, NULL), ==, 0);
    g_assert_cmpint(close(self->listening) | close(self->ended[0]) | close(self->ended[1]), ==, 0);
    request = g_string_free(self->request, FALSE);
    g_free(self);
    return request;
}
