/* Loading: what must be taken, what must be refused, and a working device after a refusal. */
#include <errno.h>

#include "vfio/conform-check.h"
#include "vfio/uapi.h"

static bool
has_stream(Conform *self)
{
    if (self->stream != NULL && self->stream->len > 0)
        return true;
    conform_say(self, FERRY_CHECK_SKIP, "no state could be saved, or it is over 64 MiB");
    return false;
}

/* Writes @size bytes in pieces and asks for STOP, unless a write failed. */
static int
load(Conform *self, const uint8_t *data, size_t size, size_t piece)
{
    int code = 0;

    if (!conform_go(self, FERRY_MIG_STATE_RESUMING))
        return -1;
    for (size_t at = 0; at < size && code == 0; at += piece)
        code = conform_write(self, data + at, MIN(piece, size - at));
    return code != 0 ? code : conform_set(self, FERRY_MIG_STATE_STOP);
}

static void
own_state(Conform *self)
{
    if (has_stream(self))
        conform_expect(self, load(self, self->stream->data, self->stream->len, 65536), 0);
}

static void
small_writes(Conform *self)
{
    if (has_stream(self))
        conform_expect(self,
                       load(self, self->stream->data, self->stream->len,
                            MAX(1, self->stream->len / 64 + (self->stream->len > 64 ? 0 : 1))),
                       0);
}

static void
runs_after(Conform *self)
{
    if (!has_stream(self))
        return;
    int code = load(self, self->stream->data, self->stream->len, 65536);
    if (code != 0)
        conform_expect(self, code, 0);
    else if (conform_go(self, FERRY_MIG_STATE_RUNNING))
        conform_say(self, FERRY_CHECK_PASS, "RUNNING");
}

static void
loads_twice(Conform *self)
{
    if (!has_stream(self))
        return;
    int code = load(self, self->stream->data, self->stream->len, 65536);
    if (code == 0)
        code = load(self, self->stream->data, self->stream->len, 65536);
    conform_expect(self, code, 0);
}

/* It must be refused, and a reset must give a device that takes a good state again. */
static void
expect_refusal(Conform *self, int code)
{
    int again = 0;

    if (code < 0)
        return;
    if (code == 0) {
        conform_say(self, FERRY_CHECK_FAIL, "taken without a word");
        return;
    }
    if (!ferry_vfio_device_refresh(self->device, &self->broken) ||
        !ferry_vfio_device_recover(self->device, &self->broken))
        return;
    again = load(self, self->stream->data, self->stream->len, 65536);
    if (again < 0)
        return;
    if (again == 0)
        conform_say(self, FERRY_CHECK_PASS, "%s; after a reset it works", g_strerror(code));
    else
        conform_say(self, FERRY_CHECK_FAIL, "%s; but after a reset a good state: %s",
                    g_strerror(code), g_strerror(again));
}

static void
truncated(Conform *self)
{
    if (has_stream(self))
        expect_refusal(self, load(self, self->stream->data, self->stream->len - 1, 65536));
}

static void
half(Conform *self)
{
    if (has_stream(self))
        expect_refusal(self, load(self, self->stream->data, self->stream->len / 2, 65536));
}

static void
empty(Conform *self)
{
    if (has_stream(self))
        expect_refusal(self, load(self, self->stream->data, 0, 65536));
}

static int
load_flipped(Conform *self, size_t position, size_t piece)
{
    self->stream->data[position] ^= 0x40;
    int code = load(self, self->stream->data, self->stream->len, piece);
    self->stream->data[position] ^= 0x40;
    return code;
}

static void
flipped_first(Conform *self)
{
    if (has_stream(self))
        expect_refusal(self, load_flipped(self, 0, 65536));
}

static void
flipped_first_in_pieces(Conform *self)
{
    if (has_stream(self))
        expect_refusal(self, load_flipped(self, 0, 7));
}

/* In the middle it may be plain data, which nobody can tell from other data. */
static void
flipped_middle(Conform *self)
{
    int code = 0;

    if (!has_stream(self))
        return;
    code = load_flipped(self, self->stream->len / 2, 65536);
    if (code == 0)
        conform_say(self, FERRY_CHECK_NOTE, "taken: send states with a checksum");
    else
        expect_refusal(self, code);
}

static void
foreign(Conform *self)
{
    g_autofree uint8_t *bytes = NULL;

    if (!has_stream(self))
        return;
    bytes = g_malloc(self->stream->len);
    for (guint i = 0; i < self->stream->len; i++)
        bytes[i] = (uint8_t)(i * 131 + 17);
    expect_refusal(self, load(self, bytes, self->stream->len, 65536));
}

static void
too_long(Conform *self)
{
    g_autoptr(GByteArray) longer = g_byte_array_new();

    if (!has_stream(self))
        return;
    g_byte_array_append(longer, self->stream->data, self->stream->len);
    g_byte_array_append(longer, self->stream->data, MIN(self->stream->len, 4096));
    expect_refusal(self, load(self, longer->data, longer->len, 65536));
}

/* A driver that takes STOP after it refused a write has counted the bytes and loads them. */
static void
stop_after_refusal(Conform *self)
{
    if (!has_stream(self) || !conform_go(self, FERRY_MIG_STATE_RESUMING))
        return;
    self->stream->data[0] ^= 0x40;
    int code = conform_write(self, self->stream->data, self->stream->len);
    self->stream->data[0] ^= 0x40;
    if (code == 0)
        conform_say(self, FERRY_CHECK_SKIP, "no write was refused");
    if (code <= 0)
        return;
    int stop = conform_set(self, FERRY_MIG_STATE_STOP);
    if (stop >= 0)
        conform_say(self, stop != 0 ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL,
                    "write: %s, then STOP: %s", g_strerror(code),
                    stop != 0 ? g_strerror(stop) : "success: the refused state is loaded");
}

static void
abort_by_reset(Conform *self)
{
    int code = 0;

    if (!has_stream(self) || !conform_go(self, FERRY_MIG_STATE_RESUMING) ||
        conform_write(self, self->stream->data, self->stream->len / 2) < 0 ||
        !self->transport->ops->reset(self->transport->data, &code, &self->broken))
        return;
    unsigned now = conform_state(self);
    conform_say(self,
                now == FERRY_MIG_STATE_RUNNING                  ? FERRY_CHECK_PASS
                : self->transport->kind == FERRY_TRANSPORT_USER ? FERRY_CHECK_NOTE
                                                                : FERRY_CHECK_FAIL,
                "%s, now in %s", code == 0 ? "success" : g_strerror(code),
                ferry_mig_state_name(now));
}

static bool
poke(Conform *self, const FerryTransport *transport, uint8_t value)
{
    int code = 0;

    if (transport->ops->region_write(transport->data, self->options->region, self->options->offset,
                                     &value, 1, &code, &self->broken) &&
        code == 0)
        return true;
    if (self->broken == NULL)
        conform_say(self, FERRY_CHECK_FAIL, "cannot write the register: %s", g_strerror(code));
    return false;
}

static int
peek(Conform *self, const FerryTransport *transport)
{
    uint8_t value = 0;
    int code = 0;

    if (!transport->ops->region_read(transport->data, self->options->region, self->options->offset,
                                     &value, 1, &code, &self->broken))
        return -1;
    return code == 0 ? value : -1;
}

/* The register is set, saved, set to something else, loaded: it must be as it was saved. */
static void
register_arrives(Conform *self)
{
    FerryVfioDevice *peer = self->options->peer != NULL ? self->options->peer : self->device;
    g_autoptr(GByteArray) stream = NULL;

    if (!self->options->has_register) {
        conform_say(self, FERRY_CHECK_SKIP, "no register given (--register)");
        return;
    }
    if (!poke(self, self->transport, 0x5a))
        return;
    stream = conform_save(self, 65536);
    if (stream == NULL || !conform_go(self, FERRY_MIG_STATE_RUNNING) ||
        !poke(self, peer->transport, 0xa5))
        return;
    FerryVfioDevice *own = self->device;
    self->device = peer;
    self->transport = peer->transport;
    int code = load(self, stream->data, stream->len, 65536);
    bool runs = code == 0 && conform_go(self, FERRY_MIG_STATE_RUNNING);
    int value = runs ? peek(self, peer->transport) : -1;
    self->device = own;
    self->transport = own->transport;
    if (self->broken != NULL)
        return;
    if (code != 0)
        conform_expect(self, code, 0);
    else if (runs)
        conform_say(self, value == 0x5a ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL,
                    "0x5a was saved, 0x%x is there", (unsigned)value);
}

static void
peer_loads(Conform *self)
{
    FerryVfioDevice *own = self->device;
    FerryVfioDevice *peer = self->options->peer;

    if (peer == NULL) {
        conform_say(self, FERRY_CHECK_SKIP, "no second device given (--peer)");
        return;
    }
    if (!has_stream(self) || !ferry_vfio_device_recover(peer, &self->broken))
        return;
    self->device = peer;
    self->transport = peer->transport;
    int code = load(self, self->stream->data, self->stream->len, 65536);
    if (code >= 0)
        conform_expect(self, code, 0);
    (void)ferry_vfio_device_recover(peer, &self->broken);
    self->device = own;
    self->transport = own->transport;
}

#define UAPI "linux/vfio.h, "
const ConformCheck conform_load_checks[] = {
    { "load/own-state", UAPI "RESUMING -> STOP: takes a complete state", own_state },
    { "load/small-writes", UAPI "data_fd: a stream, buffer borders mean nothing", small_writes },
    { "load/runs-after", UAPI "STOP -> RUNNING: goes on from what was loaded", runs_after },
    { "load/twice", UAPI "STOP -> RESUMING: may be loaded again", loads_twice },
    { "load/truncated", UAPI "RESUMING -> STOP: fails on incomplete data", truncated },
    { "load/half", UAPI "RESUMING -> STOP: fails on incomplete data", half },
    { "load/empty", UAPI "RESUMING -> STOP: fails on incomplete data", empty },
    { "load/flipped-first", UAPI "RESUMING -> STOP: fails on invalid data", flipped_first },
    { "load/flipped-first-in-pieces", UAPI "RESUMING -> STOP: fails on invalid data",
      flipped_first_in_pieces },
    { "load/flipped-middle", UAPI "RESUMING -> STOP: fails on invalid data", flipped_middle },
    { "load/foreign", UAPI "RESUMING -> STOP: fails on incompatible data", foreign },
    { "load/too-long", UAPI "RESUMING -> STOP: fails on inconsistent data", too_long },
    { "load/stop-after-refused-write", UAPI "RESUMING -> STOP: fails on invalid data",
      stop_after_refusal },
    { "load/abort-by-reset", UAPI "VFIO_DEVICE_RESET: to RUNNING, from RESUMING too",
      abort_by_reset },
    { "load/register-arrives", UAPI "the device's state is what the guest sees", register_arrives },
    { "load/peer", UAPI "RESUMING -> STOP: takes another such device's state", peer_loads },
};
const size_t conform_n_load_checks = G_N_ELEMENTS(conform_load_checks);
