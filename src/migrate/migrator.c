#include "migrate/migrator.h"

#include "base/error.h"
#include "migrate/run.h"
#include "store/history.h"
#include "store/host.h"

#define PUMP_MS       1000
#define STOP_POLL_MS  50
#define FORGET_MS     (3600 * INT64_C(1000))
#define LATE_WATCH_US (24 * 3600 * INT64_C(1000000))

static void
lock(FerryMigrator *self)
{
    (void)pthread_mutex_lock(&self->lock);
}

static void
unlock(FerryMigrator *self)
{
    (void)pthread_mutex_unlock(&self->lock);
}

static FerryInventory *
newest_inventory(void *data)
{
    return ferry_watch_inventory(data, NULL);
}

FerryReserve
ferry_run_reserve(FerryMigrator *migrator)
{
    return (FerryReserve){ .pools = migrator->offers != NULL ? migrator->config.pools : NULL,
                           .offers = migrator->offers,
                           .inventory = newest_inventory,
                           .inventory_data = migrator->config.watch };
}

bool
ferry_migrator_is_stopping(const FerryMigrator *migrator)
{
    return migrator->stopping;
}

/* ---- life ---- */

/* The journal first: what only the table knows cannot be asked for after a restart. */
static bool
forget(FerryMigrator *self, GError **error)
{
    const FerryClock *clock = self->config.clock;
    const int64_t before_us = clock->wall_us(clock) - self->config.tombstone_ms * 1000;
    g_autoptr(GPtrArray) ids = NULL;
    g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_run_unref);

    self->forget_ms = clock->now_ms(clock) + FORGET_MS;
    if (!ferry_journal_forget(self->config.store, before_us, &ids, error) ||
        !ferry_history_forget(self->config.store, before_us, error))
        return false;
    lock(self);
    for (guint i = 0; i < ids->len; i++) {
        const char *id = g_ptr_array_index(ids, i);
        gpointer key = NULL, run = NULL;

        if (!g_hash_table_steal_extended(self->runs, id, &key, &run))
            continue;
        g_free(key);
        g_ptr_array_add(runs, run); /* dropped without the lock: the last one waits for a thread */
    }
    unlock(self);
    return true;
}

void
ferry_migrator_tidy(FerryMigrator *self)
{
    const FerryClock *clock = self->config.clock;
    g_autoptr(GError) error = NULL;

    if (clock->now_ms(clock) >= self->forget_ms && !forget(self, &error))
        g_warning("jobs that ended long ago are kept for another hour: %s", error->message);
}

/* Brings libvirt's events to the drivers' bell. */
static void *
pump_main(void *data)
{
    FerryMigrator *self = data;

    while (!ferry_migrator_is_stopping(self)) {
        uint64_t seen = ferry_guests_seen(self->config.guests);

        ferry_bell_ring(self->bell);
        ferry_late_look(self);
        ferry_migrator_tidy(self);
        (void)ferry_guests_wait(self->config.guests, NULL, seen, PUMP_MS);
    }
    return NULL;
}

static FerryOffers *
open_offers(const FerryMigratorConfig *config)
{
    const FerryOffersConfig offers = { .pools = config->pools,
                                       .inventory = newest_inventory,
                                       .inventory_data = config->watch,
                                       .root = config->root,
                                       .ops = ferry_host_ethtool(),
                                       .store = config->store,
                                       .rules_root = "" };

    return ferry_offers_new(&offers);
}

FerryMigrator *
ferry_migrator_new(const FerryMigratorConfig *config)
{
    FerryMigrator *self = g_new0(FerryMigrator, 1);

    self->config = *config;
    if (config->pools != NULL && config->watch != NULL)
        self->offers = open_offers(config);
    self->bell = ferry_bell_new();
    self->shown = ferry_bell_new();
    self->runs =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ferry_run_unref);
    self->late = g_ptr_array_new_with_free_func(ferry_late_free);
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_mutex_init(&self->claiming, NULL);
    return self;
}

/* An ended job: its report for the list, the devices that it left for later. */
static void
bring_back(FerryMigrator *self, FerryRun *run, const GPtrArray *records)
{
    const FerryRecord *last = g_ptr_array_index(records, records->len - 1);
    json_t *body = json_loads(last->data, 0, NULL);
    const json_t *report = json_object_get(body, "report");
    const FerryClock *clock = self->config.clock;

    ferry_job_restore(run->job, report);
    if (clock->wall_us(clock) - last->wall_us < LATE_WATCH_US)
        ferry_late_add(self, ferry_job_identity(run->job)->guest_uuid,
                       json_object_get(body, "late"));
    (void)pthread_mutex_lock(&run->lock);
    run->over = true;
    run->record = FERRY_RECORD_DONE;
    run->resolved = json_is_true(json_object_get(body, "resolved"));
    run->answer.record =
        json_is_true(json_object_get(body, "aborted")) ? FERRY_T_ABORTED : FERRY_T_RUNNING;
    if (run->resolved)
        run->answer.record = FERRY_T_RESOLVED;
    run->answer.details =
        json_pack("{s:b, s:O?, s:O?, s:O?}", "finished", true, "degraded",
                  json_object_get(report, "degraded"), "reasons",
                  json_object_get(report, "reasons"), "gaps", json_object_get(report, "gaps"));
    (void)pthread_mutex_unlock(&run->lock);
    json_decref(body);
}

/* A source's first record has the plan. */
static void
bring_back_key(FerryRun *run, const GPtrArray *records)
{
    const FerryRecord *first = records->len == 0 ? NULL : g_ptr_array_index(records, 0);
    json_t *plan = first == NULL || first->kind != FERRY_RECORD_PLANNED
                       ? NULL
                       : json_loads(first->data, 0, NULL);

    ferry_run_keep_key(run, json_string_value(json_object_get(plan, "request_key")),
                       json_string_value(json_object_get(plan, "request_digest")));
    json_decref(plan);
}

static bool
recover_source(FerryMigrator *self, FerryRun *run, const GPtrArray *records, GError **error)
{
    g_autoptr(FerryHostRow) host = NULL;

    if (!ferry_store_host_find(self->config.store, run->hand.row.peer, &host, error))
        return false;
    if (host == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "job %s needs host %s, which is not known any more: run \"ferry host add %s "
                    "--address HOST:PORT\", then restart ferryd",
                    run->hand.row.id, run->hand.row.peer, run->hand.row.peer);
        return false;
    }
    return ferry_run_recover_source(run, host->address, records, error);
}

/* The inverse of peer_of(). */
static FerryJobKind
kind_of(const FerryJobRow *row)
{
    if (row->peer[0] != '\0')
        return FERRY_JOB_MIGRATE;
    return row->side == FERRY_SIDE_SOURCE ? FERRY_JOB_SAVE : FERRY_JOB_RESTORE;
}

/* (nullable) (transfer full) */
static char *
file_of(const GPtrArray *records)
{
    const FerryRecord *first = records->len == 0 ? NULL : g_ptr_array_index(records, 0);
    json_t *body = first == NULL ? NULL : json_loads(first->data, 0, NULL);
    char *file = g_strdup(json_string_value(json_object_get(body, "file")));

    json_decref(body);
    return file;
}

static bool
recover_run(FerryMigrator *self, FerryRun *run, const GPtrArray *records, GError **error)
{
    const FerryJobIdentity *who = ferry_job_identity(run->job);

    if (who->kind != FERRY_JOB_MIGRATE)
        return ferry_run_recover_saved(run, records, error);
    return who->side == FERRY_SIDE_SOURCE ? recover_source(self, run, records, error)
                                          : ferry_run_recover_target(run, records, error);
}

static bool
recover_one(FerryMigrator *self, const FerryJobRow *row, GError **error)
{
    const FerryJobKind kind = kind_of(row);
    const char *peer = kind == FERRY_JOB_MIGRATE ? row->peer : self->config.name;
    const bool source = row->side == FERRY_SIDE_SOURCE;
    FerryJobIdentity identity = { .id = row->id,
                                  .side = row->side,
                                  .guest_name = row->guest_name,
                                  .guest_uuid = row->guest_uuid,
                                  .source = source ? self->config.name : peer,
                                  .target = source ? peer : self->config.name,
                                  .kind = kind };
    g_autoptr(GPtrArray) records = NULL;
    g_autofree char *file = NULL;
    g_autoptr(GError) wrong = NULL;
    g_autoptr(FerryRun) run = NULL;

    if (!ferry_journal_read(self->config.store, row->id, &records, error))
        return false;
    identity.file = file = file_of(records);
    run = ferry_run_new(self, &identity);
    ferry_job_set_began(run->job, row->created_us);
    bring_back_key(run, records);
    if (row->record == FERRY_RECORD_DONE) {
        bring_back(self, run, records);
        return true;
    }
    if (recover_run(self, run, records, &wrong))
        return true;
    /* Shown, not fatal: the other jobs must go on.  Its marker keeps the guest from starting. */
    ferry_job_set_state(run->job, FERRY_JOB_IN_DOUBT);
    ferry_job_set_waiting(run->job, wrong->message);
    return true;
}

bool
ferry_migrator_recover(FerryMigrator *self, GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;

    if (!forget(self, error) ||
        !ferry_journal_jobs(self->config.store, FERRY_JOURNAL_ALL, &rows, error))
        return false;
    for (guint i = 0; i < rows->len; i++)
        if (!recover_one(self, g_ptr_array_index(rows, i), error))
            return false;
    if (pthread_create(&self->pump, NULL, pump_main, self) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED, "cannot start a thread");
        return false;
    }
    self->pumping = true;
    return true;
}

static bool
is_in_handover(FerryRun *run)
{
    bool in = false;

    (void)pthread_mutex_lock(&run->lock);
    in = !run->over &&
         (run->record == FERRY_RECORD_HANDOFF || run->record == FERRY_RECORD_COMMITTED ||
          run->record == FERRY_RECORD_ABORTED);
    (void)pthread_mutex_unlock(&run->lock);
    return in;
}

static bool
any_run(FerryMigrator *self, bool (*is)(FerryRun *run))
{
    GHashTableIter iter;
    gpointer value = NULL;
    bool any = false;

    lock(self);
    g_hash_table_iter_init(&iter, self->runs);
    while (!any && g_hash_table_iter_next(&iter, NULL, &value))
        any = is(value);
    unlock(self);
    return any;
}

static bool
is_under_way(FerryRun *run)
{
    return run->started && !ferry_run_is_over(run);
}

bool
ferry_migrator_stop(FerryMigrator *self, int64_t grace_ms)
{
    const FerryClock *clock = self->config.clock;
    int64_t until_ms = clock->now_ms(clock) + grace_ms;

    while (any_run(self, is_in_handover) && clock->now_ms(clock) < until_ms)
        (void)ferry_bell_wait(self->shown, ferry_bell_rung(self->shown), STOP_POLL_MS);
    self->stopping = true;
    ferry_bell_ring(self->bell);
    ferry_bell_ring(self->shown);
    if (self->pumping)
        (void)pthread_join(self->pump, NULL);
    self->pumping = false;
    return !any_run(self, is_under_way);
}

void
ferry_migrator_free(FerryMigrator *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->runs);
    g_ptr_array_unref(self->late);
    ferry_offers_free(self->offers);
    ferry_bell_free(self->bell);
    ferry_bell_free(self->shown);
    (void)pthread_mutex_destroy(&self->lock);
    (void)pthread_mutex_destroy(&self->claiming);
    g_free(self);
}

/* ---- for users ---- */

GPtrArray *
ferry_migrator_jobs(FerryMigrator *self)
{
    GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_job_unref);
    GHashTableIter iter;
    gpointer value = NULL;

    lock(self);
    g_hash_table_iter_init(&iter, self->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(jobs, ferry_job_ref(((FerryRun *)value)->job));
    unlock(self);
    g_ptr_array_sort(jobs, ferry_job_compare_newest);
    return jobs;
}

FerryJob *
ferry_migrator_job(FerryMigrator *self, const char *id)
{
    g_autoptr(FerryRun) run = ferry_run_find(self, id);

    return run == NULL ? NULL : ferry_job_ref(run->job);
}

FerryJob *
ferry_migrator_job_of_guest(FerryMigrator *self, const char *guest_uuid)
{
    g_autoptr(FerryRun) run = ferry_run_of_guest(self, guest_uuid);

    return run == NULL ? NULL : ferry_job_ref(run->job);
}

bool
ferry_migrator_wait(FerryMigrator *self, FerryJob *job, uint64_t after, int64_t timeout_ms)
{
    const FerryClock *clock = self->config.clock;
    int64_t until_ms = clock->now_ms(clock) + timeout_ms;

    for (;;) {
        uint64_t rung = ferry_bell_rung(self->shown);
        int64_t left_ms = until_ms - clock->now_ms(clock);

        if (ferry_job_change(job) > after)
            return true;
        if (left_ms <= 0 || ferry_migrator_is_stopping(self))
            return false;
        (void)ferry_bell_wait(self->shown, rung, left_ms);
    }
}
