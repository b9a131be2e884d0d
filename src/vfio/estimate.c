#include "vfio/estimate.h"

static const char *const trend_names[] = {
    [FERRY_TREND_UNKNOWN] = "unknown",
    [FERRY_TREND_CONVERGING] = "converging",
    [FERRY_TREND_AT_FLOOR] = "at-floor",
    [FERRY_TREND_DIVERGING] = "diverging",
};
G_STATIC_ASSERT(G_N_ELEMENTS(trend_names) == FERRY_N_TRENDS);

static const char *const switch_names[] = {
    [FERRY_SWITCH_WAIT] = "wait",
    [FERRY_SWITCH_NOW] = "within-limit",
    [FERRY_SWITCH_BEST] = "no-better",
    [FERRY_SWITCH_LATE] = "time-is-up",
};
G_STATIC_ASSERT(G_N_ELEMENTS(switch_names) == FERRY_SWITCH_N);

const char *
ferry_trend_name(FerryTrend trend)
{
    return trend_names[trend];
}

const char *
ferry_switch_name(FerrySwitch answer)
{
    return switch_names[answer];
}

void
ferry_estimate_add(FerryEstimate *self, const FerrySample *sample)
{
    if (self->n == 0)
        self->first = *sample;
    if (sample->pauses > 0 && self->first_pause.pauses == 0)
        self->first_pause = *sample;
    self->latest = *sample;
    if (self->n == 0 ||
        sample->now_ms - self->samples[(self->n - 1) % FERRY_ESTIMATE_SAMPLES].now_ms >=
            FERRY_ESTIMATE_STEP_MS)
        self->samples[self->n++ % FERRY_ESTIMATE_SAMPLES] = *sample;
}

static const FerrySample *
oldest(const FerryEstimate *self)
{
    return &self->samples[self->n < FERRY_ESTIMATE_SAMPLES ? 0 : self->n % FERRY_ESTIMATE_SAMPLES];
}

static uint64_t
per_second(uint64_t bytes, int64_t ms)
{
    return ms <= 0 ? 0 : (uint64_t)((double)bytes * 1000.0 / (double)ms);
}

/* What got dirty since @from: what was read plus the growth of what is pending. */
static uint64_t
dirtied_since(const FerryEstimate *self, const FerrySample *from)
{
    uint64_t read = self->latest.read_bytes - from->read_bytes;
    uint64_t now = self->latest.pending.bytes;

    if (!self->latest.pending.known || !from->pending.known)
        return self->first_pause.pauses > 0 && from->now_ms >= self->first_pause.now_ms ? read : 0;
    if (now >= from->pending.bytes)
        return read + (now - from->pending.bytes);
    return read > from->pending.bytes - now ? read - (from->pending.bytes - now) : 0;
}

/* What comes after a stop: pending data, or the driver's figure if that is less.  MIG_DATA_SIZE
 * counts the whole state with drivers that return a constant; then pending is the better figure,
 * but of a device with no more in PRE_COPY than a header (mtty, hisi_acc, qat) pending is 0 and
 * DATA_SIZE is all that is known.  What was read already is not counted twice. */
static FerrySize
left_after_stop(const FerrySample *latest)
{
    uint64_t rest =
        latest->stop.bytes > latest->read_bytes ? latest->stop.bytes - latest->read_bytes : 0;

    if (!latest->stop.known)
        return (FerrySize){ .bytes = latest->pending.bytes,
                            .known = latest->pending.known || latest->pauses > 0 };
    if (!latest->pending.known)
        return (FerrySize){ .bytes = rest, .known = true };
    return (FerrySize){ .bytes = MAX(latest->pending.bytes, rest), .known = true };
}

static FerryTrend
judge(const FerryEstimate *self, const FerryForecast *forecast, const FerrySample *from)
{
    int64_t span_ms = self->latest.now_ms - from->now_ms;

    if (self->latest.pauses > from->pauses + 1 &&
        (!self->latest.pending.known || self->latest.pending.bytes == 0) &&
        forecast->dirty_bps <= forecast->rate_bps / 10)
        return FERRY_TREND_AT_FLOOR;
    if (span_ms < 4 * FERRY_ESTIMATE_STEP_MS)
        return FERRY_TREND_UNKNOWN;
    if (forecast->dirty_bps > 0 && forecast->dirty_bps >= forecast->rate_bps / 10 * 9)
        return FERRY_TREND_DIVERGING;
    return FERRY_TREND_CONVERGING;
}

static void
set_times(FerryForecast *forecast)
{
    uint64_t drain_bps =
        forecast->rate_bps > forecast->dirty_bps ? forecast->rate_bps - forecast->dirty_bps : 0;
    int64_t copy_ms = 0;

    forecast->downtime_ms_low = forecast->downtime_ms_high = -1;
    forecast->eta_ms_low = forecast->eta_ms_high = -1;
    if (!forecast->left.known)
        return;
    if (forecast->left.bytes == 0) {
        forecast->downtime_ms_low = forecast->downtime_ms_high = 0;
    } else if (forecast->rate_bps > 0) {
        copy_ms = (int64_t)((double)forecast->left.bytes * 1000.0 / (double)forecast->rate_bps);
        forecast->downtime_ms_low = copy_ms;
        forecast->downtime_ms_high = copy_ms + copy_ms / 4 + 1;
    }
    if (drain_bps > 0) {
        copy_ms = (int64_t)((double)forecast->left.bytes * 1000.0 / (double)drain_bps);
        forecast->eta_ms_low = copy_ms;
        forecast->eta_ms_high = copy_ms + copy_ms / 4 + 1;
    }
}

FerryForecast
ferry_estimate_forecast(const FerryEstimate *self)
{
    FerryForecast forecast = { .trend = FERRY_TREND_UNKNOWN };
    const FerrySample *from = oldest(self);
    int64_t span_ms = self->latest.now_ms - from->now_ms;
    int64_t busy_ms = self->first_pause.pauses > 0 ? self->first_pause.now_ms - self->first.now_ms
                                                   : self->latest.now_ms - self->first.now_ms;
    uint64_t busy_bytes =
        self->first_pause.pauses > 0 ? self->first_pause.moved_bytes : self->latest.moved_bytes;

    if (self->n > 0) {
        uint64_t overall = per_second(busy_bytes - self->first.moved_bytes, busy_ms);

        /* An idle device moves nothing: its rate is what it was while it had something to move. */
        forecast.rate_bps =
            MAX(per_second(self->latest.moved_bytes - from->moved_bytes, span_ms), overall);
        forecast.dirty_bps = per_second(dirtied_since(self, from), span_ms);
        forecast.left = left_after_stop(&self->latest);
        forecast.trend = judge(self, &forecast, from);
    }
    set_times(&forecast);
    return forecast;
}

FerrySwitch
ferry_estimate_decide(const FerryForecast *forecast,
                      const FerryLimits *limits,
                      int64_t elapsed_ms,
                      int initial_loaded)
{
    if (elapsed_ms >= limits->precopy_ms)
        return FERRY_SWITCH_LATE;
    if (!initial_loaded)
        return FERRY_SWITCH_WAIT;
    if (forecast->downtime_ms_high >= 0 && forecast->downtime_ms_high <= limits->max_downtime_ms &&
        (forecast->trend != FERRY_TREND_UNKNOWN || forecast->left.bytes == 0))
        return FERRY_SWITCH_NOW;
    if (forecast->trend == FERRY_TREND_AT_FLOOR || forecast->trend == FERRY_TREND_DIVERGING)
        return FERRY_SWITCH_BEST;
    return FERRY_SWITCH_WAIT;
}
