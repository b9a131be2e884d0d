#include "canned-server.h"

#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct _CannedServer {
    char *folder, *path, *answer;
    int fd;
    GString *heard;
    pthread_t thread;
};

static gboolean
is_whole(const GString *heard, gsize from)
{
    const char *end = strstr(heard->str + from, "\r\n\r\n");
    const char *length = strstr(heard->str + from, "Content-Length: ");

    if (end == NULL)
        return FALSE;
    return length == NULL || strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

static void
serve_one(CannedServer *self, int fd)
{
    gsize from = self->heard->len;
    char bytes[4096];
    ssize_t n = 0;

    while (!(self->answer != NULL && is_whole(self->heard, from)) &&
           (n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        g_string_append_len(self->heard, bytes, n);
    if (self->answer != NULL)
        (void)send(fd, self->answer, strlen(self->answer), MSG_NOSIGNAL);
}

static void *
serve(void *data)
{
    CannedServer *self = data;
    int fd = -1;

    while ((fd = accept(self->fd, NULL, NULL)) >= 0) {
        serve_one(self, fd);
        close(fd);
    }
    return NULL;
}

CannedServer *
canned_server_new(const char *answer)
{
    CannedServer *self = g_new0(CannedServer, 1);
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    self->answer = g_strdup(answer);
    self->heard = g_string_new(NULL);
    self->folder = g_dir_make_tmp("ferry-test-XXXXXX", NULL);
    self->path = g_build_filename(self->folder, "socket", NULL);
    g_strlcpy(address.sun_path, self->path, sizeof(address.sun_path));
    self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(self->fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(self->fd, 8), ==, 0);
    g_assert_cmpint(pthread_create(&self->thread, NULL, serve, self), ==, 0);
    return self;
}

const char *
canned_server_path(const CannedServer *self)
{
    return self->path;
}

char *
canned_server_end(CannedServer *self)
{
    char *heard = NULL;

    shutdown(self->fd, SHUT_RDWR);
    pthread_join(self->thread, NULL);
    close(self->fd);
    g_unlink(self->path);
    g_rmdir(self->folder);
    heard = g_string_free(self->heard, FALSE);
    g_free(self->folder);
    g_free(self->path);
    g_free(self->answer);
    g_free(self);
    return heard;
}
