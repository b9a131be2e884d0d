#include "vfio/channel.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define BIG (3u << 20) /* more than a socket holds */

typedef struct {
    FerryChannel *a;
    FerryChannel *b;
} Pair;

static Pair
pair_new(int timeout_ms)
{
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    return (Pair){ ferry_channel_new_fd(fds[0], FERRY_CHANNEL_TWO_WAY, "b", timeout_ms),
                   ferry_channel_new_fd(fds[1], FERRY_CHANNEL_TWO_WAY, "a", timeout_ms) };
}

static void
pair_clear(Pair *pair)
{
    ferry_channel_free(pair->a);
    ferry_channel_free(pair->b);
}

static bool
send_text(FerryChannel *channel, const char *text, GError **error)
{
    struct iovec part = { (void *)text, strlen(text) };

    return channel->ops->send(channel->data, &part, 1, error);
}

static uint8_t *
pattern(size_t size)
{
    uint8_t *bytes = g_malloc(size);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    return bytes;
}

typedef struct {
    FerryChannel *channel;
    const uint8_t *bytes;
    size_t sizes[3];
} Send;

static void *
send_parts(void *data)
{
    Send *job = data;
    struct iovec parts[3];
    size_t at = 0;

    for (size_t i = 0; i < 3; i++) {
        parts[i] = (struct iovec){ (void *)(job->bytes + at), job->sizes[i] };
        at += job->sizes[i];
    }
    g_assert_true(job->channel->ops->send(job->channel->data, parts, 3, NULL));
    return NULL;
}

/* Parts of any size arrive whole and in order, also when the socket takes them in pieces. */
static void
test_parts(void)
{
    static const size_t sizes[][3] = {
        { 1, 2, 3 },
        { 0, 5, 0 },
        { 32, BIG, 1 },
        { BIG / 2, 7, BIG / 2 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        Pair pair = pair_new(10000);
        size_t all = sizes[i][0] + sizes[i][1] + sizes[i][2];
        g_autofree uint8_t *bytes = pattern(all);
        g_autofree uint8_t *got = g_malloc(all);
        Send job = { .channel = pair.a, .bytes = bytes };
        pthread_t thread;

        memcpy(job.sizes, sizes[i], sizeof job.sizes);
        g_assert_cmpint(pthread_create(&thread, NULL, send_parts, &job), ==, 0);
        g_assert_true(ferry_channel_recv(pair.b, got, all, NULL));
        g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
        g_assert_cmpint(memcmp(got, bytes, all), ==, 0);
        g_assert_cmpuint(pair.b->received, ==, all);
        pair_clear(&pair);
    }
}

static void
test_end_names_the_byte(void)
{
    Pair pair = pair_new(10000);
    char buf[8];
    g_autoptr(GError) error = NULL;

    g_assert_true(send_text(pair.a, "12345", NULL));
    ferry_channel_free(g_steal_pointer(&pair.a));
    g_assert_true(ferry_channel_recv(pair.b, buf, 3, NULL));
    g_assert_false(ferry_channel_recv(pair.b, buf, 8, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, "a ends at byte 5, in the middle of the stream");
    pair_clear(&pair);
}

static void
test_silence(void)
{
    Pair pair = pair_new(20);
    g_autofree uint8_t *bytes = g_malloc0(BIG);
    struct iovec part = { bytes, BIG };
    char byte = 0;
    g_autoptr(GError) receiving = NULL;
    g_autoptr(GError) sending = NULL;

    g_assert_false(ferry_channel_recv(pair.b, &byte, 1, &receiving));
    g_assert_error(receiving, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_false(pair.a->ops->send(pair.a->data, &part, 1, &sending)); /* nobody takes it */
    g_assert_error(sending, FERRY_ERROR, FERRY_ERROR_TIMEOUT);
    g_assert_nonnull(strstr(sending->message, "b did not answer within 20 ms"));
    pair_clear(&pair);
}

/* No SIGPIPE: the test would die of it. */
static void
test_peer_is_gone(void)
{
    Pair pair = pair_new(10000);
    g_autoptr(GError) error = NULL;

    ferry_channel_free(g_steal_pointer(&pair.b));
    g_assert_false(send_text(pair.a, "x", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_cmpstr(error->message, ==, "cannot write to b: Broken pipe");
    pair_clear(&pair);
}

static void
test_pending(void)
{
    Pair pair = pair_new(10000);
    char byte = 0;

    g_assert_false(pair.b->ops->pending(pair.b->data));
    g_assert_true(send_text(pair.a, "x", NULL));
    g_assert_true(pair.b->ops->pending(pair.b->data));
    g_assert_true(ferry_channel_recv(pair.b, &byte, 1, NULL));
    g_assert_false(pair.b->ops->pending(pair.b->data));
    ferry_channel_free(g_steal_pointer(&pair.a));
    g_assert_true(pair.b->ops->pending(pair.b->data)); /* the end is something to find */
    pair_clear(&pair);
}

/* Whoever waits is woken; what was sent before still arrives. */
static void
test_stop(void)
{
    Pair pair = pair_new(60000);
    char byte = 0;
    g_autoptr(GError) error = NULL;

    g_assert_true(send_text(pair.a, "x", NULL));
    pair.a->ops->stop(pair.a->data);
    g_assert_true(ferry_channel_recv(pair.b, &byte, 1, NULL));
    g_assert_false(ferry_channel_recv(pair.b, &byte, 1, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_false(ferry_channel_recv(pair.a, &byte, 1, NULL));
    pair_clear(&pair);
}

static void
test_file(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("ferry-channel-XXXXXX", &path, NULL);
    g_autoptr(FerryChannel) out = ferry_channel_new_fd(dup(fd), FERRY_CHANNEL_ONE_WAY, path, 1000);
    g_autoptr(FerryChannel) in = ferry_channel_new_fd(fd, FERRY_CHANNEL_ONE_WAY, path, 1000);
    struct iovec parts[] = { { (char *)"ab", 2 }, { (char *)"cde", 3 } };
    char buf[5];

    g_assert_true(out->ops->send(out->data, parts, 2, NULL));
    out->ops->stop(out->data); /* means nothing for a file */
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    g_assert_true(ferry_channel_recv(in, buf, 5, NULL));
    g_assert_cmpmem(buf, 5, "abcde", 5);
    g_assert_cmpint(unlink(path), ==, 0);
}

static void
test_full_disk(void)
{
    g_autoptr(FerryChannel) channel = ferry_channel_new_fd(open("/dev/full", O_WRONLY | O_CLOEXEC),
                                                           FERRY_CHANNEL_ONE_WAY, "the file", 1000);
    g_autoptr(GError) error = NULL;

    g_assert_false(send_text(channel, "x", &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED);
    g_assert_cmpstr(error->message, ==, "cannot write to the file: No space left on device");
}

static void
test_bad_descriptor(void)
{
    g_autoptr(FerryChannel) channel =
        ferry_channel_new_fd(-1, FERRY_CHANNEL_ONE_WAY, "nothing", 1000);
    char byte = 0;
    g_autoptr(GError) error = NULL;

    g_assert_false(ferry_channel_recv(channel, &byte, 1, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_IO);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ferry_channel_free(NULL);
    g_test_add_func("/channel/parts", test_parts);
    g_test_add_func("/channel/end-names-the-byte", test_end_names_the_byte);
    g_test_add_func("/channel/silence", test_silence);
    g_test_add_func("/channel/peer-is-gone", test_peer_is_gone);
    g_test_add_func("/channel/pending", test_pending);
    g_test_add_func("/channel/stop", test_stop);
    g_test_add_func("/channel/file", test_file);
    g_test_add_func("/channel/full-disk", test_full_disk);
    g_test_add_func("/channel/bad-descriptor", test_bad_descriptor);
    return g_test_run();
}
