/* The target's driver up to RUNNING: rows T1, T2, T4 to T14. */
#include "base/error.h"
#include "migrate/assign.h"
#include "migrate/objection.h"
#include "migrate/target-state.h"

#define COMPLETE_POLL_MS 2 /* libvirt tells of no event when its finish job is over (section 5) */

static FerryStep
refuse(FerryTarget *self, json_t *reasons)
{
    json_decref(self->reasons);
    self->reasons = reasons;
    return FERRY_STEP_END;
}

/* Row T1.  A guest that is here already is no place for its copy.  The claims are durable before
 * the record: a crash in between leaves them to the keeper. */
FerryStep
ferry_target_do_reserved(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;
    json_t *reasons = NULL;

    if (self->plan == NULL)
        return ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
    if (self->domain == FERRY_TD_UNKNOWN || self->look.present) {
        reasons =
            self->look.present
                ? ferry_objection("guest-exists", "a guest of that UUID is at the target already: "
                                                  "see \"virsh list --all\" there")
                : ferry_objection("libvirt-away", "the target's libvirt does not answer");
        return refuse(self, reasons);
    }
    ferry_job_set_phase(self->job, FERRY_PHASE_RESERVE);
    if (!self->world.devices->reserve(self->world.data, self->plan, &reasons, &error))
        return refuse(self, ferry_objection("reserve-failed", "%s", error->message));
    if (reasons != NULL)
        return refuse(self, reasons);
    return ferry_target_append(self, FERRY_RECORD_RESERVED, FERRY_TR_RESERVED,
                               ferry_plan_format(self->plan));
}

static bool
lease_is_over(const FerryTarget *self)
{
    return ferry_target_now_ms(self) - self->heard_ms >= self->world.timers->lease_ms;
}

void
ferry_target_take_assign(FerryTarget *self, json_t *assign)
{
    g_autoptr(GError) error = NULL;

    json_decref(self->assign);
    self->assign = json_incref(assign);
    /* Told, not fatal: a device that cannot be put back makes the guest degraded. */
    if (!ferry_assign_ephemerals(self->plan, assign, &error))
        ferry_job_add_degraded(self->job, "ephemeral", error->message);
}

FerryStep
ferry_target_do_prepared(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;
    json_t *assign = NULL;
    json_t *reasons = NULL;

    if (lease_is_over(self))
        return ferry_target_abort(self, "lease-over", "the source was silent for lease_s");
    ferry_job_set_phase(self->job, FERRY_PHASE_PREPARE);
    if (!self->world.devices->prepare(self->world.data, self->plan, &assign, &reasons, &error))
        return ferry_target_retry(self, error);
    if (reasons != NULL) {
        ferry_job_add_reasons(self->job, reasons);
        json_decref(reasons);
        return ferry_target_abort(self, "prepare-failed",
                                  "a device that was reserved could not be made");
    }
    ferry_target_take_assign(self, assign);
    return ferry_target_append(self, FERRY_RECORD_PREPARED, FERRY_TR_PREPARED,
                               json_pack("{s:o}", "assign", assign));
}

/* Row T7, Q4. */
FerryStep
ferry_target_do_lease(FerryTarget *self)
{
    if (lease_is_over(self))
        return ferry_target_abort(self, "lease-over", "the source was silent for lease_s");
    return ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
}

/* Rows T8 and T13. */
FerryStep
ferry_target_do_wait(FerryTarget *self)
{
    int64_t silent_ms = ferry_target_now_ms(self) - self->heard_ms;

    if (self->domain == FERRY_TD_COMPLETE) {
        ferry_job_set_phase(self->job, FERRY_PHASE_HANDOVER);
        if (ferry_target_now_ms(self) - self->complete_ms >= self->world.timers->in_doubt_ms) {
            ferry_job_set_state(self->job, FERRY_JOB_IN_DOUBT);
            ferry_job_set_waiting(self->job, "the source to hand the guest over or to give up: the "
                                             "guest is here, complete and stopped");
        }
        return ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
    }
    if (self->domain == FERRY_TD_INCOMING) {
        ferry_job_set_phase(self->job, FERRY_PHASE_TRANSFER);
        /* The link is gone: libvirt's auto-destroy ends what is not complete. */
        if (silent_ms >= FERRY_TARGET_SILENCES * self->world.timers->peer_keepalive_ms &&
            self->world.far->relay(self->world.data) == FERRY_RELAY_OPEN)
            self->world.far->close_relay(self->world.data);
    }
    return ferry_pace_wait(&self->pace, self->look.present && self->look.reason == 1
                                            ? COMPLETE_POLL_MS
                                            : FERRY_TARGET_POLL_MS);
}

FerryStep
ferry_target_do_aborted(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;

    /* Row T14: overruled.  What may have run goes before the record says that it never counts. */
    if (self->record != FERRY_TR_NONE && self->record != FERRY_TR_RESERVED &&
        self->record != FERRY_TR_PREPARED && self->domain != FERRY_TD_NONE &&
        !self->world.guest->destroy(self->world.data, &error))
        return ferry_target_retry(self, error);
    if (self->said == FERRY_SAID_HANDOFF)
        return ferry_target_abort(self, "copy-gone",
                                  "the guest's copy ended here before it ever ran");
    if (self->said == FERRY_SAID_RESOLVED)
        return ferry_target_abort(self, "overruled",
                                  "an operator resolved the job for the source while this host was "
                                  "away: what was here of the guest is discarded");
    return ferry_target_abort(self, "source-aborted", "the source gave the migration up");
}

/* Row T9.  Q2: the next steps are resume and nothing else. */
FerryStep
ferry_target_do_commit(FerryTarget *self)
{
    return ferry_target_append(self, FERRY_RECORD_COMMIT, FERRY_TR_COMMIT, json_object());
}

FerryStep
ferry_target_do_running(FerryTarget *self)
{
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    ferry_job_set_phase(self->job, FERRY_PHASE_ATTACH);
    if (!self->plan->user_paused) { /* a paused guest has no network to miss */
        self->replug.since_ms = ferry_target_now_ms(self);
        ferry_ephemerals_measure(self->ephemerals, self->replug.since_ms);
    }
    self->ran = true;
    return ferry_target_append(self, FERRY_RECORD_RUNNING, FERRY_TR_RUNNING, json_object());
}

FerryStep
ferry_target_do_resume(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;

    if (self->plan->user_paused)
        return ferry_target_do_running(self);
    if (!self->world.guest->resume(self->world.data, &error)) {
        ferry_job_set_state(self->job, FERRY_JOB_IN_DOUBT); /* an alarm; nothing leads back */
        return ferry_target_retry(self, error);
    }
    return ferry_pace_again(&self->pace);
}

FerryStep
ferry_target_do_lost(FerryTarget *self)
{
    self->lost = self->ran = true;
    return ferry_target_append(self, FERRY_RECORD_LOST, FERRY_TR_LOST, json_object());
}
