/* The source's driver from libvirt's call to COMMITTED: rows S4 to S15, but the destroying one. */
#include "base/error.h"
#include "migrate/source-state.h"

#define SILENT_KEEPALIVES                                                                          \
    5 /* section 7, peer_keepalive_s × 5: then T is taken for out of reach                        \
       */
#define TRANSFER_MIN_MS 60000
#define LOADED_MIN_MS   2000
#define HELD_POLL_MS    10

/* Four times what the memory takes at 100 MiB/s, the least a link for this should give. */
static int64_t
transfer_limit_ms(const FerrySource *self)
{
    int64_t forecast_ms = (int64_t)(self->plan->memory_bytes / (100 << 20)) * 1000;

    if (self->plan->timeout_ms > 0)
        return self->plan->timeout_ms;
    if (self->world.timers->transfer_ms > 0)
        return self->world.timers->transfer_ms;
    return MAX(TRANSFER_MIN_MS, 4 * forecast_ms);
}

static int64_t
loaded_limit_ms(const FerrySource *self)
{
    if (self->world.timers->loaded_ms > 0)
        return self->world.timers->loaded_ms;
    return MAX(LOADED_MIN_MS, 3 * self->plan->max_downtime_ms);
}

static void
watch_progress(FerrySource *self, int64_t now_ms)
{
    FerryTransferStats stats = { 0 };
    g_autofree char *advice = NULL;

    if (!self->world.link->stats(self->world.data, &stats) || stats.total_bytes == 0)
        return;
    ferry_progress_take(&self->progress, &stats, self->plan->max_downtime_ms, now_ms);
    ferry_job_set_progress(self->job, &self->progress);
    if (ferry_progress_is_diverging(&self->progress))
        advice = ferry_progress_advice(&self->progress, self->plan->max_downtime_ms);
    ferry_job_set_waiting(self->job, advice);
}

/* Which timer of row S7 ends the wait first, for who looks at the job. */
static void
show_timer(FerrySource *self)
{
    int64_t transfer_ms = self->called_ms + transfer_limit_ms(self);
    int64_t progress_ms = self->progress.moved_ms + self->world.timers->no_progress_ms;

    if (self->held_ms != 0)
        ferry_job_set_timer(self->job, "loaded_timeout_ms", self->held_ms + loaded_limit_ms(self));
    else if (transfer_ms < progress_ms)
        ferry_job_set_timer(self->job, "transfer_timeout_s", transfer_ms);
    else
        ferry_job_set_timer(self->job, "no_progress_s", progress_ms);
}

/* Renews the lease and finds out whether T is there at all.  Only an answer to a question of now
 * counts: the long poll's may be as old as the silence that is measured. */
static void
keep_alive(FerrySource *self, int64_t now_ms)
{
    if (now_ms - self->asked_ms < self->world.timers->peer_keepalive_ms)
        return;
    if (ferry_source_ask(self, FERRY_ASK_STATUS, NULL)) /* silence is judged by its length */
        self->heard_ms = ferry_source_now_ms(self);
    self->asked_ms = now_ms;
}

typedef struct {
    const char *code;
    const char *message;
} Overrun;

/* Which timer of row S7 is over, if any (R3). */
static const Overrun *
overrun(const FerrySource *self, int64_t now_ms)
{
    static const Overrun cancelled = { "cancelled", "the job was cancelled" };
    static const Overrun silent = { "target-silent",
                                    "the target's ferryd has not answered for five keepalives: the "
                                    "link between the hosts or the target is down" };
    static const Overrun slow = { "transfer-timeout",
                                  "the transfer took longer than its limit: raise --timeout or "
                                  "--max-downtime, or give it a faster link" };
    static const Overrun stuck = { "no-progress",
                                   "the transfer came no nearer to its end for no_progress_s: "
                                   "raise --max-downtime, slow the guest down (--auto-converge), "
                                   "or give it a faster link" };
    static const Overrun unloaded = { "not-loaded",
                                      "the target did not take the guest's last state within "
                                      "loaded_timeout_ms" };

    if (ferry_job_is_cancelled(self->job))
        return &cancelled;
    if (self->held_ms != 0)
        return now_ms - self->held_ms >= loaded_limit_ms(self) ? &unloaded : NULL;
    if (now_ms - self->heard_ms >= SILENT_KEEPALIVES * self->world.timers->peer_keepalive_ms)
        return &silent;
    if (now_ms - self->called_ms >= transfer_limit_ms(self))
        return &slow;
    if (now_ms - self->progress.moved_ms >= self->world.timers->no_progress_ms)
        return &stuck;
    return NULL;
}

/* Row S7, and S22 where libvirt does not answer. */
FerryStep
ferry_source_do_wait(FerrySource *self)
{
    int64_t now_ms = ferry_source_now_ms(self);
    const Overrun *over = NULL;

    if (self->record != FERRY_S_TRANSFER) {
        ferry_job_set_waiting(self->job, "this host's libvirt, which does not answer");
        return ferry_pace_retry(&self->pace, self->world.timers->libvirt_retry_ms);
    }
    if (self->held_ms == 0 && self->world.link->relay(self->world.data) >= FERRY_RELAY_HELD) {
        self->held_ms = now_ms;
        ferry_job_set_phase(self->job, FERRY_PHASE_HANDOVER);
    }
    if (self->held_ms == 0) { /* the guest stands still from then on: nothing is asked but the
                                 handover's own questions, and the long poll renews the lease */
        watch_progress(self, now_ms);
        keep_alive(self, now_ms);
    }
    show_timer(self);
    over = overrun(self, ferry_source_now_ms(self));
    if (over != NULL)
        return ferry_source_abort(self, over->code, over->message);
    return ferry_pace_wait(&self->pace, self->held_ms != 0 ? HELD_POLL_MS : FERRY_SOURCE_POLL_MS);
}

/* Rows S2, S5, S6, S8 and S10: it goes no further, and the reason is what is known of it. */
FerryStep
ferry_source_do_abort(FerrySource *self)
{
    g_autofree char *failed = NULL;

    if (self->answer.record == FERRY_T_ABORTED) {
        ferry_job_add_reasons(self->job, json_object_get(self->answer.details, "reasons"));
        return ferry_source_abort(self, "target-aborted", "the target gave the migration up");
    }
    if (!self->live)
        return ferry_source_abort(self, "restarted", "ferryd was restarted during the transfer");
    failed = self->world.link->call_error(self->world.data);
    self->unexplained = failed == NULL;
    if (failed == NULL)
        failed = g_strdup_printf("the guest or its copy on %s ended before the handover: QEMU's "
                                 "last words are in /var/log/libvirt/qemu/%s.log there",
                                 self->plan->target, self->plan->guest_name);
    return ferry_source_abort(self, "transfer-failed", failed);
}

/* Row S4.  From here on only T's word counts. */
FerryStep
ferry_source_do_handoff(FerrySource *self)
{
    self->handoff_ms = ferry_source_now_ms(self);
    return ferry_source_append(self, FERRY_RECORD_HANDOFF, FERRY_S_HANDOFF, json_object());
}

/* Row S11: again, for ever.  In doubt is an alarm, not a decision. */
FerryStep
ferry_source_do_go(FerrySource *self)
{
    g_autoptr(GError) error = NULL;
    bool answered = ferry_source_ask(self, FERRY_ASK_GO, &error);

    if (self->handoff_ms == 0)
        self->handoff_ms = ferry_source_now_ms(self); /* recovered: counted from now */
    if (answered && self->answer.record != FERRY_T_PREPARED &&
        self->answer.record != FERRY_T_COMMIT)
        return ferry_pace_again(&self->pace);
    if (ferry_source_now_ms(self) - self->handoff_ms >= self->world.timers->in_doubt_ms) {
        g_autofree char *doubt = g_strdup_printf(
            "%s to say whether the guest runs there: it is stopped here, whole, and %s may be "
            "running it; nothing is lost, it ends by itself when the two hosts reach each other; "
            "never start or resume it by hand%s%s",
            self->plan->target, self->plan->target, error != NULL ? ": " : "",
            error != NULL ? error->message : "");

        ferry_job_set_state(self->job, FERRY_JOB_IN_DOUBT);
        ferry_job_set_waiting(self->job, doubt);
    }
    return ferry_pace_retry(&self->pace, self->world.timers->go_retry_ms);
}

/* Rows S9 and S12. */
FerryStep
ferry_source_do_committed(FerrySource *self)
{
    int64_t stopped_ms = self->world.link->suspended_ms(self->world.data);

    if (self->answer.record == FERRY_T_RESOLVED)
        ferry_job_add_reason(self->job, "overruled",
                             "an operator resolved the job for the target while this host was "
                             "away: what was here of the guest is discarded");
    self->lost = self->answer.record == FERRY_T_LOST;
    if (self->lost)
        ferry_job_add_reason(
            self->job, "guest-lost",
            "the guest was handed over and its QEMU ended at the target: its memory "
            "is gone, start it from disk there");
    if (self->live && stopped_ms >= self->called_ms && self->called_ms > 0 && !self->lost) {
        self->blackout_ms = ferry_source_now_ms(self) - stopped_ms;
        ferry_job_set_blackout(self->job, self->blackout_ms);
    }
    if (self->live)
        watch_progress(self, ferry_source_now_ms(self)); /* what went over while it stood still */
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    ferry_job_set_phase(self->job, FERRY_PHASE_ATTACH);
    return ferry_source_append(
        self, FERRY_RECORD_COMMITTED, FERRY_S_COMMITTED,
        json_pack("{s:I, s:b}", "blackout_ms", (json_int_t)self->blackout_ms, "lost", self->lost));
}

/* Row S13: libvirt's own confirm removes the copy. */
FerryStep
ferry_source_do_release(FerrySource *self)
{
    self->world.link->release(self->world.data);
    if (self->world.link->relay(self->world.data) != FERRY_RELAY_NONE)
        return ferry_pace_retry(&self->pace, self->world.timers->libvirt_retry_ms);
    self->called_over = true;
    return ferry_pace_again(&self->pace);
}

/* A guest or a copy that ends is seen before libvirt's call has returned with QEMU's word on it. */
static void
explain(FerrySource *self)
{
    g_autofree char *said =
        self->unexplained ? self->world.link->call_error(self->world.data) : NULL;

    if (said != NULL)
        ferry_job_add_reason(self->job, "transfer-failed", said);
    self->unexplained = false;
}

/* Rows S15 and S17: libvirt resumes the source, where there is one to resume. */
FerryStep
ferry_source_do_cut(FerrySource *self)
{
    if (self->called)
        self->world.link->cut(self->world.data);
    if (self->called && self->world.link->relay(self->world.data) != FERRY_RELAY_NONE)
        return ferry_pace_retry(&self->pace, self->world.timers->libvirt_retry_ms);
    self->called_over = true;
    explain(self);
    return ferry_pace_again(&self->pace);
}
