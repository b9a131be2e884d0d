/* What a restore does until the guest runs, or does not: then restore-finish.c has it. */
#include "base/error.h"
#include "migrate/assign.h"
#include "migrate/guard.h"
#include "migrate/restore-state.h"

/* Returns: false, for who has to go back */
static bool
fail(FerryGuestRestore *self, const char *code, const char *message)
{
    ferry_job_add_reason(self->job, code, message);
    return false;
}

static bool
fail_with(FerryGuestRestore *self, const GError *error)
{
    return fail(self, ferry_error_info((FerryErrorCode)error->code)->name, error->message);
}

static bool
refuse(FerryGuestRestore *self, json_t *reasons)
{
    ferry_job_add_reasons(self->job, reasons);
    json_decref(reasons);
    self->is_refused = true;
    return false;
}

/* Until libvirt is asked a cancellation is heeded. */
static bool
may_go_on(FerryGuestRestore *self)
{
    return !ferry_job_is_cancelled(self->job) || fail(self, "cancelled", "the job was cancelled");
}

/* ---- the file ---- */

static bool
told(void *data, uint64_t done_bytes, uint64_t total_bytes)
{
    FerryGuestRestore *self = data;

    ferry_saved_tell(self->job, done_bytes, total_bytes);
    self->is_left = !self->world.saved->wait(self->world.data, 0);
    return !self->is_left && !ferry_job_is_cancelled(self->job);
}

/* Rule 1. */
static bool
verify(FerryGuestRestore *self)
{
    g_autoptr(FerrySavedSum) now = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *differ = NULL;
    g_autofree char *message = NULL;

    if (self->saved->sidecar == NULL)
        return true;
    ferry_job_set_phase(self->job, FERRY_PHASE_VERIFY);
    if (!ferry_saved_sum_take(self->saved->file, self->saved->sidecar->sum, told, self, &now,
                              &error))
        return ferry_job_is_cancelled(self->job) ? may_go_on(self) : fail_with(self, error);
    differ = ferry_saved_sum_differ(self->saved->sidecar->sum, now);
    self->is_verified = differ == NULL;
    if (self->is_verified)
        return true;
    message = g_strdup_printf("%s is damaged: %s.  Copy it anew, with its sidecar; --unverified "
                              "restores it as it is",
                              self->saved->file, differ);
    self->is_refused = true;
    return fail(self, "file-damaged", message);
}

/* ---- the devices ---- */

static json_t *
first_record(const FerryGuestRestore *self)
{
    json_t *body = ferry_plan_format(self->saved->plan);

    json_object_set_new(body, "file", json_string(self->saved->file));
    json_object_set_new(body, "verified", json_boolean(self->is_verified));
    return body;
}

static bool
reserve(FerryGuestRestore *self)
{
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    ferry_job_set_phase(self->job, FERRY_PHASE_RESERVE);
    if (!self->world.devices->reserve(self->world.data, self->saved->plan, &reasons, &error))
        return fail_with(self, error);
    if (reasons != NULL)
        return refuse(self, reasons);
    return ferry_guest_restore_append(self, FERRY_RECORD_RESERVED, first_record(self));
}

static bool
prepare(FerryGuestRestore *self)
{
    json_t *reasons = NULL;
    g_autoptr(GError) error = NULL;

    ferry_job_set_phase(self->job, FERRY_PHASE_PREPARE);
    if (!self->world.devices->prepare(self->world.data, self->saved->plan, &self->assign, &reasons,
                                      &error))
        return fail_with(self, error);
    if (reasons != NULL)
        return refuse(self, reasons);
    return ferry_guest_restore_append(self, FERRY_RECORD_PREPARED,
                                      json_pack("{s:O}", "assign", self->assign));
}

/* Rule 2; @ret_xml: (out) (transfer full) */
static bool
make_xml(FerryGuestRestore *self, char **ret_xml)
{
    g_autofree char *xml = NULL;
    g_autoptr(FerryDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    json_t *reasons = json_array();

    if (!ferry_assign_apply(self->saved->xml, self->saved->plan->needs, self->assign,
                            FERRY_ASSIGN_LIVE, &xml, &error) ||
        !ferry_domain_parse(xml, &domain, &error)) {
        json_decref(reasons);
        return fail_with(self, error);
    }
    ferry_guard_check(domain, self->assign, reasons);
    if (json_array_size(reasons) > 0)
        return refuse(self, reasons);
    json_decref(reasons);
    *ret_xml = g_steal_pointer(&xml);
    return true;
}

/* ---- libvirt's call ---- */

static bool
start(FerryGuestRestore *self)
{
    FerrySavedCall call = { .run = self->world.saved->restore,
                            .path = self->saved->file,
                            .cancel = FERRY_CALL_CANNOT_END };
    g_autofree char *xml = NULL;
    g_autoptr(GError) error = NULL;

    if (!may_go_on(self) || !make_xml(self, &xml) ||
        !ferry_guest_restore_append(self, FERRY_RECORD_COMMIT, json_object()))
        return false;
    ferry_job_set_phase(self->job, FERRY_PHASE_TRANSFER);
    call.xml = xml;
    self->is_left = ferry_saved_call(&self->world, self->job, &call, &error) == FERRY_CALL_LEFT;
    if (self->is_left)
        return false;
    return error == NULL || fail(self, "restore-failed", error->message);
}

/* Whether libvirt has started it, as far as that is not known by its word. */
static bool
judge(FerryGuestRestore *self)
{
    bool up = false;

    if (!ferry_saved_settle(&self->world, self->job, &up)) {
        self->is_left = true;
        return false;
    }
    if (!up)
        return fail(self, self->is_recovered ? "restarted" : "guest-ended",
                    self->is_recovered ? "ferryd was restarted before the guest ran"
                                       : "the guest was started from the file and has ended since");
    return ferry_guest_restore_append(self, FERRY_RECORD_RUNNING, json_object());
}

/* ---- the way back ---- */

static bool
go_back(FerryGuestRestore *self)
{
    FerryJobState state = self->is_refused ? FERRY_JOB_REFUSED : FERRY_JOB_FAILED;

    if (ferry_job_is_cancelled(self->job))
        state = FERRY_JOB_CANCELLED;
    ferry_job_set_phase(self->job, FERRY_PHASE_UNDO);
    if (self->record != FERRY_RECORD_NONE && self->record != FERRY_RECORD_ABORTED &&
        !ferry_guest_restore_append(self, FERRY_RECORD_ABORTED, json_object()))
        return false;
    ferry_saved_release(&self->world, self->job, self->world.devices->release_job);
    return ferry_guest_restore_end(self, state, "aborted", NULL);
}

/* ---- life ---- */

static bool
begin(FerryGuestRestore *self)
{
    return verify(self) && may_go_on(self) && reserve(self) && may_go_on(self) && prepare(self) &&
           start(self);
}

bool
ferry_guest_restore_run(FerryGuestRestore *self)
{
    bool is_started = false;

    if (!self->is_recovered)
        is_started = begin(self);
    else if (self->record == FERRY_RECORD_COMMIT)
        is_started = true; /* or not: that is seen */
    else if (self->record != FERRY_RECORD_RUNNING)
        (void)fail(self, "restarted", "ferryd was restarted before the guest ran");
    if (is_started && !self->is_left)
        (void)judge(self);
    if (self->is_left)
        return false;
    return self->record == FERRY_RECORD_RUNNING ? ferry_guest_restore_finish(self) : go_back(self);
}

FerryRecordKind
ferry_guest_restore_record(FerryGuestRestore *self)
{
    return self->record;
}

FerryGuestRestore *
ferry_guest_restore_new(const FerrySavedWorld *world, FerryJob *job, FerrySaved *saved)
{
    FerryGuestRestore *self = g_new0(FerryGuestRestore, 1);

    self->world = *world;
    self->job = ferry_job_ref(job);
    self->saved = saved;
    return self;
}

static void
recover_assign(FerryGuestRestore *self, const char *text)
{
    json_t *body = json_loads(text, 0, NULL);

    json_decref(self->assign);
    self->assign = json_incref(json_object_get(body, "assign"));
    json_decref(body);
}

FerryGuestRestore *
ferry_guest_restore_recover(const FerrySavedWorld *world,
                            FerryJob *job,
                            const GPtrArray *records,
                            GError **error)
{
    const FerryRecord *first = g_ptr_array_index(records, 0);
    json_t *body = json_loads(first->data, 0, NULL);
    const char *file = json_string_value(json_object_get(body, "file"));
    g_autoptr(FerrySaved) saved = g_new0(FerrySaved, 1);
    FerryGuestRestore *self = NULL;

    saved->file = g_strdup(file);
    if (first->kind != FERRY_RECORD_RESERVED || file == NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID,
                    "the journal's first record of this job is not that of a restore");
    else if (ferry_plan_parse(body, &saved->plan, error))
        self = ferry_guest_restore_new(world, job, g_steal_pointer(&saved));
    if (self != NULL)
        self->is_verified = json_is_true(json_object_get(body, "verified"));
    json_decref(body);
    if (self == NULL)
        return NULL;
    self->is_recovered = true;
    for (guint i = 0; i < records->len; i++) {
        const FerryRecord *each = g_ptr_array_index(records, i);

        if (each->kind == FERRY_RECORD_PREPARED)
            recover_assign(self, each->data);
        self->record = each->kind;
    }
    return self;
}

void
ferry_guest_restore_free(FerryGuestRestore *self)
{
    if (self == NULL)
        return;
    ferry_saved_free(self->saved);
    json_decref(self->assign);
    ferry_job_unref(self->job);
    g_free(self);
}
