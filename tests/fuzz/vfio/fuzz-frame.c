/* Headers and answers as they come off the wire: decoded, or refused with a message. */
#include <string.h>

#include "vfio/answer.h"
#include "vfio/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) answer_error = NULL;
    g_auto(FerryVfioAnswer) answer = { 0 };

    if (ferry_vfio_answer_parse(text, &answer, &answer_error)) {
        g_autofree char *again = ferry_vfio_answer_format(&answer);
        g_auto(FerryVfioAnswer) second = { 0 };

        g_assert_true(ferry_vfio_answer_parse(again, &second, NULL));
        g_assert_cmpint(second.kind, ==, answer.kind);
    }
    for (size_t at = 0; at + FERRY_FRAME_HEADER_BYTES <= size; at += FERRY_FRAME_HEADER_BYTES) {
        g_autoptr(GError) error = NULL;
        FerryFrame frame = { 0 };
        uint8_t again[FERRY_FRAME_HEADER_BYTES];

        if (!ferry_frame_decode(data + at, at, &frame, &error)) {
            g_assert_nonnull(error);
            continue;
        }
        ferry_frame_encode(&frame, again);
        g_assert_cmpmem(again, sizeof again, data + at, sizeof again);
    }
    return 0;
}
