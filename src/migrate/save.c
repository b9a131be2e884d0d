/* What a save does but for taking devices off: save-detach.c. */
#include "base/error.h"
#include "base/file.h"
#include "migrate/replug.h"
#include "migrate/save-state.h"

#define READ_TRIES 25

static json_t *
first_record(const FerrySave *self)
{
    json_t *body = ferry_plan_format(self->plan);

    json_object_set_new(body, "file", json_string(self->file));
    json_object_set_new(body, "over", json_boolean(self->over == FERRY_SAVE_OVER));
    return body;
}

/* ---- libvirt's call ---- */

/* Of what is left now: the devices are off. */
static char *
make_xml(FerrySave *self, GError **error)
{
    g_autofree char *xml = NULL;

    return self->world.guest->xml(self->world.data, FERRY_GUESTS_XML_MIGRATABLE, &xml, error)
               ? ferry_saved_xml_with_plan(xml, self->plan, error)
               : NULL;
}

/* Returns: false when the file was not written, or nobody waits for it */
static bool
write_file(FerrySave *self)
{
    FerrySavedCall call = { .run = self->world.saved->save,
                            .path = self->partial,
                            .cancel = FERRY_CALL_CAN_END };
    g_autofree char *xml = NULL;
    g_autoptr(GError) error = NULL;

    ferry_job_set_phase(self->job, FERRY_PHASE_TRANSFER);
    xml = make_xml(self, &error);
    if (xml == NULL)
        return ferry_save_fail(self, "no-definition", error->message);
    if (!ferry_save_append(self, FERRY_RECORD_TRANSFER, json_object()))
        return false;
    if (!ferry_save_file_make(self->partial, &error) ||
        !self->world.guest->mark(self->world.data, &error))
        return ferry_save_fail(self, ferry_error_info((FerryErrorCode)error->code)->name,
                               error->message);
    call.xml = xml;
    self->is_left = ferry_saved_call(&self->world, self->job, &call, &error) == FERRY_CALL_LEFT;
    if (self->is_left)
        return false;
    if (error == NULL)
        return true;
    return ferry_job_is_cancelled(self->job)
               ? ferry_save_fail(self, "cancelled", "the job was cancelled")
               : ferry_save_fail(self, "save-failed", error->message);
}

/* Rule 2.  libvirt may be away for a moment: the only copy of the guest is not judged in haste. */
static bool
is_whole(FerrySave *self, GError **error)
{
    for (unsigned i = 0; i < READ_TRIES; i++) {
        g_autofree char *xml = NULL;

        g_clear_error(error);
        if (self->world.saved->saved_xml(self->world.data, self->partial, &xml, error))
            return true;
        if (!self->world.saved->wait(self->world.data, FERRY_SAVE_POLL_MS)) {
            self->is_left = true;
            return false;
        }
    }
    return false;
}

/* What became of the guest and of the file, whatever libvirt's call said.  Returns: whether the
 * guest is in the file, and COMMITTED is written */
static bool
judge(FerrySave *self, bool is_written)
{
    bool up = false;
    g_autoptr(GError) error = NULL;
    g_autofree char *message = NULL;

    if (!ferry_saved_settle(&self->world, self->job, &up)) {
        self->is_left = true;
        return false;
    }
    if (up && self->is_recovered)
        return ferry_save_fail(self, "restarted",
                               "ferryd was restarted before the guest was saved");
    if (up)
        return is_written ? ferry_save_fail(self, "guest-is-up", "somebody started the guest again")
                          : false;
    if (is_whole(self, &error))
        return ferry_save_append(self, FERRY_RECORD_COMMITTED, json_object());
    if (self->is_left)
        return false;
    message = g_strdup_printf("the guest ended while it was saved, and %s is not whole: %s",
                              self->partial, error->message);
    return ferry_save_fail(self, "guest-ended", message);
}

/* ---- the way forward: the guest is in the file ---- */

static bool
told(void *data, uint64_t done_bytes, uint64_t total_bytes)
{
    FerrySave *self = data;

    ferry_saved_tell(self->job, done_bytes, total_bytes);
    return self->world.saved->wait(self->world.data, 0);
}

static bool
write_sidecar(FerrySave *self, GError **error)
{
    const FerryClock *clock = self->world.clock;
    g_autoptr(FerrySidecar) sidecar = g_new0(FerrySidecar, 1);

    if (!ferry_saved_sum_take(self->file, NULL, told, self, &sidecar->sum, error))
        return false;
    sidecar->guest_name = g_strdup(self->plan->guest_name);
    sidecar->guest_uuid = g_strdup(self->plan->guest_uuid);
    sidecar->host = g_strdup(self->world.host);
    sidecar->saved = ferry_clock_format(clock->wall_us(clock));
    sidecar->devices = ferry_needs_format(self->plan->needs);
    return ferry_sidecar_write(self->file, sidecar, error);
}

/* Until it is on the disk: the marker keeps everybody from starting the guest. */
static bool
unmark(FerrySave *self)
{
    g_autoptr(GError) error = NULL;

    while (!self->world.guest->unmark(self->world.data, &error)) {
        ferry_job_set_waiting(self->job, error->message);
        g_clear_error(&error);
        self->is_left = !self->world.saved->wait(self->world.data, FERRY_SAVE_POLL_MS);
        if (self->is_left)
            return false;
    }
    return true;
}

json_t *
ferry_save_late(const FerrySave *self)
{
    return self->record == FERRY_RECORD_COMMITTED ? json_array()
                                                  : ferry_ephemerals_late(self->ephemerals);
}

static bool
end(FerrySave *self, FerryJobState state, const char *outcome, const char *runs_on)
{
    ferry_job_end(self->job, state, outcome, runs_on);
    return ferry_save_append(self, FERRY_RECORD_DONE,
                             json_pack("{s:s, s:o, s:o}", "outcome", outcome, "report",
                                       ferry_job_json(self->job), "late", ferry_save_late(self)));
}

/* What fails here leaves the guest where it is, in a file that is named. */
static bool
go_forward(FerrySave *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *where = NULL;

    ferry_job_set_phase(self->job, FERRY_PHASE_VERIFY);
    /* libvirt's hook left them to the job */
    ferry_saved_release(&self->world, self->job, self->world.devices->release_guest);
    if (!ferry_save_file_name(self->partial, self->file, self->over, &error)) {
        where =
            g_strdup_printf("%s; the guest is saved in %s, whole", error->message, self->partial);
        ferry_job_add_reason(self->job, ferry_error_info((FerryErrorCode)error->code)->name, where);
        return unmark(self) && end(self, FERRY_JOB_FAILED, "saved-elsewhere", NULL);
    }
    if (!write_sidecar(self, &error)) {
        if (g_error_matches(error, FERRY_ERROR, FERRY_ERROR_CANCELLED)) {
            self->is_left = true; /* only the end of the process gives up here */
            return false;
        }
        where =
            g_strdup_printf("%s: the file cannot be verified when it is restored", error->message);
        ferry_job_add_degraded(self->job, "checksums", where);
    }
    ferry_job_set_phase(self->job, FERRY_PHASE_FINISH);
    return unmark(self) && end(self, FERRY_JOB_DONE, "saved", NULL);
}

/* ---- the way back: the guest goes on ---- */

/* libvirt lets it go on by itself; a libvirt that was killed meanwhile does not. */
static void
resume(FerrySave *self)
{
    FerryDomainLook look = { 0 };
    g_autoptr(GError) error = NULL;

    if (self->plan->user_paused || !self->world.guest->look(self->world.data, &look, &error) ||
        look.state != 3)
        return;
    if (!self->world.guest->resume(self->world.data, &error))
        ferry_job_add_degraded(self->job, "guest", error->message);
}

static bool
attach(FerrySave *self)
{
    FerryReplug replug = { 0 };

    while (ferry_ephemerals_attach(self->ephemerals, self->job, ferry_save_now_ms(self)) ==
               FERRY_EPHEMERAL_WAIT ||
           !ferry_replug(&replug, self->plan, self->world.devices, self->world.data,
                         self->world.timers, self->job, ferry_save_now_ms(self))) {
        self->is_left = !self->world.saved->wait(self->world.data, FERRY_SAVE_POLL_MS);
        if (self->is_left)
            return false;
    }
    return true;
}

static bool
go_back(FerrySave *self)
{
    const FerryJobState state =
        ferry_job_is_cancelled(self->job) ? FERRY_JOB_CANCELLED : FERRY_JOB_FAILED;
    bool up = false;

    ferry_job_set_phase(self->job, FERRY_PHASE_UNDO);
    if (self->record != FERRY_RECORD_ABORTED &&
        !ferry_save_append(self, FERRY_RECORD_ABORTED, json_object()))
        return false;
    if (!ferry_saved_settle(&self->world, self->job, &up)) {
        self->is_left = true;
        return false;
    }
    if (up) { /* rule 1 */
        g_autoptr(GError) error = NULL;

        if (!ferry_file_remove(self->partial, &error))
            ferry_job_add_degraded(self->job, "file", error->message);
        resume(self);
        if (!attach(self))
            return false;
    } else {
        ferry_saved_release(&self->world, self->job, self->world.devices->release_guest);
    }
    return unmark(self) && end(self, state, "aborted", up ? self->world.host : NULL);
}

/* ---- life ---- */

static bool
begin(FerrySave *self)
{
    return ferry_save_append(self, FERRY_RECORD_PLANNED, first_record(self)) &&
           ferry_save_take_off(self) && write_file(self);
}

bool
ferry_save_run(FerrySave *self)
{
    const bool is_written = !self->is_recovered && begin(self);

    if (self->is_recovered &&
        (self->record == FERRY_RECORD_PLANNED || self->record == FERRY_RECORD_DETACH))
        (void)ferry_save_fail(self, "restarted", "ferryd was restarted before the guest was saved");
    if (!self->is_left && self->record == FERRY_RECORD_TRANSFER)
        (void)judge(self, is_written);
    if (self->is_left)
        return false;
    return self->record == FERRY_RECORD_COMMITTED ? go_forward(self) : go_back(self);
}

FerryRecordKind
ferry_save_record(FerrySave *self)
{
    return self->record;
}

static FerrySave *
save_new(const FerrySavedWorld *world, FerryJob *job, FerryPlan *plan, const char *file)
{
    FerrySave *self = g_new0(FerrySave, 1);

    self->world = *world;
    self->job = ferry_job_ref(job);
    self->plan = plan;
    self->file = g_strdup(file);
    self->partial = g_strdup_printf("%s.%s.part", file, ferry_job_identity(job)->id);
    self->ephemerals =
        ferry_ephemerals_new(world->guest, world->data, world->timers, plan->ephemerals);
    return self;
}

FerrySave *
ferry_save_new(const FerrySavedWorld *world,
               FerryJob *job,
               FerryPlan *plan,
               const char *file,
               FerrySaveOver over)
{
    FerrySave *self = save_new(world, job, plan, file);

    self->over = over;
    return self;
}

static void
recover_detach(FerrySave *self, const char *text)
{
    json_t *body = json_loads(text, 0, NULL);
    const char *alias = json_string_value(json_object_get(body, "alias"));

    if (alias != NULL)
        ferry_ephemerals_begin(self->ephemerals, alias, ferry_save_now_ms(self));
    json_decref(body);
}

FerrySave *
ferry_save_recover(const FerrySavedWorld *world,
                   FerryJob *job,
                   const GPtrArray *records,
                   GError **error)
{
    const FerryRecord *first = g_ptr_array_index(records, 0);
    json_t *body = json_loads(first->data, 0, NULL);
    const char *file = json_string_value(json_object_get(body, "file"));
    FerryPlan *plan = NULL;
    FerrySave *self = NULL;

    if (first->kind != FERRY_RECORD_PLANNED || file == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "the journal's first record of this job is not that of a save");
    else if (ferry_plan_parse(body, &plan, error))
        self = save_new(world, job, plan, file);
    if (self != NULL) {
        self->over = json_is_true(json_object_get(body, "over")) ? FERRY_SAVE_OVER : FERRY_SAVE_NEW;
        self->is_recovered = true;
        for (guint i = 0; i < records->len; i++) {
            const FerryRecord *each = g_ptr_array_index(records, i);

            if (each->kind == FERRY_RECORD_DETACH)
                recover_detach(self, each->data);
            self->record = each->kind;
        }
    }
    json_decref(body);
    return self;
}

void
ferry_save_free(FerrySave *self)
{
    if (self == NULL)
        return;
    ferry_ephemerals_free(self->ephemerals);
    ferry_plan_free(self->plan);
    ferry_job_unref(self->job);
    g_free(self->file);
    g_free(self->partial);
    g_free(self);
}
