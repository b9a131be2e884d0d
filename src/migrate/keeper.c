#include "migrate/keeper.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "migrate/managed.h"

/* When nothing happens: an event may be lost, and a look costs little. */
#define IDLE_MS 30000
/* After something that failed. */
#define RETRY_MS 2000
/* While another is at a guest: that a job or a start is over is no event. */
#define LATER_MS 500
/* For one device: the others are not to wait for one that hangs. */
#define RELEASE_MS 1000
/* How long the end of the thread, and a change of the devices, may go unseen. */
#define SLICE_MS 500

/* A running guest's XML, read once for each event about it. */
typedef struct {
    uint64_t seen;       /* number of the newest event before it was read */
    uint64_t look;       /* number of the last look that met the guest */
    FerryDomain *domain; /* NULL: it has no hybrid NIC */
} Known;

struct _FerryKeeper {
    FerryLife life;
    pthread_t thread;
    bool is_started;
    atomic_bool stopping;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_over; /* the thread, under the lock */
    uint64_t look;
    GHashTable *known;      /* guest's UUID: Known */
    GHashTable *complaints; /* guest's UUID: what was logged last */
};

static void
known_free(gpointer data)
{
    Known *known = data;

    ferry_domain_free(known->domain);
    g_free(known);
}

FerryKeeper *
ferry_keeper_new(const FerryLife *life)
{
    FerryKeeper *self = g_new0(FerryKeeper, 1);

    pthread_condattr_t monotonic;

    self->life = *life;
    (void)pthread_mutex_init(&self->lock, NULL); /* none of these can fail on Linux */
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->ended, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    self->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, known_free);
    self->complaints = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return self;
}

/* A device that hangs is looked at every two seconds, and logged once. */
static void
complain(FerryKeeper *self, const char *guest_uuid, const GError *error)
{
    if (g_strcmp0(g_hash_table_lookup(self->complaints, guest_uuid), error->message) == 0)
        return;
    g_hash_table_insert(self->complaints, g_strdup(guest_uuid), g_strdup(error->message));
    if (!g_error_matches(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND))
        g_warning("guest %s: %s; trying again", guest_uuid, error->message);
}

static bool
is_others(const FerryKeeper *self, const char *guest_uuid)
{
    const FerryLife *life = &self->life;
    g_autofree char *job = life->guests->job_of(life->guests_data, guest_uuid);

    return job != NULL || ferry_guest_turns_is_starting(life->turns, guest_uuid);
}

/* Returns: ms until the next look at this guest */
static unsigned
tidy(FerryKeeper *self, const char *guest_uuid)
{
    g_autoptr(GError) error = NULL;
    FerryTidy state = FERRY_TIDY_LATER;

    if (is_others(self, guest_uuid))
        return LATER_MS;
    if (!ferry_managed_tidy(&self->life, guest_uuid, RELEASE_MS, &state, &error)) {
        complain(self, guest_uuid, error);
        return RETRY_MS;
    }
    g_hash_table_remove(self->complaints, guest_uuid);
    return state == FERRY_TIDY_LATER ? LATER_MS : IDLE_MS;
}

/* Returns: (transfer container): a set of the guests' UUIDs that have claims; NULL for an error */
static GHashTable *
list_holders(FerryKeeper *self, GError **error)
{
    const FerryLife *life = &self->life;
    g_autoptr(GPtrArray) claims = NULL;
    GHashTable *holders = NULL;

    if (!life->claims->list(life->claims_data, NULL, &claims, error))
        return NULL;
    holders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(claims, i);

        if (claim->guest_uuid[0] != '\0') /* else a person's own */
            g_hash_table_add(holders, g_strdup(claim->guest_uuid));
    }
    return holders;
}

static unsigned
look_at_claims(FerryKeeper *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GHashTable) holders = list_holders(self, &error);
    unsigned again_ms = IDLE_MS;
    GHashTableIter iter;
    gpointer uuid = NULL;

    if (holders == NULL) {
        complain(self, "", error);
        return RETRY_MS;
    }
    g_hash_table_iter_init(&iter, holders);
    while (g_hash_table_iter_next(&iter, &uuid, NULL) && !self->stopping) {
        const unsigned guest_ms = tidy(self, uuid);

        again_ms = MIN(again_ms, guest_ms);
    }
    return again_ms;
}

/* Returns: (nullable) (transfer full): the guest as it runs, if it has hybrid NICs */
static FerryDomain *
read_hybrid(const FerryLife *life, const char *guest_uuid)
{
    g_autoptr(FerryDomain) domain = NULL;
    g_autofree char *xml = NULL;

    /* One that has ended since is an event; one that cannot be read is none of ours. */
    if (!life->guests->xml(life->guests_data, guest_uuid, FERRY_GUESTS_XML_LIVE, &xml, NULL) ||
        !ferry_domain_parse(xml, &domain, NULL) || domain->metadata->hybrids->len == 0)
        return NULL;
    return g_steal_pointer(&domain);
}

static Known *
know(FerryKeeper *self, const char *guest_uuid)
{
    const FerryLife *life = &self->life;
    const uint64_t seen = life->guests->seen(life->guests_data);
    Known *known = g_hash_table_lookup(self->known, guest_uuid);

    if (known == NULL || life->guests->wait(life->guests_data, guest_uuid, known->seen, 0)) {
        known = g_new0(Known, 1);
        known->domain = read_hybrid(life, guest_uuid);
        g_hash_table_insert(self->known, g_strdup(guest_uuid), known);
    }
    known->seen = seen;
    known->look = self->look;
    return known;
}

static unsigned
look_at_hybrid(FerryKeeper *self, const char *guest_uuid, const FerryDomain *domain)
{
    const FerryLife *life = &self->life;
    g_autoptr(GError) error = NULL;
    unsigned again_ms = 0;

    if (life->hybrids->look(life->hybrids_data, guest_uuid, domain, &again_ms, &error))
        return again_ms > 0 ? again_ms : IDLE_MS;
    complain(self, guest_uuid, error);
    return RETRY_MS;
}

static gboolean
is_forgotten(gpointer key, gpointer value, gpointer data)
{
    const FerryKeeper *self = data;

    (void)key;
    return ((const Known *)value)->look != self->look;
}

static unsigned
look_at_hybrids(FerryKeeper *self)
{
    const FerryLife *life = &self->life;
    g_autoptr(GPtrArray) guests = NULL;
    unsigned again_ms = IDLE_MS;

    self->look++;
    if (life->hybrids == NULL)
        return IDLE_MS;
    if (!life->guests->list(life->guests_data, &guests, NULL))
        return RETRY_MS; /* libvirt is away, as others have said */
    for (guint i = 0; i < guests->len && !self->stopping; i++) {
        const FerryGuest *guest = g_ptr_array_index(guests, i);
        const FerryDomainLook look = { .present = true, .state = guest->state };
        /* libvirt answers for an incoming guest's XML when its job ends: not asked then */
        const bool is_up = ferry_life_is_up(&look);
        const bool mine = is_up && !is_others(self, guest->uuid);
        const Known *known = mine ? know(self, guest->uuid) : NULL;
        unsigned guest_ms = is_up && !mine ? LATER_MS : IDLE_MS;

        if (known != NULL && known->domain != NULL)
            guest_ms = look_at_hybrid(self, guest->uuid, known->domain);
        again_ms = MIN(again_ms, guest_ms);
    }
    (void)g_hash_table_foreach_remove(self->known, is_forgotten, self);
    return again_ms;
}

unsigned
ferry_keeper_look(FerryKeeper *self)
{
    const unsigned claims_ms = look_at_claims(self);
    const unsigned hybrids_ms = look_at_hybrids(self);

    return MIN(claims_ms, hybrids_ms);
}

static void *
keep(void *data)
{
    FerryKeeper *self = data;
    const FerryLife *life = &self->life;

    while (!self->stopping) {
        const uint64_t seen = life->guests->seen(life->guests_data);
        const uint64_t devices = life->guests->devices(life->guests_data);
        const int64_t next_ms = (int64_t)ferry_keeper_look(self) + life->clock->now_ms(life->clock);
        bool is_due = false;

        while (!is_due && !self->stopping) {
            const int64_t left_ms = next_ms - life->clock->now_ms(life->clock);

            is_due = left_ms <= 0 || life->guests->devices(life->guests_data) != devices ||
                     life->guests->wait(life->guests_data, NULL, seen, MIN(left_ms, SLICE_MS));
        }
    }
    (void)pthread_mutex_lock(&self->lock);
    self->is_over = true;
    (void)pthread_cond_broadcast(&self->ended);
    (void)pthread_mutex_unlock(&self->lock);
    return NULL;
}

bool
ferry_keeper_start(FerryKeeper *self, GError **error)
{
    self->is_started = pthread_create(&self->thread, NULL, keep, self) == 0;
    if (!self->is_started)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_EXHAUSTED,
                    "cannot start the thread that looks after guests' devices");
    return self->is_started;
}

bool
ferry_keeper_stop(FerryKeeper *self, int64_t timeout_ms)
{
    const struct timespec until = ferry_clock_deadline(timeout_ms);
    bool is_over = !self->is_started;
    int wrong = 0;

    self->stopping = true;
    (void)pthread_mutex_lock(&self->lock);
    while (!self->is_over && self->is_started && wrong == 0)
        wrong = pthread_cond_timedwait(&self->ended, &self->lock, &until);
    is_over = is_over || self->is_over;
    (void)pthread_mutex_unlock(&self->lock);
    return is_over;
}

void
ferry_keeper_free(FerryKeeper *self)
{
    if (self == NULL)
        return;
    self->stopping = true;
    if (self->is_started)
        (void)pthread_join(self->thread, NULL);
    g_hash_table_unref(self->known);
    g_hash_table_unref(self->complaints);
    (void)pthread_cond_destroy(&self->ended);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}
