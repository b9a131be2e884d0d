/* The data stream while saving, sessions and their ends. */
#include <errno.h>

#include "vfio/conform-check.h"
#include "vfio/uapi.h"

bool
conform_has_precopy(Conform *self)
{
    if (self->device->flags & FERRY_MIG_PRE_COPY)
        return true;
    conform_say(self, FERRY_CHECK_SKIP, "the device has no PRE_COPY");
    return false;
}

static void
precopy_pause(Conform *self)
{
    g_autoptr(GByteArray) stream = g_byte_array_new();
    int code = 0;

    if (!conform_has_precopy(self) || !conform_go(self, FERRY_MIG_STATE_PRE_COPY))
        return;
    code = conform_drain(self, stream, 65536);
    if (code == ENOMSG || (code == 0 && self->transport->kind == FERRY_TRANSPORT_USER))
        conform_say(self, FERRY_CHECK_PASS, "%u bytes, then %s", stream->len,
                    code == 0 ? "size 0" : "ENOMSG");
    else if (code == 0 || code == EAGAIN)
        conform_say(self, FERRY_CHECK_NOTE,
                    "%u bytes, then %s where ENOMSG is due: looks like an end and is none",
                    stream->len, code == 0 ? "a read of 0" : "EAGAIN");
    else if (code > 0)
        conform_say(self, FERRY_CHECK_FAIL, "%s", g_strerror(code));
}

static void
whole_stream(Conform *self)
{
    g_autoptr(GByteArray) stream = conform_save(self, 65536);

    if (stream != NULL)
        conform_say(self, stream->len > 0 ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL, "%u bytes",
                    stream->len);
}

static void
end_stays(Conform *self)
{
    g_autoptr(GByteArray) stream = conform_save(self, 65536);
    uint8_t byte = 0;
    size_t n = 1;

    if (stream == NULL)
        return;
    int code = conform_read(self, &byte, 1, &n);
    if (code >= 0)
        conform_say(self, code == 0 && n == 0 ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL,
                    "a further read gives %zu bytes, %s", n, g_strerror(code));
}

static void
small_reads(Conform *self)
{
    g_autoptr(GByteArray) stream = NULL;

    if (self->stream == NULL || self->stream->len > 65536) {
        conform_say(self, FERRY_CHECK_SKIP, "the state is too large for reads of one byte");
        return;
    }
    stream = conform_save(self, 1);
    if (stream != NULL)
        conform_say(self, stream->len == self->stream->len ? FERRY_CHECK_PASS : FERRY_CHECK_NOTE,
                    "%u bytes in reads of 1, %u in large ones", stream->len, self->stream->len);
}

static void
odd_reads(Conform *self)
{
    g_autoptr(GByteArray) stream = conform_save(self, 1021);

    if (stream != NULL && self->stream != NULL)
        conform_say(self, stream->len == self->stream->len ? FERRY_CHECK_PASS : FERRY_CHECK_NOTE,
                    "%u bytes in reads of 1021, %u in large ones", stream->len, self->stream->len);
}

/* A read where no session is: whatever comes, it must not be data. */
static void
expect_no_data(Conform *self)
{
    uint8_t byte = 0;
    size_t n = 0;
    int code = conform_read(self, &byte, 1, &n);

    if (code >= 0)
        conform_say(self, n == 0 && code != 0 ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL,
                    "%zu bytes, %s", n, code == 0 ? "success" : g_strerror(code));
}

static void
read_in_running(Conform *self)
{
    expect_no_data(self);
}

static void
read_after_stop(Conform *self)
{
    g_autoptr(GByteArray) stream = conform_save(self, 65536);

    if (stream != NULL && conform_go(self, FERRY_MIG_STATE_STOP))
        expect_no_data(self);
}

static void
read_after_abort(Conform *self)
{
    if (conform_has_precopy(self) && conform_go(self, FERRY_MIG_STATE_PRE_COPY) &&
        conform_go(self, FERRY_MIG_STATE_RUNNING))
        expect_no_data(self);
}

static void
read_while_loading(Conform *self)
{
    if (conform_go(self, FERRY_MIG_STATE_RESUMING))
        expect_no_data(self);
}

static void
write_while_saving(Conform *self)
{
    if (!conform_go(self, FERRY_MIG_STATE_STOP_COPY))
        return;
    int code = conform_write(self, "x", 1);
    if (code >= 0)
        conform_say(self, code != 0 ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL, "%s",
                    code != 0 ? g_strerror(code) : "success");
}

/* Asking for the state it is in does nothing: the session goes on and loses nothing. */
static void
same_state(Conform *self)
{
    g_autoptr(GByteArray) stream = g_byte_array_new();
    uint8_t byte = 0;
    size_t n = 0;

    if (!conform_go(self, FERRY_MIG_STATE_STOP_COPY) || conform_read(self, &byte, 1, &n) < 0 ||
        !conform_go(self, FERRY_MIG_STATE_STOP_COPY))
        return;
    int code = conform_drain(self, stream, 65536);
    size_t whole = self->stream != NULL ? self->stream->len : 0;
    if (code == 0)
        conform_say(self,
                    n + stream->len == whole || whole == 0 ? FERRY_CHECK_PASS : FERRY_CHECK_NOTE,
                    "%zu bytes in all, %zu in a plain session", n + stream->len, whole);
    else if (code > 0)
        conform_say(self, FERRY_CHECK_FAIL, "%s", g_strerror(code));
}

static void
second_session(Conform *self)
{
    g_autoptr(GByteArray) first = conform_save(self, 65536);
    g_autoptr(GByteArray) second = NULL;

    if (first == NULL || !conform_go(self, FERRY_MIG_STATE_RUNNING))
        return;
    second = conform_save(self, 65536);
    if (second != NULL)
        conform_say(self, second->len == first->len ? FERRY_CHECK_PASS : FERRY_CHECK_NOTE,
                    "%u bytes, then %u", first->len, second->len);
}

/* A session that was given up in @state leaves a running device whose next session is whole. */
static void
abort_in(Conform *self, FerryMigState state)
{
    g_autoptr(GByteArray) stream = NULL;
    uint8_t buf[16];
    size_t n = 0;

    if (!ferry_mig_state_in_flags(state, self->device->flags)) {
        conform_say(self, FERRY_CHECK_SKIP, "the device has no %s", ferry_mig_state_name(state));
        return;
    }
    if (!conform_go(self, state) || conform_read(self, buf, sizeof buf, &n) < 0 ||
        !conform_go(self, FERRY_MIG_STATE_RUNNING))
        return;
    self->transport->ops->stream_drop(self->transport->data);
    stream = conform_save(self, 65536);
    if (stream != NULL && self->stream != NULL)
        conform_say(self, stream->len >= self->stream->len ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL,
                    "the next session has %u bytes, a first one %u", stream->len,
                    self->stream->len);
}

static void
abort_in_precopy(Conform *self)
{
    abort_in(self, FERRY_MIG_STATE_PRE_COPY);
}

static void
abort_in_precopy_p2p(Conform *self)
{
    abort_in(self, FERRY_MIG_STATE_PRE_COPY_P2P);
}

static void
abort_in_stop_copy(Conform *self)
{
    abort_in(self, FERRY_MIG_STATE_STOP_COPY);
}

static void
reset_in(Conform *self, FerryMigState state)
{
    int code = 0;

    if (!ferry_mig_state_in_flags(state, self->device->flags)) {
        conform_say(self, FERRY_CHECK_SKIP, "the device has no %s", ferry_mig_state_name(state));
        return;
    }
    if (!conform_go(self, state) ||
        !self->transport->ops->reset(self->transport->data, &code, &self->broken))
        return;
    unsigned now = conform_state(self);
    if (self->broken != NULL)
        return;
    conform_say(self,
                now == FERRY_MIG_STATE_RUNNING                  ? FERRY_CHECK_PASS
                : self->transport->kind == FERRY_TRANSPORT_USER ? FERRY_CHECK_NOTE
                                                                : FERRY_CHECK_FAIL,
                "reset: %s, now in %s", code == 0 ? "success" : g_strerror(code),
                ferry_mig_state_name(now));
}

static void
reset_in_precopy(Conform *self)
{
    reset_in(self, FERRY_MIG_STATE_PRE_COPY);
}

static void
reset_in_stop_copy(Conform *self)
{
    reset_in(self, FERRY_MIG_STATE_STOP_COPY);
}

static void
reset_in_stop(Conform *self)
{
    reset_in(self, FERRY_MIG_STATE_STOP);
}

static void
reset_in_resuming(Conform *self)
{
    reset_in(self, FERRY_MIG_STATE_RESUMING);
}

#define UAPI "linux/vfio.h, "
const ConformCheck conform_stream_checks[] = {
    { "stream/precopy-pause", UAPI "PRE_COPY: ENOMSG when there is nothing now; vfio-user: size 0",
      precopy_pause },
    { "stream/whole", UAPI "STOP_COPY: the stream ends with a read of 0", whole_stream },
    { "stream/end-stays", UAPI "STOP_COPY: the end is an end", end_stays },
    { "stream/one-byte-reads", UAPI "data_fd: a stream, buffer borders mean nothing", small_reads },
    { "stream/odd-reads", UAPI "data_fd: a stream, buffer borders mean nothing", odd_reads },
    { "stream/read-in-running", UAPI "data_fd: none outside a session", read_in_running },
    { "stream/read-after-stop", UAPI "STOP_COPY -> STOP: ends the session", read_after_stop },
    { "stream/read-after-abort", UAPI "PRE_COPY -> RUNNING: ends the session", read_after_abort },
    { "stream/read-while-loading", UAPI "RESUMING: the descriptor is for writing",
      read_while_loading },
    { "stream/write-while-saving", UAPI "STOP_COPY: the descriptor is for reading",
      write_while_saving },
    { "session/same-state", UAPI "a SET of the present state does nothing", same_state },
    { "session/second", UAPI "STOP -> STOP_COPY: each session is a whole one", second_session },
    { "session/abort-in-precopy", UAPI "PRE_COPY -> RUNNING", abort_in_precopy },
    { "session/abort-in-precopy-p2p", UAPI "PRE_COPY_P2P -> RUNNING_P2P", abort_in_precopy_p2p },
    { "session/abort-in-stop-copy", UAPI "STOP_COPY -> STOP", abort_in_stop_copy },
    { "session/reset-in-precopy", UAPI "VFIO_DEVICE_RESET: to RUNNING", reset_in_precopy },
    { "session/reset-in-stop-copy", UAPI "VFIO_DEVICE_RESET: to RUNNING", reset_in_stop_copy },
    { "session/reset-in-stop", UAPI "VFIO_DEVICE_RESET: to RUNNING", reset_in_stop },
    { "session/reset-in-resuming", UAPI "VFIO_DEVICE_RESET: to RUNNING", reset_in_resuming },
};
const size_t conform_n_stream_checks = G_N_ELEMENTS(conform_stream_checks);
