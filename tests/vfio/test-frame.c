#include "vfio/frame.h"

#include <string.h>

#include "base/error.h"

static void
make_header(uint8_t *header)
{
    FerryFrame frame = { .type = FERRY_FRAME_DATA,
                         .device = 3,
                         .sequence = 1ull << 40,
                         .length = 1000,
                         .crc = 0x12345678 };

    ferry_frame_encode(&frame, header);
}

static void
test_round_trip(void)
{
    uint8_t header[FERRY_FRAME_HEADER_BYTES];
    FerryFrame frame = { 0 };

    make_header(header);
    g_assert_true(ferry_frame_decode(header, 0, &frame, NULL));
    g_assert_cmpint(frame.type, ==, FERRY_FRAME_DATA);
    g_assert_cmpuint(frame.device, ==, 3);
    g_assert_cmpuint(frame.sequence, ==, 1ull << 40);
    g_assert_cmpuint(frame.length, ==, 1000);
    g_assert_cmphex(frame.crc, ==, 0x12345678);
}

/* Any single bit that flips is seen, and the place is named. */
static void
test_every_flipped_bit(void)
{
    for (unsigned bit = 0; bit < FERRY_FRAME_HEADER_BYTES * 8; bit++) {
        uint8_t header[FERRY_FRAME_HEADER_BYTES];
        FerryFrame frame = { .length = 77 };
        g_autoptr(GError) error = NULL;

        make_header(header);
        header[bit / 8] = (uint8_t)(header[bit / 8] ^ (1u << (bit % 8)));
        g_assert_false(ferry_frame_decode(header, 4711, &frame, &error));
        g_assert_error(error, FERRY_ERROR, FERRY_ERROR_PEER);
        g_assert_nonnull(strstr(error->message, "the stream is damaged at byte 4711: "));
        g_assert_cmpuint(frame.length, ==, 77);
    }
}

typedef struct {
    const char *name;
    FerryFrame frame;
    const char *message; /* NULL: good */
} LimitRow;

static const LimitRow limit_rows[] = {
    { "largest-data", { .type = FERRY_FRAME_DATA, .length = FERRY_FRAME_MAX_DATA }, NULL },
    { "data-too-long", { .type = FERRY_FRAME_DATA, .length = FERRY_FRAME_MAX_DATA + 1 }, "length" },
    { "no-data", { .type = FERRY_FRAME_DATA }, "length" },
    { "endless", { .type = FERRY_FRAME_DATA, .length = UINT32_MAX }, "length" },
    { "meta-too-long", { .type = FERRY_FRAME_META, .length = FERRY_FRAME_MAX_TEXT + 1 }, "length" },
    { "end", { .type = FERRY_FRAME_END, .length = FERRY_FRAME_END_BYTES }, NULL },
    { "end-short", { .type = FERRY_FRAME_END, .length = 8 }, "length" },
    { "ping-with-data", { .type = FERRY_FRAME_PING, .length = 1 }, "length" },
    { "type-0", { .length = 1 }, "type" },
    { "type-9", { .type = (FerryFrameType)9, .length = 1 }, "type" },
    { "device-63", { .type = FERRY_FRAME_DATA, .device = 63, .length = 1 }, NULL },
    { "device-64", { .type = FERRY_FRAME_DATA, .device = 64, .length = 1 }, "device number" },
};

static void
test_limits(gconstpointer data)
{
    const LimitRow *row = data;
    uint8_t header[FERRY_FRAME_HEADER_BYTES];
    FerryFrame frame = { 0 };
    g_autoptr(GError) error = NULL;

    ferry_frame_encode(&row->frame, header);
    g_assert_cmpint(ferry_frame_decode(header, 0, &frame, &error), ==, row->message == NULL);
    if (row->message != NULL)
        g_assert_nonnull(strstr(error->message, row->message));
}

static void
test_order(void)
{
    FerryFrameTrack track;
    uint8_t header[FERRY_FRAME_HEADER_BYTES] = { 0 };
    const FerryFrame meta = { .type = FERRY_FRAME_META };
    const FerryFrame late_meta = { .type = FERRY_FRAME_META, .sequence = 1 };
    const FerryFrame data = { .type = FERRY_FRAME_DATA, .sequence = 1, .length = 5 };
    const FerryFrame end = { .type = FERRY_FRAME_END, .sequence = 2 };
    const FerryFrame after = { .type = FERRY_FRAME_DATA, .sequence = 3 };

    ferry_frame_track_init(&track);
    g_assert_false(ferry_frame_track_receive(&track, &data, header, 0, NULL)); /* no META yet */
    g_assert_true(ferry_frame_track_receive(&track, &meta, header, 0, NULL));
    g_assert_false(ferry_frame_track_receive(&track, &meta, header, 0, NULL));
    g_assert_false(ferry_frame_track_receive(&track, &late_meta, header, 0, NULL));
    g_assert_true(ferry_frame_track_receive(&track, &data, header, 0, NULL));
    g_assert_false(ferry_frame_track_receive(&track, &data, header, 0, NULL)); /* twice */
    g_assert_true(ferry_frame_track_receive(&track, &end, header, 0, NULL));
    g_assert_false(ferry_frame_track_receive(&track, &after, header, 0, NULL));
    g_assert_cmpuint(track.data_bytes, ==, 5);
    g_assert_cmpuint(track.n_frames, ==, 3);
    ferry_frame_track_clear(&track);
}

/* Both sides come to the same totals, and a change of one header to others. */
static void
test_digest(void)
{
    uint8_t ends[3][FERRY_FRAME_END_BYTES];

    for (unsigned i = 0; i < 3; i++) {
        FerryFrameTrack track;
        uint8_t header[FERRY_FRAME_HEADER_BYTES];
        FerryFrame frame = { .type = FERRY_FRAME_DATA, .length = 9, .crc = i == 2 };

        ferry_frame_track_init(&track);
        ferry_frame_track_send(&track, &frame, header);
        ferry_frame_track_end(&track, ends[i]);
        ferry_frame_track_clear(&track);
    }
    g_assert_cmpmem(ends[0], sizeof ends[0], ends[1], sizeof ends[1]);
    g_assert_cmpint(memcmp(ends[0], ends[2], sizeof ends[0]), !=, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(limit_rows); i++) {
        g_autofree char *path = g_strconcat("/frame/limits/", limit_rows[i].name, NULL);
        g_test_add_data_func(path, &limit_rows[i], test_limits);
    }
    g_test_add_func("/frame/round-trip", test_round_trip);
    g_test_add_func("/frame/every-flipped-bit", test_every_flipped_bit);
    g_test_add_func("/frame/order", test_order);
    g_test_add_func("/frame/digest", test_digest);
    return g_test_run();
}
