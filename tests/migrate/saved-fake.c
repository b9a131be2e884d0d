#include "saved-fake.h"

#include <string.h>

#include "base/error.h"
#include "temp-folder.h"
#include "xml/saved.h"

#define OFF 5

static const char domain_head[] = "<domain type='qemu'><name>web</name><uuid>" SAVED_UUID
                                  "</uuid><memory>1024</memory><os><type>hvm</type></os><devices>";
static const char nic[] = "<interface type='user'><alias name='ua-nic7'/></interface>";

static int64_t
now_ms(const FerryClock *clock)
{
    (void)clock;
    return 0;
}

static char *
uuid(const FerryClock *clock)
{
    (void)clock;
    return g_strdup(SAVED_JOB);
}

static const FerryClock clock_fake = { .now_ms = now_ms, .wall_us = now_ms, .uuid = uuid };
static const FerryTimers timers = { .detach_ms = 30000, .attach_ms = 1000, .libvirt_retry_ms = 0 };

/* Whether the process lives to have this effect. */
static bool
lives(SavedFake *self, GError **error)
{
    const bool dies = self->is_dead || ++self->n_effects == self->dies_at;

    if (dies)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "the process is dead");
    if (dies) /* last: who waits for a call in another thread goes on then */
        self->is_dead = true;
    return !dies;
}

static bool
fails(GError **error, const char *message)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "%s", message);
    return false;
}

static void
record_free(gpointer data)
{
    ferry_record_free(data);
}

static FerryRecordKind
kind_at(const SavedFake *self, guint i)
{
    return ((const FerryRecord *)g_ptr_array_index(self->records, i))->kind;
}

static bool
append(void *data, FerryRecordKind kind, json_t *body, GError **error)
{
    SavedFake *self = data;
    FerryRecord *record = NULL;
    char *text = NULL;

    if (!lives(self, error))
        return false;
    text = json_dumps(body, JSON_COMPACT);
    record = g_new0(FerryRecord, 1);
    record->kind = kind;
    record->data = g_strdup(text);
    free(text);
    g_ptr_array_add(self->records, record);
    return lives(self, error); /* it may die just after, too */
}

static bool
look(void *data, FerryDomainLook *ret, GError **error)
{
    const SavedFake *self = data;

    if (self->is_dead)
        return fails(error, "the process is dead");
    *ret = (FerryDomainLook){ .present = true,
                              .state = self->state,
                              .persistent = self->is_persistent };
    return true;
}

static bool
xml(void *data, FerryGuestsXml which, char **ret, GError **error)
{
    const SavedFake *self = data;

    (void)which;
    if (self->is_dead)
        return fails(error, "the process is dead");
    *ret = g_strconcat(domain_head, self->has_nic ? nic : "", "</devices></domain>", NULL);
    return true;
}

static bool
resume(void *data, GError **error)
{
    SavedFake *self = data;

    if (!lives(self, error))
        return false;
    self->state = 1;
    return true;
}

static bool
define(void *data, const char *text, GError **error)
{
    SavedFake *self = data;

    g_assert_nonnull(strstr(text, "<name>web</name>"));
    if (!lives(self, error))
        return false;
    self->is_persistent = true;
    return true;
}

static bool
detach_ask(void *data, const char *alias, FerryDetach *ret, char **ret_reason, GError **error)
{
    SavedFake *self = data;

    (void)alias;
    if (!lives(self, error))
        return false;
    *ret = self->keeps_nic ? FERRY_DETACH_REFUSED : FERRY_DETACH_ASKED;
    if (self->keeps_nic)
        *ret_reason = g_strdup("it is in use");
    else
        self->has_nic = false;
    return true;
}

static bool
device_kept(void *data, const char *alias)
{
    (void)data;
    (void)alias;
    return false;
}

static bool
attach(void *data, const char *alias, const char *device_xml, GError **error)
{
    SavedFake *self = data;

    g_assert_nonnull(strstr(device_xml, alias));
    if (!lives(self, error))
        return false;
    self->has_nic = true;
    return true;
}

static bool
mark(void *data, GError **error)
{
    SavedFake *self = data;

    if (!lives(self, error))
        return false;
    self->is_marked = true;
    return true;
}

static bool
unmark(void *data, GError **error)
{
    SavedFake *self = data;

    if (!lives(self, error))
        return false;
    self->is_marked = false;
    return true;
}

static bool
reserve(void *data, const FerryPlan *plan, json_t **ret_reasons, GError **error)
{
    SavedFake *self = data;

    (void)plan;
    if (!lives(self, error))
        return false;
    if (self->refuses_slots)
        *ret_reasons = json_pack("[{s:s, s:s}]", "code", "no-free-slot", "message", "none left");
    else
        self->claims = 1;
    return true;
}

static bool
prepare(void *data,
        const FerryPlan *plan,
        json_t **ret_assign,
        json_t **ret_reasons,
        GError **error)
{
    (void)plan;
    (void)ret_reasons;
    if (!lives(data, error))
        return false;
    *ret_assign = json_array();
    return true;
}

static bool
plug(void *data, json_t **ret_lacks, GError **error)
{
    SavedFake *self = data;

    (void)ret_lacks; /* all are there then */
    if (!lives(self, error))
        return false;
    self->n_plugged++;
    return true;
}

static bool
keep(void *data, GError **error)
{
    SavedFake *self = data;

    if (!lives(self, error))
        return false;
    self->kept += self->claims;
    self->claims = 0;
    return true;
}

static bool
release_job(void *data, GError **error)
{
    SavedFake *self = data;

    if (!lives(self, error))
        return false;
    self->claims = 0;
    return true;
}

static bool
release_guest(void *data, GError **error)
{
    SavedFake *self = data;

    g_assert_cmpint(self->state, ==, OFF); /* what it holds is in use */
    if (!lives(self, error))
        return false;
    self->n_released++;
    return true;
}

static bool
save(void *data, const char *path, const char *text, GError **error)
{
    SavedFake *self = data;
    const bool is_whole = !self->save_fails && !self->dies_at_save;
    g_autofree char *content = g_strconcat(is_whole ? "whole" : "part", text, NULL);

    g_assert_nonnull(strstr(text, FERRY_SAVED_NAMESPACE));
    g_assert_null(strstr(text, "<alias name='ua-nic7'/></interface></devices>"));
    g_assert_true(self->is_marked); /* nobody else starts it meanwhile */
    if (!lives(self, error))
        return false;
    g_assert_true(g_file_set_contents(path, content, -1, NULL));
    if (!self->save_fails && !self->is_started)
        self->state = OFF;
    return is_whole || fails(error, "No space left on device");
}

static bool
restore(void *data, const char *path, const char *text, GError **error)
{
    SavedFake *self = data;

    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_null(strstr(text, FERRY_SAVED_NAMESPACE));
    g_assert_cmpint(self->state, ==, OFF);
    if (!lives(self, error))
        return false;
    if (self->restore_fails)
        return fails(error, "load of migration failed");
    self->state = 1;
    self->has_nic = false;
    return true;
}

static bool
saved_xml(void *data, const char *path, char **ret, GError **error)
{
    g_autofree char *content = NULL;

    (void)data;
    if (!g_file_get_contents(path, &content, NULL, NULL) || !g_str_has_prefix(content, "whole"))
        return fails(error, "save image is incomplete");
    *ret = g_strdup(content + strlen("whole"));
    return true;
}

static bool
work(void *data, FerryGuestWork *ret, GError **error)
{
    if (((SavedFake *)data)->is_dead)
        return fails(error, "the process is dead");
    *ret = FERRY_GUEST_IDLE;
    return true;
}

static bool
abort_work(void *data, GError **error)
{
    (void)data;
    (void)error;
    return true;
}

static bool
stats(void *data, FerryTransferStats *ret)
{
    (void)data;
    *ret = (FerryTransferStats){ .total_bytes = 100, .done_bytes = 50, .remaining_bytes = 50 };
    return true;
}

static bool
wait_for(void *data, int64_t limit_ms)
{
    (void)limit_ms;
    g_thread_yield(); /* the call is in a thread of its own */
    return !((SavedFake *)data)->is_dead;
}

static const FerryJournalOps journal_ops = { .append = append };
static const FerryGuestOps guest_ops = { .look = look,
                                         .xml = xml,
                                         .resume = resume,
                                         .define = define,
                                         .detach_ask = detach_ask,
                                         .device_kept = device_kept,
                                         .attach = attach,
                                         .mark = mark,
                                         .unmark = unmark };
static const FerryDeviceOps device_ops = { .reserve = reserve,
                                           .prepare = prepare,
                                           .plug = plug,
                                           .keep = keep,
                                           .release_job = release_job,
                                           .release_guest = release_guest };
static const FerrySavedOps saved_ops = { .save = save,
                                         .restore = restore,
                                         .saved_xml = saved_xml,
                                         .work = work,
                                         .abort_work = abort_work,
                                         .stats = stats,
                                         .wait = wait_for };

FerrySavedWorld
saved_fake_world(SavedFake *self)
{
    return (FerrySavedWorld){ .clock = &clock_fake,
                              .timers = &timers,
                              .journal = &journal_ops,
                              .guest = &guest_ops,
                              .devices = &device_ops,
                              .saved = &saved_ops,
                              .data = self,
                              .host = "alpha" };
}

static void
ignore(void *data)
{
    (void)data;
}

FerryJob *
saved_fake_job(const SavedFake *self, FerryJobKind kind)
{
    const FerryJobIdentity who = { .id = SAVED_JOB,
                                   .guest_name = "web",
                                   .guest_uuid = SAVED_UUID,
                                   .source = "alpha",
                                   .target = "alpha",
                                   .kind = kind,
                                   .file = self->file };

    return ferry_job_new(&who, &clock_fake, ignore, NULL);
}

FerryPlan *
saved_fake_plan(void)
{
    FerryPlan *plan = ferry_plan_new();
    FerryPlanDevice *device = g_new0(FerryPlanDevice, 1);

    plan->job = g_strdup(SAVED_JOB);
    plan->guest_name = g_strdup("web");
    plan->guest_uuid = g_strdup(SAVED_UUID);
    plan->source = g_strdup("alpha");
    plan->target = g_strdup("alpha");
    plan->live_xml = g_strconcat(domain_head, nic, "</devices></domain>", NULL);
    plan->inactive_xml = g_strdup(plan->live_xml);
    device->alias = g_strdup("ua-nic7");
    device->xml = g_strdup(nic);
    g_ptr_array_add(plan->ephemerals, device);
    return plan;
}

SavedFake *
saved_fake_new(void)
{
    SavedFake *self = g_new0(SavedFake, 1);

    self->folder = g_dir_make_tmp("ferry-saved-XXXXXX", NULL);
    self->file = g_build_filename(self->folder, "web", NULL);
    self->state = 1;
    self->has_nic = true;
    self->records = g_ptr_array_new_with_free_func(record_free);
    return self;
}

void
saved_fake_revive(SavedFake *self)
{
    self->is_dead = false;
    self->dies_at = 0;
    if (self->records->len == 0)
        self->claims = 0; /* of a job that is in no journal: the keeper releases it */
}

bool
saved_fake_has_file(const SavedFake *self, const char *suffix)
{
    GDir *dir = g_dir_open(self->folder, 0, NULL);
    bool has = false;

    for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir))
        has = has || g_str_has_suffix(name, suffix);
    g_dir_close(dir);
    return has;
}

bool
saved_fake_has_open_job(const SavedFake *self)
{
    return self->records->len > 0 && kind_at(self, self->records->len - 1) != FERRY_RECORD_DONE;
}

void
saved_fake_assert_records(const SavedFake *self, const FerryRecordKind *kinds, size_t n_kinds)
{
    g_assert_cmpuint(self->records->len, ==, n_kinds);
    for (guint i = 0; i < self->records->len; i++)
        g_assert_cmpint(kind_at(self, i), ==, kinds[i]);
}

void
saved_job_assert_tells(FerryJob *job, const char *key, const char *expected)
{
    json_t *json = ferry_job_json(job);
    const json_t *told = json_object_get(json, key);

    g_assert_nonnull(told);
    g_assert_cmpstr(json_string_value(told), ==, expected);
    json_decref(json);
}

void
saved_job_assert_reason(FerryJob *job, const char *code, const char *words)
{
    json_t *json = ferry_job_json(job);
    const json_t *reason = json_array_get(json_object_get(json, "reasons"), 0);

    g_assert_cmpstr(json_string_value(json_object_get(reason, "code")), ==, code);
    g_assert_nonnull(strstr(json_string_value(json_object_get(reason, "message")), words));
    json_decref(json);
}

void
saved_fake_free(SavedFake *self)
{
    temp_folder_remove(self->folder);
    g_ptr_array_unref(self->records);
    g_free(self->folder);
    g_free(self->file);
    g_free(self);
}
