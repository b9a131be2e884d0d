#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "guest/migrate.h"

/**
 * How far a transfer is, of what libvirt says of it time and again: a value, all zero at first.
 *
 * Memory goes over in rounds: the first one is all of it, each later one what the guest wrote
 * meanwhile.  The transfer ends when what is left goes over within the downtime limit.
 */
typedef struct {
    FerryTransferStats newest;
    uint64_t there_bytes;   /* memory and device state at the target, as far as it ever was */
    uint64_t total_bytes;   /* of both; never gets less */
    uint64_t first_bytes;   /* sent when the first round had ended; 0 = it has not */
    uint64_t least_bytes;   /* the least that a round began with, of those that counted */
    uint64_t round_bytes;   /* the least that was left in this round */
    uint64_t best_rate_bps; /* the highest that was measured: what the link gives */
    int64_t moved_ms;       /* when it last came nearer to its end */
    bool nearer;            /* this round began with less than those before */
    bool begun;             /* something was seen */
    bool diverging;         /* see ferry_progress_is_diverging(); of the newest look */
    bool limit_is_reached;  /* what is left would go over within the downtime limit */
} FerryProgress;

/** Rounds after which a transfer that comes no nearer is called so (M7 of its scenarios). */
#define FERRY_PROGRESS_ROUNDS 3

/** @now_ms: monotonic; @max_downtime_ms: what the guest may stand still */
void ferry_progress_take(FerryProgress *self,
                         const FerryTransferStats *stats,
                         int64_t max_downtime_ms,
                         int64_t now_ms);

/** Returns: bytes that went over a second time, and more, since the guest had written to them */
uint64_t ferry_progress_resent_bytes(const FerryProgress *self);

/**
 * Whether it will not end by itself: in its third round or later the guest writes as fast as the
 * link takes it, and what is left needs longer than the guest may stand still.
 */
bool ferry_progress_is_diverging(const FerryProgress *self);

/** Returns: (transfer full): the numbers of a transfer that does not end, and what there is to do
 */
char *ferry_progress_advice(const FerryProgress *self, int64_t max_downtime_ms);

/**
 * Returns: (transfer full): as the API has it: {bytes, total_bytes, sent_bytes, resent_bytes,
 * device_bytes, rate_bps, best_rate_bps, dirty_rate_bps, rounds, eta_ms?, eta_max_ms?, diverging};
 * eta_ms if the guest wrote nothing more, eta_max_ms if it goes on as now: null when there is no
 * such time
 */
json_t *ferry_progress_json(const FerryProgress *self);
