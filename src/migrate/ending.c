/* The source's driver at the end: rows S14, S16 and S18 to S21. */
#include "base/error.h"
#include "migrate/source-state.h"

#define UNDEFINE_TRIES     4
#define START_TRIES        6
#define RELEASE_TRIES      4
#define LAST_WORD_TRIES    3
#define ATTACH_LIMIT_TRIES 3

/* Row S14: no reply to release, so libvirt will not remove the copy. */
FerryStep
ferry_source_do_destroy(FerrySource *self)
{
    g_autoptr(GError) error = NULL;

    if (!self->world.guest->destroy(self->world.data, &error))
        return ferry_source_retry_local(self, error);
    return ferry_pace_again(&self->pace);
}

json_t *
ferry_source_late(const FerrySource *self)
{
    return self->record == FERRY_S_COMMITTED ? json_array()
                                             : ferry_ephemerals_late(self->ephemerals);
}

/* The last record, and with it the report that is kept. */
static FerryStep
write_done(FerrySource *self, FerryJobState state, const char *outcome, const char *runs_on)
{
    json_t *report = NULL;
    json_t *body = NULL;
    FerryStep step = FERRY_STEP_AGAIN;

    ferry_job_end(self->job, state, outcome, runs_on);
    report = ferry_job_json(self->job);
    body = json_pack("{s:s, s:b, s:o, s:o}", "outcome", outcome, "resolved", self->resolved,
                     "report", report, "late", ferry_source_late(self));
    step = ferry_source_append(self, FERRY_RECORD_DONE, FERRY_S_DONE, body);
    self->world.link->loud_journal(self->world.data);
    return step;
}

/* The definition goes before the marker: without it nobody can start the guest from disk here. */
static bool
undefine(FerrySource *self, GError **error)
{
    return self->world.guest->undefine(self->world.data, error) &&
           self->world.guest->unmark(self->world.data, error);
}

/*
 * What T did after it ran the guest: devices put back, definition made.  Waited for as long as it
 * takes T by its own deadlines; out of reach, the report says so.
 *
 * Returns: whether it is known, or not to be known
 */
static bool
hear_end(FerrySource *self)
{
    const FerryTimers *timers = self->world.timers;
    int64_t now_ms = ferry_source_now_ms(self);
    const json_t *entry = NULL;
    size_t i = 0;

    if (self->end_heard)
        return true;
    if (self->ending_ms == 0)
        self->ending_ms = now_ms;
    if (ferry_source_ask(self, FERRY_ASK_DONE, NULL)) /* silence is judged by its length */
        self->heard_ms = now_ms;
    if (json_is_true(json_object_get(self->answer.details, "finished"))) {
        json_array_foreach(json_object_get(self->answer.details, "degraded"), i, entry)
        {
            const char *alias = json_string_value(json_object_get(entry, "alias"));
            const char *message = json_string_value(json_object_get(entry, "message"));

            if (alias != NULL && message != NULL)
                ferry_job_add_degraded(self->job, alias, message);
        }
        ferry_job_add_gaps(self->job, json_object_get(self->answer.details, "gaps"));
        return self->end_heard = true;
    }
    if (now_ms - MAX(self->ending_ms, self->heard_ms) <
            LAST_WORD_TRIES * timers->peer_keepalive_ms ||
        (self->heard_ms >= self->ending_ms &&
         now_ms - self->ending_ms < ATTACH_LIMIT_TRIES * timers->attach_ms))
        return false;
    ferry_job_add_degraded(self->job, "target",
                           "the target has not said yet whether the devices are back: see \"ferry "
                           "job show\" there");
    return self->end_heard = true;
}

/* What stays is the keeper's to release once the job is over; until then it is told. */
static bool
release(FerrySource *self, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *left = NULL;

    if (self->released || self->world.devices->release_guest(self->world.data, &local))
        return self->released = true;
    if (self->pace.tries < RELEASE_TRIES) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    left = g_strdup_printf("%s; ferryd goes on trying", local->message);
    ferry_job_add_degraded(self->job, "devices", left);
    self->pace.tries = 0; /* the definition has its own */
    return self->released = true;
}

/* Row S16, section 2, step 10. */
FerryStep
ferry_source_do_finish(FerrySource *self)
{
    g_autoptr(GError) error = NULL;

    if (!hear_end(self)) {
        ferry_job_set_waiting(self->job, "the target to put the devices back");
        return ferry_pace_wait(&self->pace, FERRY_SOURCE_POLL_MS);
    }
    ferry_job_set_phase(self->job, FERRY_PHASE_FINISH);
    if (!release(self, &error))
        return ferry_source_retry_local(self, error);
    if (!undefine(self, &error)) {
        g_autofree char *left = NULL;

        if (self->pace.tries < UNDEFINE_TRIES)
            return ferry_source_retry_local(self, error);
        left = g_strdup_printf("%s; its hold marker stays, so it cannot start here: run \"virsh "
                               "undefine %s\"",
                               error->message, self->plan->guest_name);
        ferry_job_add_degraded(self->job, "definition", left);
    }
    return self->lost ? write_done(self, FERRY_JOB_FAILED, "lost", NULL)
                      : write_done(self, FERRY_JOB_DONE, "migrated", self->plan->target);
}

/* Tells T that it is over; T needs it, we do not: bounded. */
static bool
tell_aborted(FerrySource *self)
{
    if (self->answer.record == FERRY_T_ABORTED)
        return true;
    (void)ferry_source_ask(self, FERRY_ASK_ABORT,
                           NULL); /* T's lease, or its own question, ends it */
    return self->answer.record == FERRY_T_ABORTED || self->answer.record == FERRY_T_NONE ||
           ++self->pace.tries >= LAST_WORD_TRIES;
}

static FerryStep
put_back(FerrySource *self)
{
    int64_t now_ms = ferry_source_now_ms(self);

    if (ferry_ephemerals_attach(self->ephemerals, self->job, now_ms) == FERRY_EPHEMERAL_WAIT)
        ferry_job_set_waiting(self->job, "the devices that were taken off to be back");
    else if (ferry_replug(&self->replug, self->plan, self->world.devices, self->world.data,
                          self->world.timers, self->job, now_ms))
        return FERRY_STEP_AGAIN;
    return ferry_pace_wait(&self->pace, FERRY_SOURCE_POLL_MS);
}

/* Whether the guest is there to put devices into; libvirt away is no answer. */
static bool
look_up(FerrySource *self, bool *ret_up, GError **error)
{
    FerryDomainLook guest = { 0 };

    if (!self->world.guest->look(self->world.data, &guest, error))
        return false;
    *ret_up = guest.present && (guest.state == 1 || guest.state == 3); /* running, paused */
    return true;
}

/* Section 8: the marker goes first, for this start meets the hook too. */
static FerryStep
start_from_disk(FerrySource *self)
{
    g_autoptr(GError) error = NULL;

    if (self->world.guest->unmark(self->world.data, &error) && ferry_source_start(self, &error))
        return ferry_pace_again(&self->pace);
    if (self->pace.tries < START_TRIES)
        return ferry_source_retry_local(self, error);
    self->unstartable = true;
    ferry_job_add_reason(self->job, "not-started", error->message);
    return ferry_pace_again(&self->pace);
}

/* Rows S19 and S20: the guest as it was before, then DONE. */
FerryStep
ferry_source_do_undo(FerrySource *self)
{
    g_autoptr(GError) error = NULL;
    bool up = false;
    FerryJobState state = FERRY_JOB_FAILED;

    ferry_job_set_phase(self->job, FERRY_PHASE_UNDO);
    if (!look_up(self, &up, &error))
        return ferry_source_retry_local(self, error);
    if (!up && self->resolved && !self->unstartable)
        return start_from_disk(self);
    if (up && put_back(self) != FERRY_STEP_AGAIN)
        return FERRY_STEP_WAIT;
    if (!tell_aborted(self))
        return ferry_pace_wait(&self->pace, self->world.timers->peer_keepalive_ms);
    if ((self->plan->autostart &&
         !self->world.guest->set_autostart(self->world.data, FERRY_AUTOSTART_ON, &error)) ||
        !self->world.guest->unmark(self->world.data, &error))
        return ferry_source_retry_local(self, error);
    if (ferry_job_is_cancelled(self->job))
        state = FERRY_JOB_CANCELLED;
    else if (self->refused)
        state = FERRY_JOB_REFUSED;
    return write_done(self, state, up ? "aborted" : "guest-ended", up ? self->plan->source : NULL);
}

/* Row S21: the guest runs here with its devices, but only T's word ends the job. */
FerryStep
ferry_source_do_replug(FerrySource *self)
{
    g_autoptr(GError) error = NULL;
    bool up = false;

    ferry_job_set_phase(self->job, FERRY_PHASE_UNDO);
    if (!look_up(self, &up, &error))
        return ferry_source_retry_local(self, error);
    if (up && put_back(self) != FERRY_STEP_AGAIN)
        return FERRY_STEP_WAIT;
    (void)ferry_source_ask(self, FERRY_ASK_ABORT, &error);
    if (self->answer.record == FERRY_T_ABORTED)
        return ferry_pace_again(&self->pace);
    ferry_job_set_waiting(self->job, "the target to say that it gave the migration up; the guest "
                                     "is here, and only here");
    return ferry_pace_retry(&self->pace, self->world.timers->libvirt_retry_ms);
}

/* Row S18. */
FerryStep
ferry_source_do_resume(FerrySource *self)
{
    g_autoptr(GError) error = NULL;

    if (self->plan->user_paused)
        return self->record == FERRY_S_ABORTED || self->answer.record == FERRY_T_ABORTED
                   ? ferry_source_do_undo(self)
                   : ferry_source_do_replug(self);
    if (!self->world.guest->resume(self->world.data, &error))
        return ferry_source_retry_local(self, error);
    return ferry_pace_again(&self->pace);
}
