/* An operator's decision for the target's side: docs/handover.md, section 8. */
#include "base/error.h"
#include "migrate/objection.h"
#include "migrate/target-state.h"

static bool
is_running_or_lost(const FerryTarget *self)
{
    return self->record == FERRY_TR_RUNNING || self->record == FERRY_TR_LOST;
}

void
ferry_target_take_resolved(FerryTarget *self, const json_t *body)
{
    ferry_job_add_reason(self->job, "resolved",
                         json_string_value(json_object_get(body, "because")));
    ferry_job_set_state(self->job, FERRY_JOB_RUNNING);
    if (is_running_or_lost(self)) { /* S will not say it any more */
        self->said = FERRY_SAID_COMMITTED;
        return;
    }
    self->resolved = true;
    self->kept = ferry_resolve_kept(body);
    self->said = FERRY_SAID_UNKNOWN; /* what it said before is overruled */
}

/* Each done again without harm; the marker goes before the start, which meets the hook too. */
static bool
start_from_disk(FerryTarget *self, GError **error)
{
    const FerryGuestOps *guest = self->world.guest;
    const char *xml =
        self->plan->inactive_xml != NULL ? self->plan->inactive_xml : self->plan->live_xml;

    self->world.far->close_relay(self->world.data);
    if (!guest->define(self->world.data, xml, error) || !guest->unmark(self->world.data, error) ||
        !guest->start(self->world.data, error))
        return false;
    self->defined = true;
    return true;
}

FerryStep
ferry_target_do_resolved(FerryTarget *self)
{
    g_autoptr(GError) error = NULL;
    bool copy = self->domain == FERRY_TD_INCOMING || self->domain == FERRY_TD_COMPLETE;

    if (self->domain == FERRY_TD_UNKNOWN)
        return ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
    if (self->kept == FERRY_KEPT_MEMORY && self->domain == FERRY_TD_COMPLETE)
        return ferry_target_do_commit(self);
    if (self->domain == FERRY_TD_RUN) /* it was started, by the lines below */
        return ferry_target_do_running(self);
    /* A copy has no definition here; what has one is what was started, paused by its user since. */
    if (copy && self->look.persistent)
        return ferry_target_do_running(self);
    if (copy && self->kept == FERRY_KEPT_MEMORY) /* not seen whole yet: looked at again */
        return ferry_pace_wait(&self->pace, FERRY_TARGET_POLL_MS);
    if (copy ? !self->world.guest->destroy(self->world.data, &error)
             : !start_from_disk(self, &error))
        return ferry_target_retry(self, error);
    return ferry_pace_again(&self->pace);
}

static FerryStep
not_now(FerryTarget *self, const char *why, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "job %s cannot be resolved here: %s",
                ferry_job_identity(self->job)->id, why);
    return FERRY_STEP_WAIT;
}

static FerryKept
judge(const FerryTarget *self, const FerryResolution *resolution, char **why)
{
    if (!is_running_or_lost(self))
        return ferry_resolve_target(self->plan, resolution, why);
    *why = g_strdup_printf("%s will not end its side any more", self->plan->source);
    return FERRY_KEPT_MEMORY;
}

FerryStep
ferry_target_resolve(FerryTarget *self,
                     const FerryResolution *resolution,
                     json_t *reasons,
                     GError **error)
{
    g_autofree char *why = NULL;
    FerryKept kept = FERRY_KEPT_DISK;
    json_t *body = NULL;
    FerryStep step = FERRY_STEP_WAIT;

    ferry_target_observe(self);
    if (self->domain == FERRY_TD_UNKNOWN)
        return not_now(self, "this host's libvirt does not answer", error);
    if (!is_running_or_lost(self) &&
        (self->resolved || self->record != FERRY_TR_PREPARED || self->domain != FERRY_TD_COMPLETE))
        return not_now(self, "no complete copy of the guest waits here", error);
    kept = judge(self, resolution, &why);
    if (kept == FERRY_KEPT_DISK && resolution->loss == FERRY_LOSS_REFUSED) {
        ferry_object(reasons, "memory-lost", "%s", why);
        return FERRY_STEP_WAIT;
    }
    body = ferry_resolve_format(resolution, kept, why);
    json_incref(body);
    step = ferry_target_append(self, FERRY_RECORD_RESOLVED, self->record, body);
    if (step == FERRY_STEP_FAILED)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO,
                    "the decision could not be written into the journal: ask again");
    else
        ferry_target_take_resolved(self, body);
    json_decref(body);
    return step;
}
