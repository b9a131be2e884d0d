/* The check of a guest against one host, or against every one that is known. */
#include "migrate/check.h"

#include "base/error.h"
#include "client/client.h"
#include "migrate/alternatives.h"
#include "migrate/begin.h"
#include "migrate/check-groups.h"
#include "migrate/forecast.h"
#include "migrate/objection.h"
#include "store/history.h"

#define CHECK_TIMEOUT_MS 15000
#define CHECK_THREADS    16 /* hosts that are asked at a time; most of it is waiting */

static bool
need_identity(const FerryMigrator *self, GError **error)
{
    if (self->config.identity != NULL)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                "this host has no certificate, so no other host would talk to it: run \"ferry "
                "pki install FILE\" and restart ferryd");
    return false;
}

bool
ferry_run_find_host(FerryMigrator *self, const char *name, FerryHostRow **ret, GError **error)
{
    if (!need_identity(self, error) || !ferry_store_host_find(self->config.store, name, ret, error))
        return false;
    if (*ret == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "host %s is not known here: run \"ferry host add %s --address HOST:PORT\"",
                    name, name);
        return false;
    }
    return true;
}

/* @plan: (transfer full), as ferry_plan_format() has it; @ret: the target's half */
static bool
ask(FerryMigrator *self, const FerryHostRow *host, json_t *plan, json_t **ret, GError **error)
{
    g_autoptr(FerryClient) client = NULL;
    g_auto(FerryReply) reply = { 0 };
    json_t *body = json_pack("{s:o}", "plan", plan);
    bool ok =
        ferry_client_new_peer(self->config.identity, host->name, host->address, &client, error) &&
        ferry_client_call(client, "POST", "/v1/peer/check", body, CHECK_TIMEOUT_MS, &reply, error);

    json_decref(body);
    if (!ok) {
        g_prefix_error(error, "cannot check with %s: ", host->name);
        return false;
    }
    *ret = json_incref(reply.body);
    return true;
}

/* Five each way: a guest's blackouts differ by a third and more from one to the next. */
#define MOVES_MAX (2 * FERRY_HISTORY_MOVES)

/* A peer's numbers are taken as far as they can be: a blackout of less than a day. */
static unsigned
collect_moves(FerryMigrator *self, const FerryPlan *plan, const json_t *theirs, int64_t *moves_ms)
{
    g_autoptr(GPtrArray) ours = NULL;
    const json_t *one = NULL;
    unsigned n = 0;
    size_t i = 0;

    (void)ferry_history_moves(self->config.store, plan->guest_uuid, &ours, NULL); /* none, then */
    for (guint j = 0; ours != NULL && j < ours->len && n < FERRY_HISTORY_MOVES; j++)
        moves_ms[n++] = ((FerryHistoryRow *)g_ptr_array_index(ours, j))->blackout_ms;
    json_array_foreach(theirs, i, one)
    {
        if (n < MOVES_MAX && json_integer_value(one) > 0 && json_integer_value(one) < 86400000)
            moves_ms[n++] = json_integer_value(one);
    }
    return n;
}

/* M4: the slower side, as far as either says what its link gives; else what it gave before. */
static uint64_t
rate_of(FerryMigrator *self, const FerryPlan *plan, const json_t *theirs)
{
    uint64_t there = (uint64_t)MAX(json_integer_value(json_object_get(theirs, "link_bps")), 0);
    uint64_t here = self->config.link_bps;
    int64_t measured = -1;

    if (here > 0 && there > 0)
        return MIN(here, there);
    if (here > 0 || there > 0)
        return MAX(here, there);
    (void)ferry_history_rate(self->config.store, plan->target, &measured, NULL);
    return measured > 0 ? (uint64_t)measured : 0;
}

static json_t *
forecast_of(FerryMigrator *self, const FerryPlan *plan, const json_t *theirs)
{
    int64_t moves_ms[MOVES_MAX];
    FerryForecastKnown known = {
        .rate_bps = rate_of(self, plan, theirs),
        .moves_ms = moves_ms,
        .n_moves = collect_moves(self, plan, json_object_get(theirs, "moves_ms"), moves_ms),
    };

    return ferry_forecast(plan, &known);
}

static json_t *
aliases_of(const json_t *plan)
{
    json_t *aliases = json_array();
    const json_t *device = NULL;
    size_t i = 0;

    json_array_foreach(json_object_get(plan, "ephemerals"), i, device)
        json_array_append(aliases, json_object_get(device, "alias"));
    return aliases;
}

/* The plan's, and the hybrids that would go without a VF. */
static json_t *
warnings_of(const FerryPlan *plan, const json_t *devices)
{
    json_t *warnings = json_copy(plan->warnings);
    const json_t *device = NULL;
    size_t i = 0;

    json_array_foreach(devices, i, device)
    {
        const char *alias = json_string_value(json_object_get(device, "alias"));

        if (alias == NULL || !json_is_true(json_object_get(device, "degraded")))
            continue;
        ferry_object_to(warnings, alias, "no-free-vf",
                        "%s has no free VF for %s: it runs on virtio alone there, and gets the "
                        "first VF that is freed",
                        plan->target, alias);
    }
    return warnings;
}

bool
ferry_check_host(FerryMigrator *self,
                 const FerryHostRow *host,
                 const FerryPlan *plan,
                 const json_t *own_reasons,
                 json_t **ret,
                 GError **error)
{
    json_t *plan_json = ferry_plan_format(plan);
    json_t *theirs = NULL;
    json_t *reasons = NULL;
    json_t *devices = NULL;
    json_t *forecast = NULL;
    bool ok = ask(self, host, json_incref(plan_json), &theirs, error);

    if (ok) {
        reasons = json_deep_copy(own_reasons);
        json_array_extend(reasons, json_object_get(theirs, "reasons"));
        forecast = forecast_of(self, plan, theirs);
        ferry_forecast_object(forecast, reasons);
        devices = json_object_get(theirs, "devices");
        *ret =
            json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "guest", plan->guest_name,
                      "source", plan->source, "target", plan->target, "verdict",
                      ferry_check_verdict(reasons), "reasons", reasons, "warnings",
                      warnings_of(plan, devices), "ephemerals", aliases_of(plan_json), "blackout",
                      forecast, "devices", devices != NULL ? json_incref(devices) : json_array());
        json_object_set_new(*ret, "alternatives", ferry_alternatives(plan, *ret));
    }
    json_decref(theirs);
    json_decref(plan_json);
    return ok;
}

/* ---- all of them ---- */

/* Shared by the threads; each host's place in @answers is written by the one that asked it. */
typedef struct {
    FerryMigrator *migrator;
    const GPtrArray *hosts; /* of FerryHostRow */
    const char *plan;       /* JSON text, for json_t is no thread's but its own */
    const char *reasons;    /* likewise */
    json_t **answers;
    gint next;
} Round;

static json_t *
unreachable(const FerryHostRow *host, const GError *error)
{
    json_t *reasons =
        ferry_objection(ferry_error_info((FerryErrorCode)error->code)->name, "%s", error->message);

    return json_pack("{s:s, s:s, s:o, s:[], s:[]}", "target", host->name, "verdict", "unreachable",
                     "reasons", reasons, "ephemerals", "devices");
}

static void *
ask_some(void *data)
{
    Round *round = data;
    guint i = 0;

    while ((i = (guint)g_atomic_int_add(&round->next, 1)) < round->hosts->len) {
        const FerryHostRow *host = g_ptr_array_index(round->hosts, i);
        json_t *json = json_loads(round->plan, 0, NULL);
        json_t *reasons = json_loads(round->reasons, 0, NULL);
        g_autoptr(FerryPlan) plan = NULL;
        g_autoptr(GError) error = NULL;

        (void)json_object_set_new(json, "target", json_string(host->name));
        if (!ferry_plan_parse(json, &plan, &error) ||
            !ferry_check_host(round->migrator, host, plan, reasons, &round->answers[i], &error))
            round->answers[i] = unreachable(host, error);
        json_decref(reasons);
        json_decref(json);
    }
    return NULL;
}

/* The first one is asked by this thread, so a machine out of threads is only slower. */
static void
ask_all(Round *round)
{
    pthread_t threads[CHECK_THREADS];
    unsigned n = 0;

    while (n + 1 < MIN(CHECK_THREADS, round->hosts->len) &&
           pthread_create(&threads[n], NULL, ask_some, round) == 0)
        n++;
    (void)ask_some(round);
    while (n > 0)
        (void)pthread_join(threads[--n], NULL);
}

static json_t *
check_all(FerryMigrator *self, const GPtrArray *hosts, const FerryPlan *plan, const json_t *reasons)
{
    json_t *plan_json = ferry_plan_format(plan);
    g_autofree json_t **answers = g_new0(json_t *, hosts->len);
    char *plan_text = json_dumps(plan_json, JSON_COMPACT);
    char *reasons_text = json_dumps(reasons, JSON_COMPACT);
    Round round = { self, hosts, plan_text, reasons_text, answers, 0 };
    json_t *all = json_array();
    json_t *groups = NULL;

    ask_all(&round);
    for (guint i = 0; i < hosts->len; i++)
        json_array_append_new(all, answers[i]);
    free(plan_text);
    free(reasons_text);
    json_decref(plan_json);
    groups = ferry_check_groups(all);
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "guest", plan->guest_name, "source", plan->source,
                     "verdict", ferry_check_groups_best(groups), "groups", groups, "checks", all);
}

static bool
list_hosts(FerryMigrator *self, GPtrArray **ret, GError **error)
{
    if (!need_identity(self, error) || !ferry_store_host_list(self->config.store, ret, error))
        return false;
    for (guint i = (*ret)->len; i > 0; i--)
        if (g_strcmp0(((FerryHostRow *)g_ptr_array_index(*ret, i - 1))->name, self->config.name) ==
            0)
            g_ptr_array_remove_index(*ret, i - 1);
    if ((*ret)->len > 0)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                "no other host is known here: run \"ferry host add NAME --address HOST:PORT\"");
    return false;
}

static bool
check(FerryMigrator *self,
      const FerryMigrationRequest *request,
      json_t *reasons,
      json_t **ret,
      GError **error)
{
    g_autoptr(FerryPlan) plan = NULL;
    g_autoptr(FerryHostRow) host = NULL;
    g_autoptr(GPtrArray) hosts = NULL;
    FerryMigrationRequest wanted = *request;

    if (request->to != NULL ? !ferry_run_find_host(self, request->to, &host, error)
                            : !list_hosts(self, &hosts, error))
        return false;
    if (request->to == NULL) /* a plan has one; each host gets it with its own name */
        wanted.to = ((FerryHostRow *)g_ptr_array_index(hosts, 0))->name;
    if (!ferry_begin_plan(self, &wanted, &plan, reasons, error) ||
        !ferry_run_check_free(self, plan->guest_uuid, error))
        return false;
    if (request->to != NULL)
        return ferry_check_host(self, host, plan, reasons, ret, error);
    *ret = check_all(self, hosts, plan, reasons);
    return true;
}

/* A guest cannot move to where it is: said without asking anybody. */
static json_t *
already_there(const FerryMigrator *self, const FerryMigrationRequest *request)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:[], s:[]}", "guest", request->guest, "source",
        self->config.name, "target", request->to, "verdict", "no", "reasons",
        ferry_objection("already-there", "the target is this host: the guest is already there"),
        "ephemerals", "devices");
}

bool
ferry_migrator_check(FerryMigrator *self,
                     const FerryMigrationRequest *request,
                     json_t **ret,
                     GError **error)
{
    json_t *reasons = NULL;
    bool ok = false;

    if (request->to != NULL && g_strcmp0(request->to, self->config.name) == 0) {
        *ret = already_there(self, request);
        return true;
    }
    reasons = json_array();
    ok = check(self, request, reasons, ret, error);
    json_decref(reasons);
    return ok;
}
