#include "fake-life.h"

#include <string.h>

#include "migrate/hook.h"
#include "migrate/objection.h"

static FakeLife *
write_down(void *data, const char *what, const char *on)
{
    FakeLife *self = data;

    g_string_append_printf(self->log, "%s%s%s%s", self->log->len > 0 ? ", " : "", what,
                           on[0] != '\0' ? " " : "", on);
    return self;
}

static FakeLife *
write_down_number(void *data, const char *what, int64_t number)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, (gint64)number);

    return write_down(data, what, text);
}

/* Returns: whether it goes well; else @error is set, or @ret_reasons */
static bool
pass(FakeTrouble *trouble, json_t **ret_reasons, GError **error)
{
    if (trouble->times == 0)
        return true;
    if (trouble->times > 0)
        trouble->times--;
    if (trouble->code >= 0)
        g_set_error_literal(error, FERRY_ERROR, trouble->code, trouble->text);
    else
        *ret_reasons = json_pack("[{s:s, s:s, s:b}]", "code", "full", "message", trouble->text,
                                 "passing", trouble->is_passing);
    return false;
}

static FerryClaimRow *
find_claim(FakeLife *self, int64_t generation)
{
    for (guint i = 0; i < self->claims->len; i++) {
        FerryClaimRow *claim = g_ptr_array_index(self->claims, i);

        if (claim->generation == generation)
            return claim;
    }
    return NULL;
}

void
fake_life_add_claim(FakeLife *self, const char *alias, FerryClaimState state, const char *job)
{
    FerryClaimRow *claim = g_new0(FerryClaimRow, 1);

    *claim = (FerryClaimRow){ .generation = ++self->generation,
                              .pool = g_strdup(""),
                              .slot = g_strdup("mtty/mtty-1"),
                              .device = g_strdup(FAKE_MDEV),
                              .guest_uuid = g_strdup(FAKE_UUID),
                              .guest_name = g_strdup("web"),
                              .alias = g_strdup(alias),
                              .job = g_strdup(job),
                              .state = state,
                              .saved_settings = g_strdup(""),
                              .attrs = g_strdup(""),
                              .made_in = g_strdup("") };
    g_ptr_array_add(self->claims, claim);
}

static bool
claim_slot(void *data,
           const FerryNeed *need,
           FerryClaimRow **ret,
           json_t **ret_reasons,
           GError **error)
{
    FakeLife *self = write_down(data, "claim", need->alias);

    g_assert_cmpstr(need->guest_uuid, ==, FAKE_UUID);
    g_assert_cmpstr(need->guest_name, ==, "web");
    if ((self->trouble_alias == NULL || strcmp(self->trouble_alias, need->alias) == 0) &&
        !pass(&self->claim, ret_reasons, error))
        return *ret_reasons != NULL;
    for (guint i = 0; i < self->claims->len; i++) {
        FerryClaimRow *claim = g_ptr_array_index(self->claims, i);

        if (strcmp(claim->alias, need->alias) == 0)
            *ret = ferry_claim_row_copy(claim);
    }
    if (*ret != NULL)
        return true;
    fake_life_add_claim(self, need->alias, FERRY_CLAIM_RESERVED, "");
    *ret = ferry_claim_row_copy(find_claim(self, self->generation));
    return true;
}

static bool
prepare(void *data, int64_t generation, json_t **ret_reasons, GError **error)
{
    FakeLife *self = write_down_number(data, "prepare", generation);

    return pass(&self->prepare, ret_reasons, error) || *ret_reasons != NULL;
}

static bool
keep(void *data, int64_t generation, GError **error)
{
    FakeLife *self = write_down_number(data, "keep", generation);

    if (!pass(&self->keep, NULL, error))
        return false;
    find_claim(self, generation)->state = FERRY_CLAIM_IN_USE;
    return true;
}

static bool
release(void *data, int64_t generation, unsigned limit_ms, GError **error)
{
    FakeLife *self = write_down_number(data, "release", generation);
    FerryClaimRow *claim = find_claim(self, generation);

    g_assert_cmpuint(limit_ms, <=, 10000);
    if (claim == NULL)
        return true;
    claim->state = FERRY_CLAIM_RELEASING;
    if (!pass(&self->release, NULL, error))
        return false;
    g_ptr_array_remove(self->claims, claim);
    return true;
}

static bool
list_claims(void *data, const char *guest_uuid, GPtrArray **ret, GError **error)
{
    FakeLife *self = data;
    GPtrArray *claims = NULL;

    if (!pass(&self->list, NULL, error))
        return false;
    claims = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_claim_row_free);
    for (guint i = 0; i < self->claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(self->claims, i);

        if (guest_uuid == NULL || strcmp(claim->guest_uuid, guest_uuid) == 0)
            g_ptr_array_add(claims, ferry_claim_row_copy(claim));
    }
    *ret = claims;
    return true;
}

static const FerryClaimOps claim_ops = { claim_slot, prepare, keep, release, list_claims };

static FerryGuest *
guest_of(const FakeLife *self)
{
    FerryGuest *guest = g_new0(FerryGuest, 1);

    guest->name = g_strdup("web");
    guest->uuid = g_strdup(FAKE_UUID);
    guest->state = self->state;
    return guest;
}

static bool
find(void *data, const char *name_or_uuid, FerryGuest **ret, GError **error)
{
    (void)error;
    *ret = strcmp(name_or_uuid, "web") == 0 ? guest_of(data) : NULL;
    return true;
}

static bool
list(void *data, GPtrArray **ret, GError **error)
{
    FakeLife *self = data;

    if (!pass(&self->look, NULL, error))
        return false;
    *ret = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_guest_free);
    if (!self->is_away)
        g_ptr_array_add(*ret, guest_of(self));
    return true;
}

static bool
look(void *data, const char *uuid, FerryDomainLook *ret, GError **error)
{
    FakeLife *self = data;

    g_assert_cmpstr(uuid, ==, FAKE_UUID);
    if (!pass(&self->look, NULL, error))
        return false;
    *ret = (FerryDomainLook){ .present = !self->is_away, .state = self->state };
    if (self->on_look != NULL)
        self->on_look(self);
    return true;
}

static bool
xml(void *data, const char *uuid, FerryGuestsXml which, char **ret, GError **error)
{
    static const char *const names[] = {
        [FERRY_GUESTS_XML_LIVE] = "live", [FERRY_GUESTS_XML_INACTIVE] = "inactive"
    };
    FakeLife *self = write_down(data, "xml", names[which]);

    (void)uuid;
    (void)error;
    *ret = g_strdup(self->xml);
    return true;
}

/* What libvirt does with a hook that is installed; its answer decides. */
static bool
call_hook(FakeLife *self, const char *operation, GError **error)
{
    const FerryHookCall call = { operation, "web", "-", self->xml };
    json_t *reasons = NULL;
    bool ok = !self->has_hook || ferry_hook_answer(&self->life, &call, &reasons, error);

    g_assert_null(reasons);
    return ok;
}

static bool
run(FakeLife *self, GError **error)
{
    bool ok = call_hook(self, "prepare", error) && pass(&self->start, NULL, error);

    self->events++;
    if (ok || self->is_raced)
        self->state = 1;
    else
        g_assert_true(call_hook(self, "release", NULL));
    return ok;
}

static bool
start(void *data, const char *uuid, GError **error)
{
    (void)uuid;
    return run(write_down(data, "start", ""), error);
}

static bool
create(void *data, const char *domain_xml, GError **error)
{
    FakeLife *self = write_down(data, "create", "");

    self->created = g_strdup(domain_xml);
    return run(self, error);
}

static bool
go_down(FakeLife *self)
{
    self->state = 5;
    self->events++;
    return call_hook(self, "release", NULL);
}

static bool
shut_down(void *data, const char *uuid, GError **error)
{
    FakeLife *self = write_down(data, "shutdown", "");

    (void)uuid;
    (void)error;
    return !self->obeys || go_down(self);
}

static bool
destroy(void *data, const char *uuid, GError **error)
{
    (void)uuid;
    (void)error;
    return go_down(write_down(data, "destroy", ""));
}

static uint64_t
seen(void *data)
{
    return ((const FakeLife *)data)->events;
}

static bool
wait_for(void *data, const char *uuid, uint64_t after, int64_t timeout_ms)
{
    FakeLife *self = data;

    if (self->events > after)
        return true;
    if (uuid == NULL) /* the keeper's thread: its look is over */
        ferry_bell_ring(self->waited);
    self->now_ms += timeout_ms;
    return false;
}

static char *
job_of(void *data, const char *uuid)
{
    (void)uuid;
    return g_strdup(((const FakeLife *)data)->job);
}

static bool
job_is_live(void *data, const char *job_id)
{
    return g_strcmp0(((const FakeLife *)data)->live_job, job_id) == 0;
}

static uint64_t
devices(void *data)
{
    (void)data;
    return 1;
}

static void
pause_for(void *data, unsigned ms)
{
    ((FakeLife *)data)->now_ms += ms;
}

/* As if a job had reserved nothing. */
static void
guard(void *data, const FerryDomain *incoming, json_t *reasons)
{
    (void)incoming;
    if (((const FakeLife *)data)->job != NULL)
        ferry_object(reasons, "full", "it was not reserved");
}

static const FerryLifeOps life_ops = {
    find, list,     look,   xml,         start,   create,    shut_down, destroy,
    seen, wait_for, job_of, job_is_live, devices, pause_for, guard,
};

static bool
admit(void *data, const FerryDomain *live, json_t **ret_reasons, GError **error)
{
    FakeLife *self = write_down(data, "admit", live->name);

    return pass(&self->admit, ret_reasons, error) || *ret_reasons != NULL;
}

static bool
before_start(void *data,
             const FerryDomain *inactive,
             const char *domain_xml,
             FerryStartExtent extent,
             char **ret_xml,
             json_t *degraded,
             json_t **ret_reasons,
             GError **error)
{
    FakeLife *self =
        write_down(data, extent == FERRY_START_WHOLE ? "hybrids" : "some-hybrids", inactive->name);

    g_assert_cmpstr(domain_xml, ==, self->xml);
    if (!pass(&self->before_start, ret_reasons, error))
        return *ret_reasons != NULL;
    *ret_xml = g_strdup(self->create_xml);
    if (extent == FERRY_START_DEGRADED)
        json_array_append_new(degraded,
                              json_pack("{s:s, s:s}", "alias", "ua-net0", "message", "x"));
    return true;
}

static bool
hybrid_look(void *data,
            const char *guest_uuid,
            const FerryDomain *live,
            unsigned *ret_again_ms,
            GError **error)
{
    FakeLife *self = write_down(data, "look", live->name);

    g_assert_cmpstr(guest_uuid, ==, FAKE_UUID);
    *ret_again_ms = self->again_ms;
    return pass(&self->hybrid_look, NULL, error);
}

static const FerryHybridOps hybrid_ops = { admit, before_start, hybrid_look };

static int64_t
now_ms(const FerryClock *clock)
{
    return ((const FakeLife *)((const char *)clock - offsetof(FakeLife, clock)))->now_ms;
}

FakeLife *
fake_life_new(const char *domain_xml)
{
    FakeLife *self = g_new0(FakeLife, 1);

    self->clock = (FerryClock){ .now_ms = now_ms };
    self->waited = ferry_bell_new();
    self->log = g_string_new(NULL);
    self->claims = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_claim_row_free);
    self->state = 5;
    self->xml = domain_xml;
    self->life = (FerryLife){ .guests = &life_ops,
                              .guests_data = self,
                              .claims = &claim_ops,
                              .claims_data = self,
                              .hybrids = &hybrid_ops,
                              .hybrids_data = self,
                              .turns = ferry_guest_turns_new(),
                              .hook_turn_ms = 20000,
                              .clock = &self->clock };
    return self;
}

void
fake_life_free(FakeLife *self)
{
    ferry_guest_turns_free(self->life.turns);
    ferry_bell_free(self->waited);
    g_ptr_array_unref(self->claims);
    g_string_free(self->log, TRUE);
    g_free(self->created);
    g_free(self);
}

void
fake_life_assert_log(FakeLife *self, const char *expected)
{
    g_assert_cmpstr(self->log->str, ==, expected);
    g_string_truncate(self->log, 0);
}

void
fake_life_assert_reason(json_t *reasons, const char *code, const char *message)
{
    const json_t *reason = json_array_get(reasons, 0);

    g_assert_cmpuint(json_array_size(reasons), ==, 1);
    g_assert_cmpstr(json_string_value(json_object_get(reason, "code")), ==, code);
    g_assert_cmpstr(json_string_value(json_object_get(reason, "message")), ==, message);
    json_decref(reasons);
}

bool
fake_life_await_look(FakeLife *self)
{
    return ferry_bell_wait(self->waited, 0, 60000);
}
