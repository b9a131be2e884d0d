#include "migrate/hybrid-state.h"

/* The first wait after something failed; it doubles with each that follows. */
#define FIRST_MS 1000

/* A guest that is gone leaves its row behind; nobody asks for it any more. */
#define KEEP_MS (30 * 60 * INT64_C(1000))

static void
try_free(void *data)
{
    FerryHybridTry *try = data;

    g_free(try->why);
    g_clear_pointer(&try->slots, g_ptr_array_unref);
    g_free(try);
}

FerryHybrids *
ferry_hybrids_new(const FerryHybridsConfig *config)
{
    FerryHybrids *self = g_new0(FerryHybrids, 1);

    self->config = *config;
    (void)pthread_mutex_init(&self->lock, NULL);
    self->tries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, try_free);
    return self;
}

void
ferry_hybrids_free(FerryHybrids *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->tries);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

static int64_t
now_ms(const FerryHybrids *self)
{
    return self->config.clock->now_ms(self->config.clock);
}

static gboolean
is_old(gpointer key, gpointer value, gpointer data)
{
    const int64_t *now = data;

    (void)key;
    return *now - ((const FerryHybridTry *)value)->touched_ms > KEEP_MS;
}

/* Called with the lock held. */
static FerryHybridTry *
touch(FerryHybrids *self, const char *guest_uuid, const char *vf_alias)
{
    g_autofree char *key = g_strconcat(guest_uuid, "/", vf_alias, NULL);
    FerryHybridTry *try = g_hash_table_lookup(self->tries, key);
    int64_t now = now_ms(self);

    if (try == NULL) {
        (void)g_hash_table_foreach_remove(self->tries, is_old, &now);
        try = g_new0(FerryHybridTry, 1);
        (void)g_hash_table_insert(self->tries, g_steal_pointer(&key), try);
    }
    try->touched_ms = now;
    return try;
}

/* Called with the lock held.  Returns: (nullable) */
static const FerryHybridTry *
peek(FerryHybrids *self, const char *guest_uuid, const char *vf_alias)
{
    g_autofree char *key = g_strconcat(guest_uuid, "/", vf_alias, NULL);

    return g_hash_table_lookup(self->tries, key);
}

unsigned
ferry_hybrid_failed(FerryHybrids *self,
                    const char *guest_uuid,
                    const char *vf_alias,
                    const char *why,
                    unsigned longest_ms)
{
    int64_t wait_ms = FIRST_MS;
    FerryHybridTry *try = NULL;

    (void)pthread_mutex_lock(&self->lock);
    try = touch(self, guest_uuid, vf_alias);
    for (unsigned i = 0; i < try->n_failed && wait_ms < longest_ms; i++)
        wait_ms *= 2;
    wait_ms = MIN(wait_ms, longest_ms);
    try->n_failed++;
    try->due_ms = now_ms(self) + wait_ms;
    g_free(try->why);
    try->why = g_strdup(why);
    try->no_vf = false;
    (void)pthread_mutex_unlock(&self->lock);
    return (unsigned)wait_ms;
}

void
ferry_hybrid_set_no_vf(FerryHybrids *self, const char *guest_uuid, const char *vf_alias)
{
    (void)pthread_mutex_lock(&self->lock);
    touch(self, guest_uuid, vf_alias)->no_vf = true;
    (void)pthread_mutex_unlock(&self->lock);
}

bool
ferry_hybrid_has_no_vf(FerryHybrids *self, const char *guest_uuid, const char *vf_alias)
{
    const FerryHybridTry *try = NULL;
    bool no_vf = false;

    (void)pthread_mutex_lock(&self->lock);
    try = peek(self, guest_uuid, vf_alias);
    no_vf = try != NULL && try->no_vf;
    (void)pthread_mutex_unlock(&self->lock);
    return no_vf;
}

void
ferry_hybrid_avoid(FerryHybrids *self,
                   const char *guest_uuid,
                   const char *vf_alias,
                   const char *slot)
{
    FerryHybridTry *try = NULL;

    (void)pthread_mutex_lock(&self->lock);
    try = touch(self, guest_uuid, vf_alias);
    if (try->slots == NULL)
        try->slots = g_ptr_array_new_with_free_func(g_free);
    if (g_ptr_array_find_with_equal_func(try->slots, slot, g_str_equal, NULL))
        g_ptr_array_set_size(try->slots, 0);
    g_ptr_array_add(try->slots, g_strdup(slot));
    (void)pthread_mutex_unlock(&self->lock);
}

static gpointer
copy_slot(gconstpointer slot, gpointer data)
{
    (void)data;
    return g_strdup(slot);
}

GPtrArray *
ferry_hybrid_avoided(FerryHybrids *self, const char *guest_uuid, const char *vf_alias)
{
    const FerryHybridTry *try = NULL;
    GPtrArray *slots = NULL;

    (void)pthread_mutex_lock(&self->lock);
    try = peek(self, guest_uuid, vf_alias);
    if (try != NULL && try->slots != NULL) {
        slots = g_ptr_array_copy(try->slots, copy_slot, NULL);
        g_ptr_array_set_free_func(slots, g_free);
    }
    (void)pthread_mutex_unlock(&self->lock);
    return slots;
}

void
ferry_hybrid_forget(FerryHybrids *self, const char *guest_uuid, const char *vf_alias)
{
    g_autofree char *key = g_strconcat(guest_uuid, "/", vf_alias, NULL);

    (void)pthread_mutex_lock(&self->lock);
    (void)g_hash_table_remove(self->tries, key);
    (void)pthread_mutex_unlock(&self->lock);
}

unsigned
ferry_hybrid_due_ms(FerryHybrids *self,
                    const char *guest_uuid,
                    const char *vf_alias,
                    char **ret_why)
{
    const FerryHybridTry *try = NULL;
    int64_t left_ms = 0;

    (void)pthread_mutex_lock(&self->lock);
    try = peek(self, guest_uuid, vf_alias);
    if (try != NULL)
        left_ms = try->due_ms - now_ms(self);
    if (ret_why != NULL)
        *ret_why = try != NULL ? g_strdup(try->why) : NULL;
    (void)pthread_mutex_unlock(&self->lock);
    return (unsigned)MAX(left_ms, 0);
}

unsigned
ferry_hybrid_driven_ms(FerryHybrids *self, const char *guest_uuid, const char *vf_alias)
{
    FerryHybridTry *try = NULL;
    int64_t driven_ms = 0;

    (void)pthread_mutex_lock(&self->lock);
    try = touch(self, guest_uuid, vf_alias);
    if (try->driven_ms == 0)
        try->driven_ms = MAX(try->touched_ms, 1);
    driven_ms = try->touched_ms - try->driven_ms;
    (void)pthread_mutex_unlock(&self->lock);
    return (unsigned)CLAMP(driven_ms, 0, G_MAXINT);
}

void
ferry_hybrid_set_asked(FerryHybrids *self,
                       const char *guest_uuid,
                       const char *vf_alias,
                       uint64_t seen)
{
    FerryHybridTry *try = NULL;

    (void)pthread_mutex_lock(&self->lock);
    try = touch(self, guest_uuid, vf_alias);
    try->is_asked = true;
    try->asked_at = seen;
    (void)pthread_mutex_unlock(&self->lock);
}

bool
ferry_hybrid_is_asked(FerryHybrids *self,
                      const char *guest_uuid,
                      const char *vf_alias,
                      uint64_t *ret_seen)
{
    const FerryHybridTry *try = NULL;
    bool asked = false;

    (void)pthread_mutex_lock(&self->lock);
    try = peek(self, guest_uuid, vf_alias);
    asked = try != NULL && try->is_asked;
    if (asked)
        *ret_seen = try->asked_at;
    (void)pthread_mutex_unlock(&self->lock);
    return asked;
}
