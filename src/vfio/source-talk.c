/* What the source says outside the devices' streams, and what the receiver answers. */
#include <string.h>

#include "base/error.h"
#include "vfio/source.h"
#include "vfio/stream.h"

#define MAX_ACKS 1000 /* taken while another answer is due: one a device and round is normal */

static bool
recv_answer(FerryChannel *channel, FerryVfioAnswer *ret, GError **error)
{
    g_autofree char *text = NULL;

    return ferry_stream_recv_answer(channel, &text, error) &&
           ferry_vfio_answer_parse(text, ret, error);
}

/* A "failed" is the other side's error in its own words. */
static bool
gave_up(const FerryVfioAnswer *answer, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "the receiver gave up: %s",
                answer->kind == FERRY_VFIO_ANSWER_FAILED ? answer->reasons[0]
                                                         : "it is out of step");
    return false;
}

static bool
expect_answer(FerryChannel *channel, FerryVfioAnswerKind kind, GError **error)
{
    for (unsigned i = 0; i < MAX_ACKS; i++) {
        g_auto(FerryVfioAnswer) answer = { 0 };

        if (!recv_answer(channel, &answer, error))
            return false;
        if (answer.kind == kind)
            return true;
        if (answer.kind != FERRY_VFIO_ANSWER_ACKED)
            return gave_up(&answer, error);
    }
    return gave_up(&(FerryVfioAnswer){ .kind = FERRY_VFIO_ANSWER_ACKED }, error);
}

bool
source_expect(Source *pump, FerryVfioAnswerKind kind, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_wires && pump->crew.two_way; i++) {
        SourceWire *wire = &pump->wires[i];

        if (!(kind == FERRY_VFIO_ANSWER_LOADED && wire->loaded) &&
            !expect_answer(wire->channel, kind, error))
            return false;
    }
    return true;
}

bool
source_introduce(Source *pump, const char *const *metas, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_lanes; i++) {
        FerryFrame frame = { .type = FERRY_FRAME_META,
                             .device = (uint16_t)i,
                             .length = (uint32_t)strlen(metas[i]) };

        if (!ferry_stream_send(pump->wires[i % pump->crew.n_wires].channel, &pump->lanes[i].track,
                               &frame, metas[i], error))
            return false;
    }
    return true;
}

bool
source_ask_leave(Source *pump, FerryPumpReport *report, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_wires && pump->crew.two_way; i++) {
        g_auto(FerryVfioAnswer) answer = { 0 };

        if (!recv_answer(pump->wires[i].channel, &answer, error))
            return false;
        if (answer.kind == FERRY_VFIO_ANSWER_REFUSED) {
            report->outcome = FERRY_PUMP_REFUSED;
            g_strfreev(report->reasons);
            report->reasons = g_steal_pointer(&answer.reasons);
        } else if (answer.kind != FERRY_VFIO_ANSWER_ACCEPTED) {
            return gave_up(&answer, error);
        }
    }
    return true;
}

static bool
take_answer(Source *pump, SourceWire *wire, GError **error)
{
    g_auto(FerryVfioAnswer) answer = { 0 };

    if (!recv_answer(wire->channel, &answer, error))
        return false;
    if (answer.kind == FERRY_VFIO_ANSWER_LOADED && pump->stopping)
        wire->loaded = true;
    else if (answer.kind == FERRY_VFIO_ANSWER_ACKED && answer.device < pump->crew.n_lanes)
        pump->lanes[answer.device].acked_round = answer.round;
    else
        return gave_up(&answer, error);
    return true;
}

bool
source_take_answers(Source *pump, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_wires && pump->crew.two_way; i++) {
        FerryChannel *channel = pump->wires[i].channel;

        for (unsigned n = 0; n < MAX_ACKS && channel->ops->pending(channel->data); n++)
            if (!take_answer(pump, &pump->wires[i], error))
                return false;
    }
    return true;
}

bool
source_tell(Source *pump, FerryFrameType type, GError **error)
{
    bool ok = true;

    for (unsigned i = 0; i < pump->crew.n_wires && pump->crew.two_way; i++) {
        FerryFrame frame = { .type = type };
        FerryFrameTrack none;

        if (pump->wires[i].failed)
            continue;
        ferry_frame_track_init(&none);
        if (!ferry_stream_send(pump->wires[i].channel, &none, &frame, "", ok ? error : NULL))
            ok = false;
        ferry_frame_track_clear(&none);
    }
    return ok;
}

void
source_prefer_their_words(Source *pump, GError **error)
{
    for (unsigned i = 0; i < pump->crew.n_wires && pump->crew.two_way; i++) {
        FerryChannel *channel = pump->wires[i].channel;
        g_autoptr(GError) theirs = NULL;

        if (!g_error_matches(*error, FERRY_ERROR, FERRY_ERROR_PEER) ||
            !channel->ops->pending(channel->data))
            continue;
        if (!expect_answer(channel, FERRY_VFIO_ANSWER_LOADED, &theirs) &&
            g_str_has_prefix(theirs->message, "the receiver gave up")) {
            g_clear_error(error);
            g_propagate_error(error, g_steal_pointer(&theirs));
        }
    }
}
