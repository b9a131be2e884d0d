#include "vfio/pump-crew.h"

#include "base/error.h"

#define PROGRESS_MS 100
#define LOOK_MS     100 /* whoever waits for a chunk looks this often whether the pump has failed */

void
pump_crew_init(PumpCrew *self,
               const FerryPumpOptions *options,
               size_t n_devices,
               FerryChannel *const *channels,
               size_t n_channels,
               FerryPumpReport *report)
{
    g_assert(n_devices > 0 && n_devices <= FERRY_FRAME_MAX_DEVICES && n_channels > 0);
    *self = (PumpCrew){ .options = ferry_pump_defaults(options, n_devices),
                        .clock = ferry_clock_system(),
                        .n_lanes = n_devices,
                        .n_wires = MIN(n_channels, n_devices),
                        .two_way = channels[0]->kind == FERRY_CHANNEL_TWO_WAY };
    ferry_latch_init(&self->latch);
    self->start_ms = pump_crew_now_ms(self);
    report->n_devices = n_devices;
    report->devices = g_new0(FerryPumpDevice, n_devices);
    report->memory_bytes = (uint64_t)ferry_pump_chunks_each(&self->options, n_devices) * n_devices *
                           self->options.chunk_bytes;
}

void
pump_crew_clear(PumpCrew *self)
{
    ferry_latch_clear(&self->latch);
}

int64_t
pump_crew_now_ms(const PumpCrew *self)
{
    return self->clock->now_ms(self->clock);
}

void
pump_crew_start(PumpCrew *self, pthread_t *thread, void *(*run)(void *data), void *data)
{
    (void)pthread_mutex_lock(&self->latch.lock);
    self->n_working++;
    (void)pthread_mutex_unlock(&self->latch.lock);
    g_assert(pthread_create(thread, NULL, run, data) == 0);
}

void
pump_crew_join(pthread_t thread)
{
    g_assert(pthread_join(thread, NULL) == 0);
}

void
pump_crew_leave(PumpCrew *self, GError *error)
{
    if (error != NULL)
        ferry_latch_fail(&self->latch, error);
    (void)pthread_mutex_lock(&self->latch.lock);
    self->n_working--;
    (void)pthread_cond_broadcast(&self->latch.changed);
    (void)pthread_mutex_unlock(&self->latch.lock);
}

unsigned
pump_crew_wait(PumpCrew *self, int ms)
{
    (void)pthread_mutex_lock(&self->latch.lock);
    if (self->n_working > 0)
        ferry_latch_wait_locked(&self->latch, ms);
    unsigned n_working = self->n_working;
    (void)pthread_mutex_unlock(&self->latch.lock);
    return n_working;
}

void
pump_crew_fill(const PumpCrew *self, unsigned lane, FerryQueue *free)
{
    unsigned n = ferry_pump_chunks_each(&self->options, self->n_lanes);

    for (unsigned i = 0; i < n; i++)
        ferry_queue_push(free, ferry_chunk_new(lane, self->options.chunk_bytes));
}

FerryChunk *
pump_crew_take(PumpCrew *self, FerryQueue *free)
{
    FerryChunk *chunk = NULL;

    while (!ferry_latch_failed(&self->latch)) {
        FerryQueueAnswer answer = ferry_queue_pop(free, LOOK_MS, &chunk);

        if (answer != FERRY_QUEUE_TIMEOUT)
            return answer == FERRY_QUEUE_GOT ? chunk : NULL;
    }
    return NULL;
}

bool
pump_crew_check_cancelled(const PumpCrew *self, GError **error)
{
    if (self->options.cancelled == NULL ||
        __atomic_load_n(self->options.cancelled, __ATOMIC_RELAXED) == 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_CANCELLED,
                "cancelled; the source's device runs on");
    return false;
}

void
pump_crew_show(PumpCrew *self,
               void (*fill)(const void *half, unsigned lane, FerryProgress *row),
               const void *half)
{
    const FerryPumpWatch *watch = &self->options.watch;
    g_autofree FerryProgress *rows = NULL;

    if (watch->show == NULL || pump_crew_now_ms(self) - self->shown_ms < PROGRESS_MS)
        return;
    self->shown_ms = pump_crew_now_ms(self);
    rows = g_new0(FerryProgress, self->n_lanes);
    (void)pthread_mutex_lock(&self->latch.lock);
    for (unsigned i = 0; i < self->n_lanes; i++)
        fill(half, i, &rows[i]);
    (void)pthread_mutex_unlock(&self->latch.lock);
    watch->show(watch->data, rows, self->n_lanes);
}

void
pump_report_doubt(FerryPumpReport *report, const GError *error)
{
    const char *reasons[] = { error->message, NULL };

    report->outcome = FERRY_PUMP_IN_DOUBT;
    g_strfreev(report->reasons);
    report->reasons = g_strdupv((char **)reasons);
}
