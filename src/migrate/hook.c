#include "migrate/hook.h"

#include <string.h>

#include "migrate/managed.h"
#include "migrate/objection.h"

/* ferry-hook waits for 28 s: a release may take its time after the last try. */
#define LIMIT_MS         20000
#define RELEASE_LIMIT_MS 10000

typedef bool (*Answer)(const FerryLife *life,
                       const FerryDomain *domain,
                       int64_t until_ms,
                       json_t **ret_reasons,
                       GError **error);

/* What our own start goes without, it was told to. */
static bool
admit(const FerryLife *life,
      const FerryDomain *domain,
      int64_t until_ms,
      json_t **ret_reasons,
      GError **error)
{
    (void)until_ms;
    return life->hybrids == NULL || ferry_guest_turns_is_starting(life->turns, domain->uuid) ||
           life->hybrids->admit(life->hybrids_data, domain, ret_reasons, error);
}

/* libvirt has no QEMU for the guest: what it has of claims is left over, unless a start of ours
 * just made them. */
static bool
prepare(const FerryLife *life,
        const FerryDomain *domain,
        int64_t until_ms,
        json_t **ret_reasons,
        GError **error)
{
    if (!ferry_guest_turns_is_starting(life->turns, domain->uuid)) {
        if (!ferry_managed_clear(life, domain->uuid, until_ms, ret_reasons, error))
            return false;
        if (*ret_reasons == NULL && !admit(life, domain, until_ms, ret_reasons, error))
            return false;
    }
    return *ret_reasons != NULL || ferry_managed_make(life, domain, until_ms, ret_reasons, error);
}

static bool
release(const FerryLife *life,
        const FerryDomain *domain,
        int64_t until_ms,
        json_t **ret_reasons,
        GError **error)
{
    (void)until_ms;
    (void)ret_reasons;
    return ferry_managed_release(life, domain->uuid, RELEASE_LIMIT_MS, error);
}

static bool
answer_in_turn(const FerryLife *life,
               Answer answer,
               const FerryDomain *domain,
               json_t **ret_reasons,
               GError **error)
{
    const int64_t until_ms = life->clock->now_ms(life->clock) + LIMIT_MS;
    g_autofree char *waiting_for = NULL;
    bool ok = false;

    if (!ferry_guest_turns_enter(life->turns, domain->uuid, life->hook_turn_ms)) {
        waiting_for = ferry_guest_turns_waiting_for(life->turns, domain->uuid);
        *ret_reasons = ferry_objection(
            "in-progress", "guest %s: another start or stop of it goes on%s%s", domain->name,
            waiting_for != NULL ? " and waits: " : "", waiting_for != NULL ? waiting_for : "");
        ferry_object_remedy(*ret_reasons, "start it again when that ends");
        return true;
    }
    ok = answer(life, domain, until_ms, ret_reasons, error);
    ferry_guest_turns_leave(life->turns, domain->uuid);
    return ok;
}

/* (transfer full) (nullable) */
static json_t *
guard(const FerryLife *life, const FerryDomain *incoming)
{
    json_t *reasons = json_array();

    life->guests->guard(life->guests_data, incoming, reasons);
    if (json_array_size(reasons) > 0)
        return reasons;
    json_decref(reasons);
    return NULL;
}

bool
ferry_hook_answer(const FerryLife *life,
                  const FerryHookCall *call,
                  json_t **ret_reasons,
                  GError **error)
{
    static const struct {
        const char *operation;
        Answer answer;
    } answers[] = { { "prepare", prepare }, { "start", admit }, { "release", release } };
    g_autoptr(FerryDomain) domain = NULL;
    g_autofree char *job = NULL;

    if (!ferry_domain_parse(call->xml, &domain, error))
        return false;
    if (strcmp(call->operation, "migrate") == 0) {
        *ret_reasons = guard(life, domain);
        return true;
    }
    job = life->guests->job_of(life->guests_data, domain->uuid);
    for (size_t i = 0; job == NULL && i < G_N_ELEMENTS(answers); i++)
        if (strcmp(call->operation, answers[i].operation) == 0)
            return answer_in_turn(life, answers[i].answer, domain, ret_reasons, error);
    return true;
}
