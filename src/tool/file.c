/* save, load and inspect: one device and a file. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "tool/tool.h"
#include "vfio/state-file.h"
#include "vfio/stream.h"

/* The file is a copy, not a move: whatever became of it, the device goes on, unless asked
 * otherwise. */
static bool
keep_file(FerryStateFile *file, ToolDevice *tool, const ToolOptions *options, GError **error)
{
    g_autoptr(GError) local = NULL;
    bool kept = ferry_state_file_commit(file, error);

    if ((kept && options->stay_stopped) || ferry_vfio_device_recover(tool->device, &local))
        return kept;
    if (kept)
        g_propagate_error(error, g_steal_pointer(&local));
    else
        g_prefix_error(error, "%s; first: ", local->message);
    return false;
}

int
tool_save(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    g_auto(FerryStateFile) file = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(FerryChannel) channel = NULL;
    g_autofree char *meta = NULL;
    const char *metas[1] = { NULL };

    if (!tool_device_open(&tool, arguments[0], options, error))
        return 0;
    meta = tool_device_meta(&tool, error);
    if (meta == NULL || !ferry_state_file_create(&file, arguments[1], error))
        return 0;
    metas[0] = meta;
    channel = ferry_channel_new_fd(dup(file.fd), FERRY_CHANNEL_ONE_WAY, arguments[1],
                                   options->timeout_s * 1000);
    if (!ferry_pump_send(&tool.device, metas, 1, &channel, 1, &options->pump, &report, error))
        return 0;
    if (report.outcome == FERRY_PUMP_DONE && !keep_file(&file, &tool, options, error))
        return 0;
    return tool_report(&report, options, FERRY_VERDICT_YES);
}

static FerryChannel *
open_file(const char *path, const ToolOptions *options, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        (void)ferry_error_set_errno(error, errno, "open", path);
        return NULL;
    }
    return ferry_channel_new_fd(fd, FERRY_CHANNEL_ONE_WAY, path, options->timeout_s * 1000);
}

int
tool_load(char **arguments, const ToolOptions *options, GError **error)
{
    g_auto(ToolDevice) tool = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(FerryChannel) channel = open_file(arguments[1], options, error);
    ToolCheck check = { .devices = &tool, .options = options };

    if (channel == NULL || !tool_device_open(&tool, arguments[0], options, error))
        return 0;
    if (!ferry_pump_receive(&tool.device, 1, &channel, 1, tool_check, &check, &options->pump,
                            &report, error))
        return 0;
    return tool_report(&report, options, check.level);
}

/* Goes through a stream as a receiver would; the last frame's totals say whether it is whole. */
static bool
walk(FerryChannel *channel, FerryFrameTrack *track, json_t **ret_meta, GError **error)
{
    g_autofree char *payload = g_malloc(FERRY_FRAME_MAX_DATA + 1);
    uint8_t header[FERRY_FRAME_HEADER_BYTES];

    while (!track->ended) {
        FerryFrame frame = { 0 };
        uint64_t offset = 0;

        if (!ferry_stream_recv_header(channel, &frame, header, &offset, error))
            return false;
        if (!ferry_stream_recv_tracked(channel, track, &frame, header, offset, payload,
                                       FERRY_FRAME_MAX_DATA, error))
            return false;
        if (frame.type == FERRY_FRAME_META)
            *ret_meta = json_loadb(payload, frame.length, 0, NULL);
    }
    return true;
}

int
tool_inspect(char **arguments, const ToolOptions *options, GError **error)
{
    g_autoptr(FerryChannel) channel = open_file(arguments[0], options, error);
    FerryFrameTrack track;
    json_t *meta = NULL;
    json_t *root = NULL;
    uint8_t totals[FERRY_FRAME_END_BYTES];
    GString *digest = g_string_new(NULL);

    ferry_frame_track_init(&track);
    if (channel != NULL && walk(channel, &track, &meta, error)) {
        ferry_frame_track_end(&track, totals);
        for (unsigned i = 16; i < sizeof totals; i++)
            g_string_append_printf(digest, "%02x", totals[i]);
        root = json_pack("{s:s, s:I, s:I, s:s, s:O}", "file", arguments[0], "frames",
                         (json_int_t)track.n_frames, "state_bytes", (json_int_t)track.data_bytes,
                         "digest", digest->str, "description", meta != NULL ? meta : json_null());
        tool_print(root, options);
        json_decref(root);
    } else if (channel != NULL) {
        g_prefix_error(error, "%s: ", arguments[0]);
    }
    json_decref(meta);
    (void)g_string_free(digest, TRUE);
    ferry_frame_track_clear(&track);
    return 0;
}
