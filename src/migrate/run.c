/*
 * The table of runs.  The table holds each run until the journal forgets its job, and whoever
 * looked one up holds it as well, so that none goes while it is looked at.
 */
#include "migrate/run.h"

#include "base/error.h"

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

/* A guest that goes to a file, or comes from one, has no other host. */
static const char *
peer_of(const FerryJobIdentity *who)
{
    if (who->kind != FERRY_JOB_MIGRATE)
        return "";
    return who->side == FERRY_SIDE_SOURCE ? who->target : who->source;
}

static FerryRun *
ref(FerryRun *self)
{
    if (self != NULL)
        g_atomic_ref_count_inc(&self->refs);
    return self;
}

FerryRun *
ferry_run_new(FerryMigrator *migrator, const FerryJobIdentity *identity)
{
    const FerryMigratorConfig *config = &migrator->config;
    FerryRun *self = g_new0(FerryRun, 1);
    const FerryJobIdentity *who = NULL;

    g_atomic_ref_count_init(&self->refs);
    self->migrator = migrator;
    self->job = ferry_job_new(identity, config->clock, ferry_bell_ring, migrator->shown);
    who = ferry_job_identity(self->job);
    self->hand = (FerryHand){ .guests = config->guests,
                              .store = config->store,
                              .clock = config->clock,
                              .marker_dir = config->marker_dir,
                              .root = config->root,
                              .reserve = ferry_run_reserve(migrator),
                              .hybrids = config->hybrids,
                              .row = { .id = (char *)who->id,
                                       .side = who->side,
                                       .guest_uuid = (char *)who->guest_uuid,
                                       .guest_name = (char *)who->guest_name,
                                       .peer = (char *)peer_of(who) } };
    self->answer = (FerryAnswer){ .record = FERRY_T_NONE, .domain = FERRY_TD_UNKNOWN };
    (void)pthread_mutex_init(&self->lock, NULL);
    lock(migrator);
    g_hash_table_insert(migrator->runs, g_strdup(who->id), ref(self));
    unlock(migrator);
    return self;
}

void
ferry_run_unref(FerryRun *self)
{
    if (self == NULL || !g_atomic_ref_count_dec(&self->refs))
        return;
    if (self->started)
        (void)pthread_join(self->thread, NULL);
    ferry_source_free(self->source);
    ferry_link_free(self->link);
    ferry_target_free(self->target);
    ferry_save_free(self->save);
    ferry_guest_restore_free(self->restore);
    ferry_relay_free(self->relay);
    ferry_answer_clear(&self->answer);
    ferry_job_unref(self->job);
    g_free(self->key);
    g_free(self->digest);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

bool
ferry_run_is_over(FerryRun *run)
{
    bool over = false;

    (void)pthread_mutex_lock(&run->lock);
    over = run->over;
    (void)pthread_mutex_unlock(&run->lock);
    return over;
}

FerryRun *
ferry_run_find(FerryMigrator *migrator, const char *job_id)
{
    FerryRun *run = NULL;

    lock(migrator);
    run = ref(g_hash_table_lookup(migrator->runs, job_id));
    unlock(migrator);
    return run;
}

/* The first run that is so; whatever @is reads stays while the table's lock is held. */
static FerryRun *
first_run(FerryMigrator *migrator, bool (*is)(FerryRun *run, const char *text), const char *text)
{
    GHashTableIter iter;
    gpointer value = NULL;
    FerryRun *found = NULL;

    lock(migrator);
    g_hash_table_iter_init(&iter, migrator->runs);
    while (found == NULL && g_hash_table_iter_next(&iter, NULL, &value))
        if (is(value, text))
            found = ref(value);
    unlock(migrator);
    return found;
}

static bool
holds_guest(FerryRun *run, const char *guest_uuid)
{
    return g_strcmp0(ferry_job_identity(run->job)->guest_uuid, guest_uuid) == 0 &&
           !ferry_run_is_over(run);
}

FerryRun *
ferry_run_of_guest(FerryMigrator *migrator, const char *guest_uuid)
{
    return guest_uuid[0] == '\0' /* a tombstone's */ ? NULL
                                                     : first_run(migrator, holds_guest, guest_uuid);
}

static bool
has_key(FerryRun *run, const char *key)
{
    return g_strcmp0(run->key, key) == 0;
}

FerryRun *
ferry_run_of_key(FerryMigrator *migrator, const char *key)
{
    return first_run(migrator, has_key, key);
}

bool
ferry_run_check_free(FerryMigrator *migrator, const char *guest_uuid, GError **error)
{
    g_autoptr(FerryRun) run = ferry_run_of_guest(migrator, guest_uuid);
    const FerryJobIdentity *who = NULL;

    if (run == NULL)
        return true;
    who = ferry_job_identity(run->job);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                "guest %s is already in job %s: see \"ferry job show %s\"", who->guest_name,
                who->id, who->id);
    return false;
}

void
ferry_run_keep_key(FerryRun *run, const char *key, const char *digest)
{
    lock(run->migrator);
    run->key = g_strdup(key);
    run->digest = g_strdup(digest);
    unlock(run->migrator);
}

/* A peer that hears nothing asks again, while the first request is still being looked at. */
static bool
check_new(FerryMigrator *migrator, const char *job_id, GError **error)
{
    g_autoptr(FerryRun) run = ferry_run_find(migrator, job_id);

    if (run != NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY, "job %s has begun already", job_id);
    return run == NULL;
}

/* The look and the insertion are one step, or two callers would both find the guest free. */
FerryRun *
ferry_run_claim(FerryMigrator *migrator,
                const FerryJobIdentity *identity,
                const FerryPlan *plan,
                GError **error)
{
    FerryRun *run = NULL;

    (void)pthread_mutex_lock(&migrator->claiming);
    if (check_new(migrator, identity->id, error) &&
        ferry_run_check_free(migrator, identity->guest_uuid, error))
        run = ferry_run_new(migrator, identity);
    if (run != NULL && plan != NULL)
        ferry_run_keep_key(run, plan->request_key, plan->request_digest);
    (void)pthread_mutex_unlock(&migrator->claiming);
    return run;
}

static bool
is_migration(const FerryRun *run, FerrySide side)
{
    const FerryJobIdentity *who = ferry_job_identity(run->job);

    return who->kind == FERRY_JOB_MIGRATE && who->side == side;
}

unsigned
ferry_run_count(FerryMigrator *migrator, FerrySide side)
{
    GHashTableIter iter;
    gpointer value = NULL;
    unsigned count = 0;

    lock(migrator);
    g_hash_table_iter_init(&iter, migrator->runs);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        count += is_migration(value, side) && !ferry_run_is_over(value);
    unlock(migrator);
    return count;
}
