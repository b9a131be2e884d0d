/* Taking off what may not be in the file. */
#include "base/error.h"
#include "migrate/save-state.h"

int64_t
ferry_save_now_ms(const FerrySave *self)
{
    return self->world.clock->now_ms(self->world.clock);
}

bool
ferry_save_append(FerrySave *self, FerryRecordKind kind, json_t *body)
{
    if (!ferry_saved_record(&self->world, self->job, kind, body)) {
        self->is_left = true;
        return false;
    }
    self->record = kind;
    return true;
}

bool
ferry_save_fail(FerrySave *self, const char *code, const char *message)
{
    ferry_job_add_reason(self->job, code, message);
    return false;
}

/* Returns: false when the job is cancelled, or the process ends */
static bool
wait_a_moment(FerrySave *self)
{
    self->is_left = !self->world.saved->wait(self->world.data, FERRY_SAVE_POLL_MS);
    if (self->is_left)
        return false;
    return !ferry_job_is_cancelled(self->job) ||
           ferry_save_fail(self, "cancelled", "the job was cancelled");
}

static bool
take_hybrid_off(FerrySave *self, const FerryPlanNeed *need)
{
    const int64_t until_ms = ferry_save_now_ms(self) + self->world.timers->detach_ms;
    FerryUnplug answer = FERRY_UNPLUG_WAIT;

    if (!ferry_save_append(self, FERRY_RECORD_DETACH, json_pack("{s:s}", "alias", need->vf_alias)))
        return false;
    for (;;) {
        g_autofree char *why = NULL;
        g_autoptr(GError) error = NULL;
        bool ok =
            self->world.devices->unplug(self->world.data, need->vf_alias, &answer, &why, &error);

        if (ok && answer == FERRY_UNPLUG_DONE)
            return true;
        if (ferry_save_now_ms(self) >= until_ms || (ok && answer == FERRY_UNPLUG_REFUSED))
            return ferry_save_fail(self, "unplug-refused", ok ? why : error->message);
        ferry_job_set_waiting(self->job, ok ? why : error->message);
        if (!wait_a_moment(self))
            return false;
    }
}

static bool
take_ephemerals_off(FerrySave *self)
{
    for (;;) {
        const FerryPlanDevice *next = ferry_ephemerals_next(self->ephemerals);
        g_autofree char *why = NULL;

        if (next != NULL) {
            if (!ferry_save_append(self, FERRY_RECORD_DETACH,
                                   json_pack("{s:s, s:s}", "alias", next->alias, "xml", next->xml)))
                return false;
            ferry_ephemerals_begin(self->ephemerals, next->alias, ferry_save_now_ms(self));
        }
        switch (
            ferry_ephemerals_detach(self->ephemerals, self->job, ferry_save_now_ms(self), &why)) {
        case FERRY_EPHEMERAL_FAILED:
            return ferry_save_fail(self, "unplug-refused", why);
        case FERRY_EPHEMERAL_WAIT:
            ferry_job_set_waiting(self->job, why);
            if (!wait_a_moment(self))
                return false;
            break;
        case FERRY_EPHEMERAL_DONE:
            if (ferry_ephemerals_next(self->ephemerals) == NULL)
                return true;
        }
    }
}

bool
ferry_save_take_off(FerrySave *self)
{
    ferry_job_set_phase(self->job, FERRY_PHASE_DETACH);
    for (guint i = 0; i < self->plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(self->plan->needs, i);

        if (need->way == FERRY_WAY_HYBRID && !take_hybrid_off(self, need))
            return false;
    }
    return take_ephemerals_off(self);
}
