/* What a restore does once the guest runs: only forward. */
#include "base/error.h"
#include "migrate/assign.h"
#include "migrate/ephemeral.h"
#include "migrate/replug.h"
#include "migrate/restore-state.h"

#define FINISH_TRIES 25

bool
ferry_guest_restore_append(FerryGuestRestore *self, FerryRecordKind kind, json_t *body)
{
    if (!ferry_saved_record(&self->world, self->job, kind, body)) {
        self->is_left = true;
        return false;
    }
    self->record = kind;
    return true;
}

bool
ferry_guest_restore_end(FerryGuestRestore *self,
                        FerryJobState state,
                        const char *outcome,
                        const char *runs_on)
{
    ferry_job_end(self->job, state, outcome, runs_on);
    return ferry_guest_restore_append(
        self, FERRY_RECORD_DONE,
        json_pack("{s:s, s:o}", "outcome", outcome, "report", ferry_job_json(self->job)));
}

/* It gets a definition, as it had one; one that is here stays. */
static bool
define(FerryGuestRestore *self, GError **error)
{
    FerryDomainLook look = { 0 };
    g_autofree char *xml = NULL;

    if (self->saved->plan->inactive_xml == NULL)
        return true;
    if (!self->world.guest->look(self->world.data, &look, error))
        return false;
    if (look.persistent)
        return true;
    return ferry_assign_apply(self->saved->plan->inactive_xml, self->saved->plan->needs,
                              self->assign, FERRY_ASSIGN_DEFINITION, &xml, error) &&
           self->world.guest->define(self->world.data, xml, error);
}

/* What must be, tried for some time; what is not by then is told. */
static bool
insist(FerryGuestRestore *self,
       bool (*act)(FerryGuestRestore *self, GError **error),
       const char *what)
{
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < FINISH_TRIES; i++) {
        g_clear_error(&error);
        if (act(self, &error))
            return true;
        ferry_job_set_waiting(self->job, error->message);
        self->is_left = !self->world.saved->wait(self->world.data, FERRY_RESTORE_POLL_MS);
        if (self->is_left)
            return false;
    }
    ferry_job_add_degraded(self->job, what, error->message);
    return true;
}

static bool
keep(FerryGuestRestore *self, GError **error)
{
    return self->world.devices->keep(self->world.data, error);
}

static bool
attach(FerryGuestRestore *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(FerryEphemerals) ephemerals = NULL;
    FerryReplug replug = { 0 };

    ferry_job_set_phase(self->job, FERRY_PHASE_ATTACH);
    if (!ferry_assign_ephemerals(self->saved->plan, self->assign, &error)) {
        ferry_job_add_degraded(self->job, "ephemeral devices", error->message);
        return true;
    }
    ephemerals = ferry_ephemerals_new(self->world.guest, self->world.data, self->world.timers,
                                      self->saved->plan->ephemerals);
    ferry_ephemerals_begin_all(ephemerals);
    while (ferry_ephemerals_attach(ephemerals, self->job,
                                   self->world.clock->now_ms(self->world.clock)) ==
               FERRY_EPHEMERAL_WAIT ||
           !ferry_replug(&replug, self->saved->plan, self->world.devices, self->world.data,
                         self->world.timers, self->job,
                         self->world.clock->now_ms(self->world.clock))) {
        self->is_left = !self->world.saved->wait(self->world.data, FERRY_RESTORE_POLL_MS);
        if (self->is_left)
            return false;
    }
    return true;
}

/* So that nobody restores it again by mistake, when its disks have gone on: the guest's own hands
 * may do more than this file knows. */
static bool
note(FerryGuestRestore *self, GError **error)
{
    const FerryClock *clock = self->world.clock;
    g_autoptr(FerrySidecar) sidecar = NULL;
    g_autoptr(GError) unreadable = NULL;

    if (!ferry_sidecar_read(self->saved->file, &sidecar, &unreadable) || sidecar == NULL)
        return true;
    g_free(sidecar->restored_on);
    g_free(sidecar->restored_when);
    sidecar->restored_on = g_strdup(self->world.host);
    sidecar->restored_when = ferry_clock_format(clock->wall_us(clock));
    return ferry_sidecar_write(self->saved->file, sidecar, error);
}

bool
ferry_guest_restore_finish(FerryGuestRestore *self)
{
    if (!insist(self, keep, "devices") || !insist(self, define, "definition") || !attach(self))
        return false;
    ferry_job_set_phase(self->job, FERRY_PHASE_FINISH);
    return insist(self, note, "sidecar") &&
           ferry_guest_restore_end(self, FERRY_JOB_DONE,
                                   self->is_verified ? "restored" : "restored-unverified",
                                   self->world.host);
}
