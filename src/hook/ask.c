#include "hook/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "hook/answer.h"

/* A problem document is some hundred bytes; reasons make it longer. */
#define ANSWER_MAX_BYTES ((size_t)64 << 10)

/* One connection; nothing of it waits beyond the deadline. */
typedef struct {
    int fd;
    int64_t deadline_ms;
    bool failed;
    size_t n;
    char buffer[16 << 10]; /* not yet sent */
} Line;

static int64_t
now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Returns: whether it became ready for @events in time */
static bool
wait_for(const Line *line, short events)
{
    struct pollfd poll_fd = { .fd = line->fd, .events = events };

    for (;;) {
        const int64_t left_ms = line->deadline_ms - now_ms();
        const int n = left_ms > 0 ? poll(&poll_fd, 1, (int)left_ms) : 0;

        if (n < 0 && errno == EINTR)
            continue;
        return n > 0;
    }
}

static void
flush(Line *line)
{
    size_t sent = 0;

    while (!line->failed && sent < line->n) {
        const ssize_t n = send(line->fd, line->buffer + sent, line->n - sent, MSG_NOSIGNAL);

        if (n > 0)
            sent += (size_t)n;
        else if (errno != EINTR && (errno != EAGAIN || !wait_for(line, POLLOUT)))
            line->failed = true;
    }
    line->n = 0;
}

static void
put(Line *line, const char *text, size_t length)
{
    if (line->n + length > sizeof(line->buffer))
        flush(line);
    memcpy(line->buffer + line->n, text, length);
    line->n += length;
}

/* One byte of a JSON string.  Returns: how many bytes it takes */
static size_t
escape(char c, char ret[static 8])
{
    if (c == '"' || c == '\\')
        return (size_t)snprintf(ret, 8, "\\%c", c);
    if ((unsigned char)c < 0x20)
        return (size_t)snprintf(ret, 8, "\\u%04x", (unsigned)c);
    ret[0] = c;
    return 1;
}

static size_t
escaped_length(const char *text)
{
    char bytes[8];
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += escape(*text, bytes);
    return n;
}

static void
put_escaped(Line *line, const char *text)
{
    char bytes[8];

    for (; *text != '\0'; text++) {
        const size_t n = escape(*text, bytes); /* before put() sees the array */

        put(line, bytes, n);
    }
}

static void
put_question(Line *line, const HookQuestion *question)
{
    static const char end[] = "\"}";
    const char *const members[][2] = {
        { "{\"operation\":\"", question->operation },
        { "\",\"guest\":\"", question->guest },
        { "\",\"reason\":\"", question->reason },
        { "\",\"xml\":\"", question->xml },
    };
    const size_t n_members = sizeof(members) / sizeof(members[0]);
    size_t length = strlen(end);
    char head[256];

    for (size_t i = 0; i < n_members; i++)
        length += strlen(members[i][0]) + escaped_length(members[i][1]);
    (void)snprintf(head, sizeof(head),
                   "POST /v1/hook HTTP/1.1\r\nHost: ferryd\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                   length);
    put(line, head, strlen(head));
    for (size_t i = 0; i < n_members; i++) {
        put(line, members[i][0], strlen(members[i][0]));
        put_escaped(line, members[i][1]);
    }
    put(line, end, strlen(end));
    flush(line);
}

/* Returns: false when it did not end in time; @ret: what came, with a 0 byte */
static bool
take_answer(const Line *line, char ret[static ANSWER_MAX_BYTES])
{
    size_t n = 0;
    bool in_time = true;

    while (n + 1 < ANSWER_MAX_BYTES && in_time) {
        const ssize_t got = recv(line->fd, ret + n, ANSWER_MAX_BYTES - 1 - n, 0);

        if (got > 0)
            n += (size_t)got;
        else if (got < 0 && errno == EAGAIN)
            in_time = wait_for(line, POLLIN);
        else if (got == 0 || errno != EINTR)
            break;
    }
    ret[n] = '\0';
    return in_time;
}

/* Connecting to a Unix socket is done at once, or refused, or its queue is full (EAGAIN). */
static bool
connect_to(const char *path, int *ret_fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        *ret_fd = fd;
        return true;
    }
    if (fd >= 0)
        (void)close(fd);
    return false;
}

HookAsk
hook_ask(const char *socket_path,
         const HookQuestion *question,
         int64_t limit_ms,
         char *ret_why,
         size_t n_bytes)
{
    static const HookAsk meanings[] = { [HOOK_ANSWER_YES] = HOOK_ASK_YES,
                                        [HOOK_ANSWER_NO] = HOOK_ASK_NO,
                                        [HOOK_ANSWER_GARBAGE] = HOOK_ASK_FAILED };
    char answer[ANSWER_MAX_BYTES];
    Line line = { .fd = -1, .deadline_ms = now_ms() + limit_ms };
    bool in_time = false;
    HookAnswer meaning = HOOK_ANSWER_GARBAGE;

    if (!connect_to(socket_path, &line.fd)) {
        (void)snprintf(ret_why, n_bytes, "%s: %s", socket_path, strerror(errno));
        return HOOK_ASK_AWAY;
    }
    put_question(&line, question);
    in_time = take_answer(&line, answer); /* one that was sent before the question's end, too */
    (void)close(line.fd);
    meaning = hook_answer_read(answer, ret_why, n_bytes);
    if (meaning == HOOK_ANSWER_GARBAGE)
        (void)snprintf(ret_why, n_bytes, "%s",
                       in_time ? "it hung up without an answer that makes sense"
                               : "it did not answer in time");
    return meanings[meaning];
}
