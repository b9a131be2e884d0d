#include "migrate/progress.h"

#include <glib.h>

/* A guest that writes so fast leaves the link nothing to catch up with. */
#define NEARLY_PERCENT 95
/* A round that begins with less than that of the least one is nearer. */
#define SMALLER_PERCENT 90

/* The least that was ever left, as Nova counts progress, says little: at the end of each round
 * hardly anything is, and a long round is long.  So what counts is with how much a round begins,
 * and, in one that begins with less than those before, that it goes on. */
static void
begin_round(FerryProgress *self, const FerryTransferStats *stats)
{
    self->nearer =
        !self->begun || stats->remaining_bytes < self->least_bytes / 100 * SMALLER_PERCENT;
    if (self->nearer)
        self->least_bytes = MAX(stats->remaining_bytes, 100);
    self->round_bytes = stats->remaining_bytes;
    self->begun = true;
}

static bool
has_moved(FerryProgress *self, const FerryTransferStats *stats)
{
    bool anew = !self->begun || stats->iteration != self->newest.iteration;
    uint64_t round_bytes = self->round_bytes;
    bool moved = stats->device_bytes > self->newest.device_bytes;

    if (anew)
        begin_round(self, stats);
    else
        self->round_bytes = MIN(round_bytes, stats->remaining_bytes);
    return moved || (self->nearer && (anew || stats->remaining_bytes < round_bytes));
}

static uint64_t
ms_for(uint64_t bytes, uint64_t rate_bps)
{
    return (uint64_t)((double)bytes * 1000.0 / (double)rate_bps);
}

void
ferry_progress_take(FerryProgress *self,
                    const FerryTransferStats *stats,
                    int64_t max_downtime_ms,
                    int64_t now_ms)
{
    uint64_t there = stats->total_bytes - MIN(stats->remaining_bytes, stats->total_bytes);

    if (has_moved(self, stats))
        self->moved_ms = now_ms;
    /* A bar never runs backwards, though what is left grows when the guest writes. */
    self->there_bytes = MAX(self->there_bytes, there + stats->device_bytes);
    self->total_bytes = MAX(self->total_bytes, stats->total_bytes + stats->device_bytes);
    if (self->first_bytes == 0 && stats->iteration > 1)
        self->first_bytes = stats->done_bytes;
    self->newest = *stats;
    self->best_rate_bps = MAX(self->best_rate_bps, stats->rate_bps);
    self->limit_is_reached =
        stats->rate_bps > 0 &&
        ms_for(stats->remaining_bytes, stats->rate_bps) <= (uint64_t)max_downtime_ms;
    self->diverging = stats->iteration >= FERRY_PROGRESS_ROUNDS && stats->rate_bps > 0 &&
                      !self->limit_is_reached &&
                      stats->dirty_rate_bps >= stats->rate_bps / 100 * NEARLY_PERCENT;
}

uint64_t
ferry_progress_resent_bytes(const FerryProgress *self)
{
    return self->first_bytes == 0
               ? 0
               : self->newest.done_bytes - MIN(self->first_bytes, self->newest.done_bytes);
}

bool
ferry_progress_is_diverging(const FerryProgress *self)
{
    return self->diverging;
}

char *
ferry_progress_advice(const FerryProgress *self, int64_t max_downtime_ms)
{
    const FerryTransferStats *stats = &self->newest;
    g_autofree char *dirty = g_format_size_full(stats->dirty_rate_bps, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *rate = g_format_size_full(stats->rate_bps, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *left = g_format_size_full(stats->remaining_bytes, G_FORMAT_SIZE_IEC_UNITS);
    uint64_t needed_ms = stats->rate_bps == 0 ? 0 : ms_for(stats->remaining_bytes, stats->rate_bps);

    return g_strdup_printf(
        "after %" G_GUINT64_FORMAT " rounds it comes no nearer: the guest writes %s/s, the link "
        "takes %s/s, and the %s that are left need a stop of %" G_GUINT64_FORMAT
        " ms where %" G_GINT64_FORMAT " ms are allowed.  Cancel it, and allow more (--max-downtime "
        "%" G_GUINT64_FORMAT "ms), slow the guest down (--auto-converge), or give it a faster "
        "link; else it is undone after no_progress_s",
        (guint64)stats->iteration, dirty, rate, left, (guint64)needed_ms, (gint64)max_downtime_ms,
        (guint64)((needed_ms / 100 + 1) * 100));
}

static json_t *
eta_json(uint64_t left_bytes, uint64_t rate_bps)
{
    return rate_bps == 0 ? json_null() : json_integer((json_int_t)ms_for(left_bytes, rate_bps));
}

json_t *
ferry_progress_json(const FerryProgress *self)
{
    const FerryTransferStats *stats = &self->newest;
    uint64_t gain_bps = stats->rate_bps - MIN(stats->dirty_rate_bps, stats->rate_bps);

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:b}", "bytes",
                     (json_int_t)self->there_bytes, "total_bytes", (json_int_t)self->total_bytes,
                     "sent_bytes", (json_int_t)(stats->done_bytes + stats->device_bytes),
                     "resent_bytes", (json_int_t)ferry_progress_resent_bytes(self), "device_bytes",
                     (json_int_t)stats->device_bytes, "rate_bps", (json_int_t)stats->rate_bps,
                     "best_rate_bps", (json_int_t)self->best_rate_bps, "dirty_rate_bps",
                     (json_int_t)stats->dirty_rate_bps, "rounds", (json_int_t)stats->iteration,
                     "eta_ms", eta_json(stats->remaining_bytes, stats->rate_bps), "eta_max_ms",
                     eta_json(stats->remaining_bytes, gain_bps), "diverging", self->diverging);
}
