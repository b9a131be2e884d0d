#include "migrate/progress.h"

#include <glib.h>

#define NEARLY_PERCENT                                                                             \
    95 /* a guest that writes so fast leaves the link nothing to catch up with                     \
        */

/* Nova and KubeVirt count progress so, too: the least that was ever left.  In the first round that
 * is what was sent; a device's bytes are on top of both. */
static bool
has_moved(FerryProgress *self, const FerryTransferStats *stats)
{
    uint64_t moved_bytes = stats->device_bytes + (stats->iteration <= 1 ? stats->done_bytes : 0);
    bool less = !self->begun || stats->remaining_bytes < self->least_bytes;
    bool moved = less || moved_bytes > self->moved_bytes;

    self->begun = true;
    self->moved_bytes = MAX(self->moved_bytes, moved_bytes);
    if (less)
        self->least_bytes = stats->remaining_bytes;
    return moved;
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
