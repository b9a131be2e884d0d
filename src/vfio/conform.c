#include "vfio/conform.h"

#include <errno.h>
#include <string.h>

#include "vfio/conform-check.h"
#include "vfio/uapi.h"

static const char *const result_names[] = {
    [FERRY_CHECK_PASS] = "pass",
    [FERRY_CHECK_NOTE] = "note",
    [FERRY_CHECK_SKIP] = "skip",
    [FERRY_CHECK_FAIL] = "FAIL",
};
G_STATIC_ASSERT(G_N_ELEMENTS(result_names) == FERRY_CHECK_N_RESULTS);

const char *
ferry_check_result_name(FerryCheckResult result)
{
    return result_names[result];
}

void
conform_say(Conform *self, FerryCheckResult result, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_free(self->seen);
    self->seen = g_strdup_vprintf(format, arguments);
    self->result = result;
    va_end(arguments);
}

static const char *
errno_text(int code)
{
    return code == 0 ? "success" : g_strerror(code);
}

void
conform_expect(Conform *self, int seen, int demanded)
{
    if (self->broken == NULL)
        conform_say(self, seen == demanded ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL, "%s",
                    errno_text(seen));
}

int
conform_feature(Conform *self, uint32_t flags, uint32_t argsz, void *payload, size_t size)
{
    FerryFeatureCall call = {
        .flags = flags, .argsz = argsz, .payload = payload, .payload_size = size
    };

    if (self->broken != NULL ||
        !self->transport->ops->feature(self->transport->data, &call, &self->broken))
        return -1;
    return call.code;
}

int
conform_set(Conform *self, uint32_t state)
{
    FerryUapiMigState payload = { .device_state = state, .data_fd = -1 };

    return conform_feature(self, FERRY_FEATURE_SET | FERRY_FEATURE_MIG_DEVICE_STATE, 0, &payload,
                           sizeof payload);
}

unsigned
conform_state(Conform *self)
{
    FerryUapiMigState payload = { .data_fd = -1 };
    int code = conform_feature(self, FERRY_FEATURE_GET | FERRY_FEATURE_MIG_DEVICE_STATE, 0,
                               &payload, sizeof payload);

    return code == 0 ? payload.device_state : FERRY_MIG_N_STATES;
}

bool
conform_go(Conform *self, FerryMigState state)
{
    int code = conform_set(self, state);
    unsigned now = conform_state(self);

    if (code == 0 && now == state)
        return true;
    if (self->broken == NULL)
        conform_say(self, FERRY_CHECK_FAIL, "cannot get to %s: %s; it is in %s",
                    ferry_mig_state_name(state), errno_text(code), ferry_mig_state_name(now));
    return false;
}

int
conform_read(Conform *self, void *buf, size_t size, size_t *ret_n)
{
    FerryIo io = { 0 };

    *ret_n = 0;
    if (self->broken != NULL ||
        !self->transport->ops->stream_read(self->transport->data, buf, size, &io, &self->broken))
        return -1;
    *ret_n = io.n;
    return io.code;
}

int
conform_write(Conform *self, const void *buf, size_t size)
{
    FerryIo io = { 0 };
    int code = 0;

    if (self->broken != NULL ||
        !self->transport->ops->stream_write(self->transport->data, buf, size, &io, &self->broken) ||
        !self->transport->ops->stream_settle(self->transport->data, &code, &self->broken))
        return -1;
    return io.code != 0 ? io.code : code;
}

int
conform_drain(Conform *self, GByteArray *stream, size_t piece)
{
    g_autofree uint8_t *buf = g_malloc(piece);

    while (stream->len <= CONFORM_MAX_STREAM) {
        size_t n = 0;
        int code = conform_read(self, buf, piece, &n);

        if (code != 0 || n == 0)
            return code;
        g_byte_array_append(stream, buf, (unsigned)n);
    }
    return EFBIG;
}

GByteArray *
conform_save(Conform *self, size_t piece)
{
    g_autoptr(GByteArray) stream = g_byte_array_new();
    int code = 0;

    if ((self->device->flags & FERRY_MIG_PRE_COPY) != 0) {
        if (!conform_go(self, FERRY_MIG_STATE_PRE_COPY))
            return NULL;
        code = conform_drain(self, stream, piece);
        if (code != 0 && code != ENOMSG && code != EAGAIN) {
            conform_say(self, FERRY_CHECK_FAIL, "reading in PRE_COPY: %s", errno_text(code));
            return NULL;
        }
    }
    if (!conform_go(self, FERRY_MIG_STATE_STOP_COPY))
        return NULL;
    code = conform_drain(self, stream, piece);
    if (code != 0) {
        conform_say(self, FERRY_CHECK_FAIL, "reading in STOP_COPY: %s", errno_text(code));
        return NULL;
    }
    return g_steal_pointer(&stream);
}

/* --- arcs: one check for each ordered pair --- */

/* A legal way out of RESUMING needs a whole state to have been written. */
static bool
stand_in(Conform *self, FerryMigState from)
{
    int code = 0;

    if (!conform_go(self, from))
        return false;
    if (from != FERRY_MIG_STATE_RESUMING || self->stream == NULL)
        return true;
    code = conform_write(self, self->stream->data, self->stream->len);
    if (code == 0)
        return true;
    conform_say(self, FERRY_CHECK_FAIL, "its own state is refused: %s", errno_text(code));
    return false;
}

static bool
hangs_kernels(const Conform *self, FerryMigState from, FerryMigState to)
{
    return self->transport->kind == FERRY_TRANSPORT_KERNEL && from == FERRY_MIG_STATE_STOP_COPY &&
           (to == FERRY_MIG_STATE_PRE_COPY || to == FERRY_MIG_STATE_PRE_COPY_P2P) &&
           (self->options->flags & FERRY_CONFORM_UNSAFE) == 0;
}

static void
run_arc(Conform *self, FerryMigState from, FerryMigState to)
{
    FerryMigPath path = ferry_mig_path(from, to, self->device->flags);
    int demanded = path.move == FERRY_MIG_MOVE_REFUSED ? EINVAL : 0;
    int code = 0;
    unsigned now = 0;

    if (!ferry_mig_state_in_flags(from, self->device->flags)) {
        conform_say(self, FERRY_CHECK_SKIP, "the device has no %s", ferry_mig_state_name(from));
        return;
    }
    if (hangs_kernels(self, from, to)) {
        conform_say(self, FERRY_CHECK_SKIP, "hangs kernels 6.2 to 7.1: only with --unsafe");
        return;
    }
    if (!stand_in(self, from))
        return;
    code = conform_set(self, to);
    now = conform_state(self);
    if (self->broken != NULL)
        return;
    conform_say(self,
                code == demanded && now == (demanded == 0 ? (unsigned)to : (unsigned)from)
                    ? FERRY_CHECK_PASS
                    : FERRY_CHECK_FAIL,
                "%s, now in %s", errno_text(code), ferry_mig_state_name(now));
}

/* --- the runner --- */

static bool
is_wanted(const char *id, const char *only)
{
    g_auto(GStrv) parts = g_strsplit(only != NULL ? only : "", ",", -1);

    for (char **part = parts; *part != NULL; part++)
        if (g_str_has_prefix(id, *part))
            return true;
    return only == NULL;
}

static void
add_row(GPtrArray *rows, Conform *self, const char *id, const char *demand)
{
    FerryCheckRow *row = g_new0(FerryCheckRow, 1);

    row->id = id;
    row->demand = demand;
    row->result = self->result;
    row->seen = self->broken != NULL ? g_strdup(self->broken->message) : g_strdup(self->seen);
    if (self->broken != NULL) /* the check that ended it; those after it are not run */
        row->result = self->gone ? FERRY_CHECK_SKIP : FERRY_CHECK_FAIL;
    self->gone = self->broken != NULL;
    g_ptr_array_add(rows, row);
    g_clear_pointer(&self->seen, g_free);
}

/* Back to a running device before the next one.  What cannot be brought back ends the run, and is
 * the fault of the check before. */
static void
bring_back(Conform *self, GPtrArray *rows)
{
    FerryCheckRow *last = rows != NULL ? g_ptr_array_index(rows, rows->len - 1) : NULL;

    if (self->broken != NULL || ferry_vfio_device_recover(self->device, &self->broken) ||
        last == NULL)
        return;
    g_autofree char *seen = last->seen;
    last->seen = g_strdup_printf("%s; it cannot be brought back: %s", seen, self->broken->message);
    last->result = FERRY_CHECK_FAIL;
    self->gone = true;
}

/* Whether checks are to be run at all, or only named. */
static bool
may_run(const Conform *self)
{
    const int *cancelled = self->options->cancelled;

    return self->device != NULL && self->broken == NULL &&
           (cancelled == NULL || __atomic_load_n(cancelled, __ATOMIC_RELAXED) == 0);
}

static void
run_one(Conform *self, GPtrArray *rows, const ConformCheck *check)
{
    if (self->device != NULL && !is_wanted(check->id, self->options->only))
        return;
    conform_say(self, FERRY_CHECK_SKIP, "not run");
    if (may_run(self))
        check->run(self);
    add_row(rows, self, check->id, check->demand);
    if (self->device != NULL)
        bring_back(self, rows);
}

static void
run_arcs(Conform *self, GPtrArray *rows)
{
    for (unsigned from = 1; from < FERRY_MIG_N_STATES; from++)
        for (unsigned to = 0; to < FERRY_MIG_N_STATES; to++) {
            g_autofree char *name =
                g_strdup_printf("arc/%s-%s", ferry_mig_state_name(from), ferry_mig_state_name(to));
            const char *id = g_intern_string(name);

            if (self->device != NULL && !is_wanted(id, self->options->only))
                continue;
            conform_say(self, FERRY_CHECK_SKIP, "not run");
            if (may_run(self))
                run_arc(self, (FerryMigState)from, (FerryMigState)to);
            add_row(rows, self, id,
                    "linux/vfio.h, enum vfio_device_mig_state: by the shortest path to exactly "
                    "this state, or EINVAL and no move");
            if (self->device != NULL)
                bring_back(self, rows);
        }
}

static void
free_row(void *data)
{
    FerryCheckRow *row = data;

    g_free(row->seen);
    g_free(row);
}

static GPtrArray *
run_all(Conform *self)
{
    GPtrArray *rows = g_ptr_array_new_with_free_func(free_row);

    for (size_t i = 0; i < conform_n_feature_checks; i++)
        run_one(self, rows, &conform_feature_checks[i]);
    run_arcs(self, rows);
    for (size_t i = 0; i < conform_n_stream_checks; i++)
        run_one(self, rows, &conform_stream_checks[i]);
    for (size_t i = 0; i < conform_n_figure_checks; i++)
        run_one(self, rows, &conform_figure_checks[i]);
    for (size_t i = 0; i < conform_n_load_checks; i++)
        run_one(self, rows, &conform_load_checks[i]);
    g_clear_pointer(&self->seen, g_free);
    return rows;
}

GPtrArray *
ferry_conform_run(FerryVfioDevice *device, const FerryConformOptions *options)
{
    Conform self = { .device = device, .transport = device->transport, .options = options };
    GPtrArray *rows = NULL;

    if (device->flags != 0) {
        bring_back(&self, NULL);
        self.stream = self.broken == NULL ? conform_save(&self, 65536) : NULL;
        bring_back(&self, NULL);
    }
    rows = run_all(&self);
    if (self.stream != NULL)
        g_byte_array_unref(self.stream);
    g_clear_error(&self.broken);
    return rows;
}

GPtrArray *
ferry_conform_list(void)
{
    static const FerryConformOptions options = { 0 };
    Conform self = { .options = &options };

    return run_all(&self);
}
