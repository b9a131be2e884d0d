/* An operator's decision for the source's side: docs/handover.md, section 8. */
#include "base/error.h"
#include "migrate/objection.h"
#include "migrate/source-state.h"

void
ferry_source_overrule_answer(FerrySource *self)
{
    FerryTargetAnswer record = self->answer.record;

    if (self->resolved &&
        (record == FERRY_T_COMMIT || record == FERRY_T_RUNNING || record == FERRY_T_LOST))
        ferry_answer_clear(&self->answer);
}

/* RESOLVED is durable; what is dead goes before ABORTED, for what follows may cut the relay, and a
 * cut makes libvirt resume a copy that is still there. */
FerryStep
ferry_source_do_resolved(FerrySource *self, FerrySourceDomain domain)
{
    g_autoptr(GError) error = NULL;

    if (self->record == FERRY_S_HANDOFF && self->kept == FERRY_KEPT_DISK &&
        domain != FERRY_S_GONE) {
        if (!self->world.guest->destroy(self->world.data, &error))
            return ferry_source_retry_local(self, error);
        return ferry_pace_again(&self->pace);
    }
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    ferry_job_set_phase(self->job, FERRY_PHASE_UNDO);
    return ferry_source_append(self, FERRY_RECORD_ABORTED, FERRY_S_ABORTED,
                               json_pack("{s:s, s:s, s:b}", "code", "resolved", "message",
                                         "an operator resolved the job for this host",
                                         "finish_asked", false));
}

bool
ferry_source_start(FerrySource *self, GError **error)
{
    /* A transient guest went with its QEMU; only as a defined one can it be started. */
    if (self->plan->inactive_xml == NULL &&
        !self->world.guest->define(self->world.data, self->plan->live_xml, error))
        return false;
    return self->world.guest->start(self->world.data, error);
}

static FerryStep
not_now(FerrySource *self, const char *why, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "job %s cannot be resolved here: %s",
                ferry_job_identity(self->job)->id, why);
    return FERRY_STEP_WAIT;
}

/* What becomes of the guest: its copy's memory is asked about only where it may be too old. */
static FerryKept
judge(const FerrySource *self,
      FerrySourceDomain domain,
      const FerryResolution *resolution,
      char **why)
{
    if (domain == FERRY_S_GONE) {
        *why = g_strdup("no copy of the guest is here any more: it starts from disk");
        return FERRY_KEPT_DISK;
    }
    if (self->record == FERRY_S_HANDOFF)
        return ferry_resolve_source(self->plan, resolution, why);
    *why = g_strdup("the guest was never handed over");
    return FERRY_KEPT_MEMORY;
}

FerryStep
ferry_source_resolve(FerrySource *self,
                     const FerryResolution *resolution,
                     json_t *reasons,
                     GError **error)
{
    FerrySourceDomain domain = ferry_source_observe(self);
    g_autofree char *why = NULL;
    FerryKept kept = FERRY_KEPT_DISK;
    FerryStep step = FERRY_STEP_WAIT;

    if (self->record < FERRY_S_HANDOFF || self->record == FERRY_S_ABORTED)
        return not_now(self, "it decides alone now: \"ferry job cancel\" stops it", error);
    if (self->record == FERRY_S_COMMITTED || self->record == FERRY_S_DONE)
        return not_now(self, "the target has taken the guest over", error);
    if (self->resolved)
        return not_now(self, "that was done already", error);
    if (domain == FERRY_S_UNKNOWN)
        return not_now(self, "this host's libvirt does not answer", error);
    if (domain == FERRY_S_RUN && self->record == FERRY_S_HANDOFF)
        return not_now(self, "the guest's copy runs here, by another hand than ferry's", error);
    kept = judge(self, domain, resolution, &why);
    if (kept == FERRY_KEPT_DISK && resolution->loss == FERRY_LOSS_REFUSED) {
        ferry_object(reasons, "memory-lost", "%s", why);
        return FERRY_STEP_WAIT;
    }
    step = ferry_source_append(self, FERRY_RECORD_RESOLVED, self->record,
                               ferry_resolve_format(resolution, kept, why));
    if (step == FERRY_STEP_FAILED) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO,
                    "the decision could not be written into the journal: ask again");
        return step;
    }
    self->resolved = true;
    self->kept = kept;
    ferry_job_add_reason(self->job, "resolved", why);
    return step;
}
