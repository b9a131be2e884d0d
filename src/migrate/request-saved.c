/* What a user asks for: a guest saved in a file, or started from one. */
#include "migrate/request-saved.h"
#include "base/error.h"
#include "migrate/begin.h"
#include "migrate/check-groups.h"
#include "migrate/life.h"
#include "migrate/marker.h"
#include "migrate/objection.h"
#include "migrate/run.h"

/* Of a guest that stays here, or will be told where its disks are. */
static void
drop(json_t *reasons, const char *code)
{
    for (size_t i = json_array_size(reasons); i > 0; i--) {
        const json_t *reason = json_array_get(reasons, i - 1);

        if (g_strcmp0(json_string_value(json_object_get(reason, "code")), code) == 0)
            json_array_remove(reasons, i - 1);
    }
}

/* A job that is over may have left its marker on purpose: the guest is the other host's still. */
static bool
check_unheld(FerryMigrator *self, const char *guest_uuid, GError **error)
{
    g_autofree char *held_by = NULL;

    if (!ferry_run_check_free(self, guest_uuid, error) ||
        !ferry_marker_read(self->config.marker_dir, guest_uuid, &held_by, error))
        return false;
    if (held_by != NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "guest %s is held by job %s, which may have it running elsewhere: see \"ferry "
                    "job show %s\"",
                    guest_uuid, held_by, held_by);
    return held_by == NULL;
}

/* ---- save ---- */

static bool
plan_save(FerryMigrator *self,
          const FerrySaveRequest *request,
          FerryPlan **ret,
          json_t *reasons,
          GError **error)
{
    const FerryMigrationRequest as_move = { .guest = request->guest, .to = self->config.name };
    g_autoptr(FerryPlan) plan = NULL;
    g_autofree char *xml = NULL;

    if (!ferry_saved_check_path(request->file, error) ||
        !ferry_begin_plan(self, &as_move, &plan, reasons, error) ||
        !check_unheld(self, plan->guest_uuid, error))
        return false;
    drop(reasons, "disk-not-shared");  /* they stay where they are, and so may the guest */
    drop(reasons, "has-snapshots");    /* libvirt minds them in a move alone */
    drop(reasons, "failover-unknown"); /* a guest in a file has no network to lose */
    ferry_save_file_check(request->file, request->over, reasons);
    /* the guest stands still when libvirt is asked: what can be known is known before */
    xml = ferry_saved_xml_with_plan(plan->live_xml, plan, error);
    if (xml == NULL)
        return false;
    *ret = g_steal_pointer(&plan);
    return true;
}

bool
ferry_migrator_save(FerryMigrator *self,
                    const FerrySaveRequest *request,
                    FerryJob **ret_job,
                    json_t **ret_reasons,
                    GError **error)
{
    g_autoptr(FerryPlan) plan = NULL;
    json_t *reasons = json_array();
    FerryJobIdentity identity;
    g_autoptr(FerryRun) run = NULL;

    if (!ferry_store_make_room(self->config.store, error) ||
        !plan_save(self, request, &plan, reasons, error)) {
        json_decref(reasons);
        return false;
    }
    if (json_array_size(reasons) > 0) {
        *ret_reasons = reasons;
        return true;
    }
    json_decref(reasons);
    identity = (FerryJobIdentity){ .id = plan->job,
                                   .side = FERRY_SIDE_SOURCE,
                                   .guest_name = plan->guest_name,
                                   .guest_uuid = plan->guest_uuid,
                                   .source = self->config.name,
                                   .target = self->config.name,
                                   .kind = FERRY_JOB_SAVE,
                                   .file = request->file };
    run = ferry_run_claim(self, &identity, plan, error);
    if (run == NULL ||
        !ferry_run_begin_save(run, g_steal_pointer(&plan), request->file, request->over, error))
        return false;
    *ret_job = ferry_job_ref(run->job);
    return true;
}

/* ---- restore ---- */

bool
ferry_request_check_down(FerryMigrator *self,
                         const FerryPlan *plan,
                         json_t *reasons,
                         GError **error)
{
    FerryDomainLook look = { 0 };

    if (!check_unheld(self, plan->guest_uuid, error) ||
        !ferry_guests_look(self->config.guests, plan->guest_uuid, &look, error))
        return false;
    if (ferry_life_is_up(&look)) {
        ferry_object(reasons, "guest-runs-here",
                     "guest %s is up on %s: the file is of an earlier moment of it",
                     plan->guest_name, self->config.name);
        ferry_object_remedy(reasons, "stop it first");
    }
    return true;
}

static bool
check_name(FerryMigrator *self, const FerryPlan *plan, json_t *reasons, GError **error)
{
    g_autoptr(FerryGuest) by_name = NULL;

    if (!ferry_guests_find(self->config.guests, plan->guest_name, &by_name, error))
        return false;
    if (by_name != NULL && g_strcmp0(by_name->uuid, plan->guest_uuid) != 0)
        ferry_object(reasons, "name-taken", "%s has another guest named %s", self->config.name,
                     plan->guest_name);
    return true;
}

static void
check_not_restored(const FerrySaved *saved, FerryRestoreAgain again, json_t *reasons)
{
    const FerrySidecar *sidecar = saved->sidecar;

    if (sidecar == NULL || sidecar->restored_on == NULL || again == FERRY_RESTORE_AGAIN)
        return;
    ferry_object(reasons, "restored-already",
                 "the guest in %s was restored on %s already, at %s: its disks have gone on since, "
                 "and its memory knows nothing of that",
                 saved->file, sidecar->restored_on,
                 sidecar->restored_when != NULL ? sidecar->restored_when : "?");
    ferry_object_remedy(
        reasons, "put its disks back to what they were, see that it runs nowhere, and use --again");
}

/* What the plan says of the host that saved it is not of this one. */
static void
adopt(FerryMigrator *self, const FerryRestoreRequest *request, FerryPlan *plan)
{
    g_free(plan->job);
    plan->job = self->config.clock->uuid(self->config.clock);
    g_free(plan->target);
    plan->target = g_strdup(self->config.name);
    plan->accept_unknown = request->accept_unknown;
    g_clear_pointer(&plan->request_key, g_free);
    g_clear_pointer(&plan->request_digest, g_free);
}

static bool
open_and_check(FerryMigrator *self,
               const FerryRestoreRequest *request,
               FerrySaved **ret,
               json_t **ret_devices,
               json_t *reasons,
               GError **error)
{
    FerryHand hand = { .guests = self->config.guests };
    const FerrySavedWorld world = ferry_run_saved_world(self, &hand);
    g_autoptr(FerrySaved) saved = NULL;
    g_autoptr(FerryDomain) domain = NULL;

    if (!ferry_saved_open(&world, request->file, request->verify, &saved, reasons, error))
        return false;
    adopt(self, request, saved->plan);
    ferry_saved_check_print(saved, self->config.name, request->seen, reasons);
    check_not_restored(saved, request->again, reasons);
    if (!ferry_request_check_down(self, saved->plan, reasons, error) ||
        !check_name(self, saved->plan, reasons, error) ||
        !ferry_domain_parse(saved->xml, &domain, error) ||
        !ferry_begin_check_place(self, saved->plan, domain, ret_devices, reasons, error))
        return false;
    *ret = g_steal_pointer(&saved);
    return true;
}

static json_t *
describe(const FerryMigrator *self, const FerrySaved *saved, json_t *reasons, json_t *devices)
{
    const FerryPlan *plan = saved->plan;

    return json_pack(
        "{s:s, s:{s:s, s:s}, s:s, s:s, s:b, s:s*, s:s*, s:s, s:O, s:O?}", "file", saved->file,
        "guest", "name", plan->guest_name, "uuid", plan->guest_uuid, "host", self->config.name,
        "saved_by", saved->by == FERRY_SAVED_BY_FERRY ? "ferry" : "libvirt", "checksums",
        saved->sidecar != NULL, "saved_on", saved->sidecar != NULL ? saved->sidecar->host : NULL,
        "saved", saved->sidecar != NULL ? saved->sidecar->saved : NULL, "verdict",
        ferry_check_verdict(reasons), "reasons", reasons, "devices", devices);
}

bool
ferry_migrator_restore_check(FerryMigrator *self,
                             const FerryRestoreRequest *request,
                             json_t **ret,
                             GError **error)
{
    g_autoptr(FerrySaved) saved = NULL;
    json_t *reasons = json_array();
    json_t *devices = NULL;
    bool ok = open_and_check(self, request, &saved, &devices, reasons, error);

    if (ok)
        *ret = describe(self, saved, reasons, devices);
    json_decref(reasons);
    json_decref(devices);
    return ok;
}

static bool
begin_restore(FerryMigrator *self, FerrySaved *saved, FerryJob **ret_job, GError **error)
{
    const FerryPlan *plan = saved->plan;
    const FerryJobIdentity identity = { .id = plan->job,
                                        .side = FERRY_SIDE_TARGET,
                                        .guest_name = plan->guest_name,
                                        .guest_uuid = plan->guest_uuid,
                                        .source = self->config.name,
                                        .target = self->config.name,
                                        .kind = FERRY_JOB_RESTORE,
                                        .file = saved->file };
    g_autoptr(FerryRun) run = ferry_run_claim(self, &identity, NULL, error);

    if (run == NULL) {
        ferry_saved_free(saved);
        return false;
    }
    if (!ferry_run_begin_restore(run, saved, error))
        return false;
    *ret_job = ferry_job_ref(run->job);
    return true;
}

bool
ferry_migrator_restore(FerryMigrator *self,
                       const FerryRestoreRequest *request,
                       FerryJob **ret_job,
                       json_t **ret_reasons,
                       GError **error)
{
    g_autoptr(FerrySaved) saved = NULL;
    json_t *reasons = json_array();
    json_t *devices = NULL;
    bool ok = ferry_store_make_room(self->config.store, error) &&
              open_and_check(self, request, &saved, &devices, reasons, error);

    json_decref(devices);
    if (ok && json_array_size(reasons) > 0) {
        *ret_reasons = reasons;
        return true;
    }
    json_decref(reasons);
    return ok && begin_restore(self, g_steal_pointer(&saved), ret_job, error);
}
