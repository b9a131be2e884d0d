/* What the target does once its guest runs, or once it must not: rows T3 and T15 to T18. */
#include "base/error.h"
#include "migrate/assign.h"
#include "migrate/target-state.h"

/* The source's definition with the names that its devices have here. */
static bool
define(FerryTarget *self, GError **error)
{
    g_autofree char *xml = NULL;

    if (!self->defined && self->plan->inactive_xml != NULL &&
        (!ferry_assign_apply(self->plan->inactive_xml, self->plan->needs, self->assign,
                             FERRY_ASSIGN_DEFINITION, &xml, error) ||
         !self->world.guest->define(self->world.data, xml, error)))
        return false;
    self->defined = true;
    return true;
}

/* The claims first: who looks at a guest that runs must find that it has them. */
static bool
keep(FerryTarget *self, GError **error)
{
    self->handed_on = self->handed_on || self->world.devices->keep(self->world.data, error);
    return self->handed_on;
}

static bool
attach(FerryTarget *self)
{
    int64_t now_ms = ferry_target_now_ms(self);

    return ferry_ephemerals_attach(self->ephemerals, self->job, now_ms) != FERRY_EPHEMERAL_WAIT &&
           ferry_replug(&self->replug, self->plan, self->world.devices, self->world.data,
                        self->world.timers, self->job, now_ms);
}

/* What T does on its own while its record is RUNNING or LOST, whatever S says: step 9. */
static bool
settle(FerryTarget *self, FerryStep *ret)
{
    g_autoptr(GError) error = NULL;
    bool up = self->domain == FERRY_TD_RUN || self->domain == FERRY_TD_COMPLETE;

    if (self->domain == FERRY_TD_UNKNOWN) {
        *ret = ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
        return false;
    }
    if (!keep(self, &error) || !define(self, &error)) {
        *ret = ferry_target_retry(self, error);
        return false;
    }
    if (up && !self->attached && !attach(self)) {
        *ret = ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
        return false;
    }
    self->attached = true;
    return true;
}

/* Row T15, section 2, step 9. */
FerryStep
ferry_target_do_finish(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;
    FerryStep step = FERRY_STEP_AGAIN;

    if (!settle(self, &step))
        return step;
    ferry_job_set_phase(self->job, FERRY_PHASE_FINISH);
    if (self->domain == FERRY_TD_NONE)
        ferry_job_add_reason(self->job, "guest-ended",
                             "the guest was handed over and ended here since: start it from disk");
    self->world.far->close_relay(self->world.data);
    if ((self->plan->autostart && self->plan->inactive_xml != NULL &&
         !self->world.guest->set_autostart(self->world.data, FERRY_AUTOSTART_ON, &error)) ||
        !self->world.guest->unmark(self->world.data, &error))
        return ferry_target_retry(self, error);
    return self->lost
               ? ferry_target_write_done(self, FERRY_JOB_FAILED, "lost", NULL)
               : ferry_target_write_done(self, FERRY_JOB_DONE, "migrated",
                                         self->domain == FERRY_TD_NONE ? NULL : self->plan->target);
}

/* Row T17, Q5.  What is removed is this job's: a definition only if it ran here, and then the
 * claims too that keep() has made the guest's. */
FerryStep
ferry_target_do_undo(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;

    if (self->plan ==
        NULL) { /* a tombstone: at most claims, by a ferryd that died before RESERVED */
        if (!self->world.devices->release_job(self->world.data, &error))
            return ferry_target_retry(self, error);
        return ferry_target_write_done(self, FERRY_JOB_FAILED, "aborted", NULL);
    }
    self->world.far->close_relay(self->world.data);
    if (self->domain != FERRY_TD_NONE && !self->world.guest->destroy(self->world.data, &error))
        return ferry_target_retry(self, error);
    if (self->ran && !self->world.guest->undefine(self->world.data, &error))
        return ferry_target_retry(self, error);
    ferry_target_observe(self);
    if (self->domain != FERRY_TD_NONE)
        return ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
    if (!self->world.devices->release_job(self->world.data, &error) ||
        (self->ran && !self->world.devices->release_guest(self->world.data, &error)) ||
        !self->world.guest->unmark(self->world.data, &error))
        return ferry_target_retry(self, error);
    return ferry_target_write_done(self, FERRY_JOB_FAILED, "aborted", NULL);
}

/* Rows T3, T16 and T18: the answer is the record; what is left to do here goes on. */
FerryStep
ferry_target_do_answer(FerryTarget *self)
{
    FerryStep step = FERRY_STEP_AGAIN;

    if (self->record == FERRY_TR_DONE)
        return FERRY_STEP_END;
    if (self->record == FERRY_TR_NONE)
        return FERRY_STEP_END; /* nothing was begun: nothing is kept */
    if (!settle(self, &step))
        return step;
    if (!self->plan->user_paused)
        self->world.far->close_relay(self->world.data);
    ferry_job_set_waiting(self->job, "the source to end its side");
    return ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
}
