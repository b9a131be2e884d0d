#include "vfio/stream.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "vfio/crc32c.h"

#define PIECE FERRY_STREAM_PIECE

static const size_t sizes[] = {
    1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7, FERRY_FRAME_MAX_DATA
};

/* A stream in a file of memory, which a test can damage before it is read. */
typedef struct {
    int fd;
    FerryChannel *channel;
    FerryFrameTrack track;
    uint8_t *bytes; /* FERRY_FRAME_MAX_DATA of a pattern */
    uint8_t *buf;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    (void)data;
    f->fd = memfd_create("stream", MFD_CLOEXEC);
    g_assert_cmpint(f->fd, >=, 0);
    f->channel = ferry_channel_new_fd(f->fd, FERRY_CHANNEL_ONE_WAY, "the stream", 1000);
    ferry_frame_track_init(&f->track);
    f->bytes = g_malloc(FERRY_FRAME_MAX_DATA);
    f->buf = g_malloc(FERRY_FRAME_MAX_DATA);
    for (size_t i = 0; i < FERRY_FRAME_MAX_DATA; i++)
        f->bytes[i] = (uint8_t)(i * 31 + i / 251);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    (void)data;
    ferry_channel_free(f->channel);
    ferry_frame_track_clear(&f->track);
    g_free(f->bytes);
    g_free(f->buf);
}

static void
send_frame(Fixture *f, FerryFrameType type, const void *payload, size_t size)
{
    FerryFrame frame = { .type = type, .length = (uint32_t)size };

    g_assert_true(ferry_stream_send(f->channel, &f->track, &frame, payload, NULL));
}

/* What a device's stream is: its description, one frame of data, the end. */
static void
send_stream(Fixture *f, size_t size)
{
    uint8_t totals[FERRY_FRAME_END_BYTES];

    send_frame(f, FERRY_FRAME_META, "{}", 2);
    send_frame(f, FERRY_FRAME_DATA, f->bytes, size);
    ferry_frame_track_end(&f->track, totals);
    send_frame(f, FERRY_FRAME_END, totals, sizeof totals);
}

static void
rewind_stream(Fixture *f)
{
    g_assert_cmpint(lseek(f->fd, 0, SEEK_SET), ==, 0);
    ferry_frame_track_clear(&f->track);
    ferry_frame_track_init(&f->track);
    f->channel->received = 0;
}

static bool
recv_frame(Fixture *f, size_t capacity, FerryFrame *ret, GError **error)
{
    uint8_t header[FERRY_FRAME_HEADER_BYTES];
    uint64_t offset = 0;

    return ferry_stream_recv_header(f->channel, ret, header, &offset, error) &&
           ferry_stream_recv_tracked(f->channel, &f->track, ret, header, offset, f->buf, capacity,
                                     error);
}

/* Receives all; the data, once they were let pass, are those that were sent. */
static bool
recv_stream(Fixture *f, GError **error)
{
    while (!f->track.ended) {
        FerryFrame frame = { 0 };

        if (!recv_frame(f, FERRY_FRAME_MAX_DATA, &frame, error))
            return false;
        if (frame.type == FERRY_FRAME_DATA)
            g_assert_cmpmem(f->buf, frame.length, f->bytes, frame.length);
    }
    return true;
}

static void
start_again(Fixture *f)
{
    g_assert_cmpint(ftruncate(f->fd, 0), ==, 0);
    rewind_stream(f);
}

static void
test_round_trip(Fixture *f, gconstpointer data)
{
    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;

        start_again(f);
        send_stream(f, sizes[i]);
        rewind_stream(f);
        (void)recv_stream(f, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(f->track.data_bytes, ==, sizes[i]);
    }
}

/* Summed in pieces beforehand or by the sender: the same bytes leave. */
static void
test_summed_in_pieces(Fixture *f, gconstpointer data)
{
    FerryFrame frame = { .type = FERRY_FRAME_DATA, .length = 3 * PIECE + 7 };
    uint8_t headers[2][FERRY_FRAME_HEADER_BYTES];

    (void)data;
    for (size_t done = 0; done < frame.length; done += PIECE)
        frame.crc = ferry_crc32c(frame.crc, f->bytes + done, MIN(PIECE, frame.length - done));
    send_frame(f, FERRY_FRAME_META, "{}", 2);
    off_t at = lseek(f->fd, 0, SEEK_CUR);
    g_assert_true(ferry_stream_send_summed(f->channel, &f->track, &frame, f->bytes, NULL));
    g_assert_cmpint(pread(f->fd, headers[0], sizeof headers[0], at), ==, sizeof headers[0]);
    start_again(f);
    send_frame(f, FERRY_FRAME_META, "{}", 2);
    send_frame(f, FERRY_FRAME_DATA, f->bytes, frame.length);
    g_assert_cmpint(pread(f->fd, headers[1], sizeof headers[1], at), ==, sizeof headers[1]);
    g_assert_cmpmem(headers[0], sizeof headers[0], headers[1], sizeof headers[1]);
}

/* A bit anywhere: in the first piece, at a border, in the last, in the totals. */
static void
test_flipped(Fixture *f, gconstpointer data)
{
    const size_t first = 2 * FERRY_FRAME_HEADER_BYTES + 2;
    const size_t places[] = { 33,
                              first,
                              first + PIECE - 1,
                              first + PIECE,
                              first + 3 * PIECE + 6,
                              first + 3 * PIECE + 7 + FERRY_FRAME_HEADER_BYTES + 20 };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GError) error = NULL;
        uint8_t byte = 0;

        start_again(f);
        send_stream(f, 3 * PIECE + 7);
        g_assert_cmpint(pread(f->fd, &byte, 1, (off_t)places[i]), ==, 1);
        byte ^= 0x10;
        g_assert_cmpint(pwrite(f->fd, &byte, 1, (off_t)places[i]), ==, 1);
        rewind_stream(f);
        g_assert_false(recv_stream(f, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
        g_assert_nonnull(strstr(error->message, "damaged at byte "));
    }
}

static void
test_cut(Fixture *f, gconstpointer data)
{
    const off_t first = 2 * FERRY_FRAME_HEADER_BYTES + 2;
    const off_t places[] = { 0, 1, 33, first, first + 1, first + PIECE, first + 3 * PIECE + 6 };

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *expected = g_strdup_printf("ends at byte %d,", (int)places[i]);

        start_again(f);
        send_stream(f, 3 * PIECE + 7);
        g_assert_cmpint(ftruncate(f->fd, places[i]), ==, 0);
        rewind_stream(f);
        g_assert_false(recv_stream(f, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
        g_assert_nonnull(strstr(error->message, expected));
    }
}

static void
test_more_than_there_is_room(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    FerryFrame frame = { 0 };

    (void)data;
    send_stream(f, PIECE + 1);
    rewind_stream(f);
    g_assert_true(recv_frame(f, PIECE, &frame, NULL));
    g_assert_false(recv_frame(f, PIECE, &frame, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_nonnull(strstr(error->message, "Raise it"));
}

static void
test_answers(Fixture *f, gconstpointer data)
{
    static const char json[] = "{\"answer\":\"accepted\"}";
    g_autofree char *text = NULL;
    g_autofree char *none = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    g_assert_true(ferry_stream_send_answer(f->channel, json, NULL));
    send_frame(f, FERRY_FRAME_META, "{}", 2);
    rewind_stream(f);
    g_assert_true(ferry_stream_recv_answer(f->channel, &text, NULL));
    g_assert_cmpstr(text, ==, json);
    g_assert_false(ferry_stream_recv_answer(f->channel, &none, &error));
    g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
    g_assert_nonnull(strstr(error->message, "where an answer was due"));
}

#define ADD(name, func) g_test_add("/stream/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("round-trip", test_round_trip);
    ADD("summed-in-pieces", test_summed_in_pieces);
    ADD("flipped", test_flipped);
    ADD("cut", test_cut);
    ADD("more-than-there-is-room", test_more_than_there_is_room);
    ADD("answers", test_answers);
    return g_test_run();
}
