#include "migrate/managed.h"

#include <string.h>

#include "base/error.h"
#include "migrate/objection.h"

/* Between two tries of what may pass by itself. */
#define AGAIN_MS 250
/* For one device on the way back from a start that failed; what takes longer the keeper ends. */
#define UNDO_MS 5000
/* For one device in ferry_managed_clear(), before it says what it waits for. */
#define CLEAR_MS 1000

/* One managed device of a guest; what it points at is the domain's. */
typedef struct {
    const FerryDomain *domain;
    const FerryMdevMeta *meta;
    const char *uuid;
    FerryMdevAttr *attrs;
} Wish;

static void
wish_clear(Wish *self)
{
    g_free(self->attrs);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wish, wish_clear)

/* Returns: whether the metadata names a device that can be made */
static bool
wish_init(Wish *self, const FerryDomain *domain, const FerryMdevMeta *meta, json_t **ret_reasons)
{
    const FerryDevice *device = ferry_domain_device(domain, meta->alias);

    *self = (Wish){ .domain = domain, .meta = meta };
    if (device == NULL || g_strcmp0(device->type, "mdev") != 0 || device->source == NULL) {
        *ret_reasons = ferry_objection(
            "no-device",
            "guest %s: its metadata has a managed mdev %s, but there is no <hostdev type='mdev'> "
            "with that alias and a UUID",
            domain->name, meta->alias);
        ferry_object_remedy(*ret_reasons,
                            "correct the guest's XML, or define it with \"ferry guest define\"");
        return false;
    }
    self->uuid = device->source;
    self->attrs = g_new0(FerryMdevAttr, meta->attrs->len + 1);
    for (guint i = 0; i < meta->attrs->len; i++) {
        const FerryMetaAttr *attr = g_ptr_array_index(meta->attrs, i);

        self->attrs[i] = (FerryMdevAttr){ attr->name, attr->value };
    }
    return true;
}

/* One try of a device.  Returns: false for an error; @ret_reasons for a "no" */
static bool
try_one(const FerryLife *life, const Wish *wish, json_t **ret_reasons, GError **error)
{
    const FerryNeed need = {
        .guest_uuid = wish->domain->uuid,
        .guest_name = wish->domain->name,
        .alias = wish->meta->alias,
        .pool = wish->meta->pool,
        .parent = wish->meta->parent,
        .type = wish->meta->type,
        .uuid = wish->uuid,
        .attrs = wish->attrs,
        .n_attrs = wish->meta->attrs->len,
    };
    g_autoptr(FerryClaimRow) claim = NULL;

    if (!life->claims->claim(life->claims_data, &need, &claim, ret_reasons, error))
        return false;
    return claim == NULL ||
           life->claims->prepare(life->claims_data, claim->generation, ret_reasons, error);
}

/* Whether waiting may help: each of the reasons is one that passes by itself. */
static bool
is_passing(const json_t *reasons)
{
    size_t i = 0;
    const json_t *reason = NULL;

    json_array_foreach(reasons, i, reason)
    {
        const char *code = json_string_value(json_object_get(reason, "code"));

        if (!json_is_true(json_object_get(reason, "passing")) &&
            g_strcmp0(code, "still-releasing") != 0)
            return false;
    }
    return i > 0;
}

static void
say(const FerryLife *life, const char *guest_uuid, const char *waiting_for)
{
    if (ferry_guest_turns_say(life->turns, guest_uuid, waiting_for) && waiting_for != NULL)
        g_message("guest %s waits: %s", guest_uuid, waiting_for);
}

/* Returns: whether there is time for another try */
static bool
wait_a_moment(const FerryLife *life, const char *guest_uuid, const char *why, int64_t until_ms)
{
    if (life->clock->now_ms(life->clock) >= until_ms)
        return false;
    say(life, guest_uuid, why);
    life->guests->pause(life->guests_data, AGAIN_MS);
    return true;
}

static const char *
message_of(const json_t *reasons)
{
    const char *message = json_string_value(json_object_get(json_array_get(reasons, 0), "message"));

    return message != NULL ? message : "its devices";
}

static bool
make_one(const FerryLife *life,
         const Wish *wish,
         int64_t until_ms,
         json_t **ret_reasons,
         GError **error)
{
    json_t *reasons = NULL;
    bool ok = try_one(life, wish, &reasons, error);

    while (ok && is_passing(reasons) &&
           wait_a_moment(life, wish->domain->uuid, message_of(reasons), until_ms)) {
        json_decref(reasons);
        reasons = NULL;
        ok = try_one(life, wish, &reasons, error);
    }
    *ret_reasons = reasons;
    return ok;
}

/* Whether a claim is this guest's own to give back: a job that goes on looks after its own. */
static bool
is_ours(const FerryLife *life, const FerryClaimRow *claim)
{
    return claim->job == NULL || claim->job[0] == '\0' ||
           !life->guests->job_is_live(life->guests_data, claim->job);
}

static bool
has_generation(const GPtrArray *claims, int64_t generation)
{
    for (guint i = 0; i < claims->len; i++)
        if (((const FerryClaimRow *)g_ptr_array_index(claims, i))->generation == generation)
            return true;
    return false;
}

/* @except: (nullable): claims that stay */
static bool
release_but(const FerryLife *life,
            const char *guest_uuid,
            const GPtrArray *except,
            unsigned limit_ms,
            GError **error)
{
    g_autoptr(GPtrArray) claims = NULL;
    g_autoptr(GError) first = NULL;

    if (!life->claims->list(life->claims_data, guest_uuid, &claims, error))
        return false;
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);
        g_autoptr(GError) wrong = NULL;

        if (!is_ours(life, claim) || (except != NULL && has_generation(except, claim->generation)))
            continue;
        if (!life->claims->release(life->claims_data, claim->generation, limit_ms, &wrong) &&
            first == NULL)
            first = g_steal_pointer(&wrong);
    }
    if (first == NULL)
        return true;
    g_propagate_error(error, g_steal_pointer(&first));
    return false;
}

static bool
make_all(const FerryLife *life,
         const FerryDomain *domain,
         int64_t until_ms,
         json_t **ret_reasons,
         GError **error)
{
    const GPtrArray *mdevs = domain->metadata->mdevs;

    for (guint i = 0; i < mdevs->len && *ret_reasons == NULL; i++) {
        const FerryMdevMeta *meta = g_ptr_array_index(mdevs, i);
        g_auto(Wish) wish = { 0 };

        if (!meta->managed)
            continue;
        if (wish_init(&wish, domain, meta, ret_reasons) &&
            !make_one(life, &wish, until_ms, ret_reasons, error))
            return false;
    }
    return true;
}

bool
ferry_managed_make(const FerryLife *life,
                   const FerryDomain *domain,
                   int64_t until_ms,
                   json_t **ret_reasons,
                   GError **error)
{
    g_autoptr(GPtrArray) before = NULL;
    g_autoptr(GError) left = NULL;
    json_t *reasons = NULL;
    bool ok = false;

    if (!life->claims->list(life->claims_data, domain->uuid, &before, error))
        return false;
    ok = make_all(life, domain, until_ms, &reasons, error);
    say(life, domain->uuid, NULL);
    if ((!ok || reasons != NULL) && !release_but(life, domain->uuid, before, UNDO_MS, &left))
        g_warning("guest %s was not started; going on without having cleaned up: %s", domain->name,
                  left->message);
    *ret_reasons = reasons;
    return ok;
}

bool
ferry_managed_release(const FerryLife *life,
                      const char *guest_uuid,
                      unsigned limit_ms,
                      GError **error)
{
    return release_but(life, guest_uuid, NULL, limit_ms, error);
}

bool
ferry_managed_clear(const FerryLife *life,
                    const char *guest_uuid,
                    int64_t until_ms,
                    json_t **ret_reasons,
                    GError **error)
{
    g_autoptr(GError) wrong = NULL;

    while (!release_but(life, guest_uuid, NULL, CLEAR_MS, &wrong)) {
        if (!g_error_matches(wrong, FERRY_ERROR, FERRY_ERROR_BUSY) &&
            !g_error_matches(wrong, FERRY_ERROR, FERRY_ERROR_TIMEOUT)) {
            g_propagate_error(error, g_steal_pointer(&wrong));
            return false;
        }
        if (!wait_a_moment(life, guest_uuid, wrong->message, until_ms)) {
            *ret_reasons = ferry_objection("still-releasing", "%s", wrong->message);
            ferry_object_remedy(*ret_reasons, "ferryd goes on trying: start the guest again later");
            break;
        }
        g_clear_error(&wrong);
    }
    say(life, guest_uuid, NULL);
    return true;
}

/* Of a guest that is up.  What is being released stays so, whatever its guest does meanwhile. */
static bool
tend(const FerryLife *life, const char *guest_uuid, unsigned limit_ms, GError **error)
{
    g_autoptr(GPtrArray) claims = NULL;
    bool ok = true;

    if (!life->claims->list(life->claims_data, guest_uuid, &claims, error))
        return false;
    for (guint i = 0; i < claims->len && ok; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (!is_ours(life, claim))
            continue;
        if (claim->state == FERRY_CLAIM_RESERVED)
            ok = life->claims->keep(life->claims_data, claim->generation, error);
        else if (claim->state == FERRY_CLAIM_RELEASING)
            ok = life->claims->release(life->claims_data, claim->generation, limit_ms, error);
    }
    return ok;
}

bool
ferry_managed_tidy(const FerryLife *life,
                   const char *guest_uuid,
                   unsigned limit_ms,
                   FerryTidy *ret,
                   GError **error)
{
    const uint64_t number = ferry_guest_turns_number(life->turns, guest_uuid);
    FerryDomainLook look = { 0 };
    bool ok = false;

    if (!life->guests->look(life->guests_data, guest_uuid, &look, error))
        return false;
    if (!ferry_guest_turns_enter_since(life->turns, guest_uuid, number)) {
        *ret = FERRY_TIDY_LATER;
        return true;
    }
    ok = ferry_life_is_up(&look) ? tend(life, guest_uuid, limit_ms, error)
                                 : ferry_managed_release(life, guest_uuid, limit_ms, error);
    ferry_guest_turns_leave(life->turns, guest_uuid);
    if (ok)
        *ret = ferry_life_is_up(&look) ? FERRY_TIDY_UP : FERRY_TIDY_DONE;
    return ok;
}
