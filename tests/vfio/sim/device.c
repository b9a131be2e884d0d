#include "sim/device.h"

#include <errno.h>
#include <string.h>

#include "sim/arcs.h"
#include "sim/stream.h"
#include "vfio/uapi.h"

struct _SimDevice {
    SimOptions options;
    FerryMigState state;
    SimState contents;
    SimSaver *saver;
    SimLoader *loader;
    bool complete; /* RESUMING ended well: contents are the loader's */
    unsigned counts[SIM_N_FAILS];
    uint64_t random;
    SimWatch watch;
    void *watch_data;
};

SimDevice *
sim_device_new(const SimOptions *options)
{
    SimDevice *self = g_new0(SimDevice, 1);

    self->options = *options;
    if (self->options.flags == 0)
        self->options.flags = FERRY_MIG_ALL;
    if (self->options.page_bytes == 0)
        self->options.page_bytes = 4096;
    if (self->options.state_bytes == 0)
        self->options.state_bytes = self->options.page_bytes;
    self->state = FERRY_MIG_STATE_RUNNING;
    self->random = 88172645463325252u;
    sim_state_init(&self->contents, &self->options);
    return self;
}

static void
end_session(SimDevice *self)
{
    g_clear_pointer(&self->saver, sim_saver_free);
    g_clear_pointer(&self->loader, sim_loader_free);
}

void
sim_device_free(SimDevice *self)
{
    end_session(self);
    sim_state_clear(&self->contents);
    g_free(self);
}

const SimOptions *
sim_device_options(const SimDevice *self)
{
    return &self->options;
}

FerryMigState
sim_device_state(const SimDevice *self)
{
    return self->state;
}

/* Counts the calls of one kind and says whether this is the one to fail. */
static bool
fails_now(SimDevice *self, SimFail kind, SimAnswer *answer)
{
    const SimOptions *options = &self->options;

    self->counts[kind]++;
    if (options->fail != kind || self->counts[kind] != options->fail_at)
        return false;
    *answer = (SimAnswer){ .code = options->fail_code,
                           .drop = options->how == SIM_HOW_DROP,
                           .stall = options->how == SIM_HOW_STALL };
    if (options->how == SIM_HOW_ERROR_STATE) {
        self->state = FERRY_MIG_STATE_ERROR;
        end_session(self);
    }
    return true;
}

static bool
is_saving(FerryMigState state)
{
    return state == FERRY_MIG_STATE_PRE_COPY || state == FERRY_MIG_STATE_PRE_COPY_P2P ||
           state == FERRY_MIG_STATE_STOP_COPY;
}

static bool
is_running(FerryMigState state)
{
    return state == FERRY_MIG_STATE_RUNNING || state == FERRY_MIG_STATE_PRE_COPY;
}

/* One arc; an errno when the device refuses it. */
static int
step(SimDevice *self, FerryMigState to)
{
    if (self->state == FERRY_MIG_STATE_RESUMING && to == FERRY_MIG_STATE_STOP) {
        if (!self->options.accepts_all && !self->options.opaque &&
            !sim_loader_complete(self->loader))
            return EINVAL;
        sim_loader_apply(self->loader, &self->contents);
        end_session(self);
    }
    if (is_saving(self->state) && !is_saving(to))
        end_session(self);
    if (is_saving(to) && self->saver == NULL)
        self->saver = sim_saver_new(&self->contents);
    if (to == FERRY_MIG_STATE_STOP_COPY)
        sim_saver_stop(self->saver);
    if (to == FERRY_MIG_STATE_RESUMING)
        self->loader = sim_loader_new(&self->options);
    self->state = to;
    if (self->watch != NULL)
        self->watch(self->watch_data, self, to);
    return 0;
}

SimAnswer
sim_device_move(SimDevice *self, uint32_t to)
{
    SimAnswer answer = { 0 };
    FerryMigState wanted = (FerryMigState)to;

    if (fails_now(self, SIM_FAIL_MOVE, &answer))
        return answer;
    if (to >= FERRY_MIG_N_STATES || to == FERRY_MIG_STATE_ERROR ||
        self->state == FERRY_MIG_STATE_ERROR ||
        !ferry_mig_state_in_flags(wanted, self->options.flags) ||
        sim_arcs_distance(self->state, wanted, self->options.flags) == SIM_NO_WAY)
        return (SimAnswer){ .code = EINVAL };
    while (self->state != wanted && answer.code == 0)
        answer.code = step(self, sim_arcs_next(self->state, wanted, self->options.flags));
    return answer;
}

static uint64_t
next_random(SimDevice *self)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return self->random;
}

static void
dirty_pages(SimDevice *self, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        sim_state_dirty(&self->contents, self->saver, next_random(self) % self->contents.n_pages);
}

SimAnswer
sim_device_read(SimDevice *self, void *buf, size_t size)
{
    static const int empty_codes[] = {
        [SIM_EMPTY_ZERO] = 0, [SIM_EMPTY_NOMSG] = ENOMSG, [SIM_EMPTY_AGAIN] = EAGAIN
    };
    SimAnswer answer = { 0 };

    if (fails_now(self, SIM_FAIL_READ, &answer))
        return answer;
    if (self->saver == NULL)
        return (SimAnswer){ .code = ENODEV };
    if (self->options.max_read > 0)
        size = MIN(size, self->options.max_read);
    answer.n = sim_saver_read(self->saver, buf, size);
    if (is_running(self->state) && self->options.dirty_percent > 0)
        dirty_pages(self, sim_saver_dirt_due(self->saver, answer.n, self->options.dirty_percent));
    if (answer.n == 0 && size > 0 && self->state != FERRY_MIG_STATE_STOP_COPY)
        answer.code = empty_codes[self->options.empty];
    return answer;
}

SimAnswer
sim_device_write(SimDevice *self, const void *buf, size_t size)
{
    SimAnswer answer = { 0 };

    if (fails_now(self, SIM_FAIL_WRITE, &answer))
        return answer;
    if (self->loader == NULL)
        return (SimAnswer){ .code = ENODEV };
    answer.code = self->options.opaque ? 0 : sim_loader_write(self->loader, buf, size);
    if (self->options.accepts_all)
        answer.code = 0;
    answer.n = answer.code == 0 ? size : 0;
    return answer;
}

static uint64_t
lie(const SimDevice *self, uint64_t truth)
{
    int64_t told = (int64_t)truth + self->options.size_lie;

    return told < 0 ? 0 : (uint64_t)told;
}

SimAnswer
sim_device_info(SimDevice *self, SimInfo *ret)
{
    SimAnswer answer = { 0 };

    if (fails_now(self, SIM_FAIL_INFO, &answer))
        return answer;
    if (self->options.no_info)
        return (SimAnswer){ .code = ENOTTY };
    if (self->saver == NULL || self->state == FERRY_MIG_STATE_STOP_COPY)
        return (SimAnswer){ .code = self->saver == NULL ? ENODEV : EINVAL };
    sim_saver_info(self->saver, ret);
    ret->initial = lie(self, ret->initial);
    ret->dirty = lie(self, ret->dirty);
    return answer;
}

SimAnswer
sim_device_size(SimDevice *self, uint64_t *ret)
{
    SimAnswer answer = { 0 };

    if (fails_now(self, SIM_FAIL_SIZE, &answer))
        return answer;
    if (self->options.no_info)
        return (SimAnswer){ .code = ENOTTY };
    *ret = lie(self, self->saver != NULL ? sim_saver_left(self->saver)
                                         : sim_state_stream_bytes(&self->contents));
    return answer;
}

SimAnswer
sim_device_reset(SimDevice *self)
{
    SimAnswer answer = { 0 };

    if (fails_now(self, SIM_FAIL_RESET, &answer))
        return answer;
    if (self->options.reset_keeps && self->state != FERRY_MIG_STATE_ERROR &&
        self->state != FERRY_MIG_STATE_RESUMING)
        return answer;
    end_session(self);
    sim_state_clear(&self->contents);
    sim_state_init(&self->contents, &self->options);
    self->state = FERRY_MIG_STATE_RUNNING;
    return answer;
}

void
sim_device_work(SimDevice *self, uint64_t reg, unsigned pages)
{
    if (!is_running(self->state))
        return;
    self->contents.reg = reg;
    dirty_pages(self, pages);
}

uint64_t
sim_device_register(const SimDevice *self)
{
    return self->contents.reg;
}

void
sim_device_set_register(SimDevice *self, uint64_t reg)
{
    self->contents.reg = reg;
}

uint64_t
sim_device_digest(const SimDevice *self)
{
    return sim_state_digest(&self->contents);
}

void
sim_device_set_fail(SimDevice *self, SimFail fail, SimHow how, int code, unsigned at)
{
    self->options.fail = fail;
    self->options.how = how;
    self->options.fail_code = code;
    self->options.fail_at = at;
    memset(self->counts, 0, sizeof self->counts);
}

void
sim_device_watch(SimDevice *self, SimWatch watch, void *data)
{
    self->watch = watch;
    self->watch_data = data;
}
