/* What a device says of its sizes: PRECOPY_INFO and MIG_DATA_SIZE. */
#include <errno.h>

#include "vfio/conform-check.h"
#include "vfio/uapi.h"

static bool
ask_info(Conform *self, uint32_t argsz, FerryPrecopyInfo *ret)
{
    return self->broken == NULL &&
           self->transport->ops->precopy_info(self->transport->data, argsz, ret, &self->broken);
}

static bool
has_info(Conform *self)
{
    if (self->transport->kind == FERRY_TRANSPORT_USER) {
        conform_say(self, FERRY_CHECK_SKIP, "the protocol has no such call");
        return false;
    }
    return conform_has_precopy(self);
}

static void
info_in_precopy(Conform *self)
{
    FerryPrecopyInfo info = { 0 };

    if (!has_info(self) || !conform_go(self, FERRY_MIG_STATE_PRE_COPY) ||
        !ask_info(self, sizeof(FerryUapiPrecopyInfo), &info))
        return;
    conform_say(self, info.code == 0 ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL,
                "%s, initial %" G_GUINT64_FORMAT ", dirty %" G_GUINT64_FORMAT,
                info.code == 0 ? "success" : g_strerror(info.code), info.initial_bytes,
                info.dirty_bytes);
}

static void
info_falls(Conform *self)
{
    g_autoptr(GByteArray) stream = g_byte_array_new();
    FerryPrecopyInfo info = { 0 };

    if (!has_info(self) || !conform_go(self, FERRY_MIG_STATE_PRE_COPY) ||
        conform_drain(self, stream, 65536) < 0 ||
        !ask_info(self, sizeof(FerryUapiPrecopyInfo), &info))
        return;
    if (info.code != 0)
        conform_expect(self, info.code, 0);
    else
        conform_say(self, info.initial_bytes == 0 ? FERRY_CHECK_PASS : FERRY_CHECK_NOTE,
                    "after %u bytes: initial %" G_GUINT64_FORMAT ", dirty %" G_GUINT64_FORMAT,
                    stream->len, info.initial_bytes, info.dirty_bytes);
}

static void
info_in_stop_copy(Conform *self)
{
    FerryPrecopyInfo info = { 0 };

    if (has_info(self) && conform_go(self, FERRY_MIG_STATE_PRE_COPY) &&
        conform_go(self, FERRY_MIG_STATE_STOP_COPY) &&
        ask_info(self, sizeof(FerryUapiPrecopyInfo), &info))
        conform_expect(self, info.code, EINVAL);
}

static void
info_short(Conform *self)
{
    FerryPrecopyInfo info = { 0 };

    if (has_info(self) && conform_go(self, FERRY_MIG_STATE_PRE_COPY) && ask_info(self, 16, &info))
        conform_expect(self, info.code, EINVAL);
}

static void
size_is_honest(Conform *self)
{
    FerrySize size = { 0 };

    if (!ferry_vfio_device_data_size(self->device, &size, &self->broken))
        return;
    if (!size.known || self->stream == NULL) {
        conform_say(self, FERRY_CHECK_SKIP, "no size is given");
        return;
    }
    bool near = size.bytes <= 2 * (uint64_t)self->stream->len &&
                2 * size.bytes >= (uint64_t)self->stream->len;
    bool none = size.bytes == 0 && self->stream->len > 0;
    conform_say(self,
                none   ? FERRY_CHECK_FAIL
                : near ? FERRY_CHECK_PASS
                       : FERRY_CHECK_NOTE,
                "predicted %" G_GUINT64_FORMAT ", came %u%s", size.bytes, self->stream->len,
                near ? "" : ": do not rely on it");
}

static void
size_falls(Conform *self)
{
    g_autoptr(GByteArray) stream = NULL;
    FerrySize before = { 0 };
    FerrySize size = { 0 };

    if (!ferry_vfio_device_data_size(self->device, &before, &self->broken))
        return;
    stream = conform_save(self, 65536);
    if (stream == NULL || !ferry_vfio_device_data_size(self->device, &size, &self->broken))
        return;
    if (!before.known)
        conform_say(self, FERRY_CHECK_SKIP, "no size is given");
    else if (!size.known)
        conform_say(self, FERRY_CHECK_FAIL, "given in RUNNING, refused in STOP_COPY");
    else
        conform_say(self, size.bytes == 0 ? FERRY_CHECK_PASS : FERRY_CHECK_NOTE,
                    "%" G_GUINT64_FORMAT " bytes after all were read", size.bytes);
}

#define UAPI "linux/vfio.h, "
const ConformCheck conform_figure_checks[] = {
    { "info/in-precopy", UAPI "VFIO_MIG_GET_PRECOPY_INFO: in PRE_COPY", info_in_precopy },
    { "info/falls", UAPI "VFIO_MIG_GET_PRECOPY_INFO: initial_bytes falls as it is read",
      info_falls },
    { "info/in-stop-copy", UAPI "VFIO_MIG_GET_PRECOPY_INFO: EINVAL outside PRE_COPY",
      info_in_stop_copy },
    { "info/short-argsz", UAPI "VFIO_MIG_GET_PRECOPY_INFO: argsz is at least 24", info_short },
    { "size/honest", UAPI "VFIO_DEVICE_FEATURE_MIG_DATA_SIZE: an estimate of the stream",
      size_is_honest },
    { "size/falls", UAPI "VFIO_DEVICE_FEATURE_MIG_DATA_SIZE: of what is still to come",
      size_falls },
};
const size_t conform_n_figure_checks = G_N_ELEMENTS(conform_figure_checks);
