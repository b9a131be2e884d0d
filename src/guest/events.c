#include "guest/events.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"

/* A migration has a dozen events; a host of 500 guests that all stop has 1,500. */
#define N_KEPT 4096

typedef struct {
    FerryEventKind kind;
    char *uuid;
    char *alias;
    int64_t at_ms;
} Event;

struct _FerryEvents {
    pthread_mutex_t lock;
    pthread_cond_t added;
    uint64_t seen; /* number of the newest; event n is kept[n % N_KEPT] */
    Event kept[N_KEPT];
};

FerryEvents *
ferry_events_new(void)
{
    FerryEvents *self = g_new0(FerryEvents, 1);
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&self->added, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return self;
}

void
ferry_events_free(FerryEvents *self)
{
    if (self == NULL)
        return;
    for (size_t i = 0; i < N_KEPT; i++) {
        g_free(self->kept[i].uuid);
        g_free(self->kept[i].alias);
    }
    (void)pthread_cond_destroy(&self->added);
    (void)pthread_mutex_destroy(&self->lock);
    g_free(self);
}

void
ferry_events_add(FerryEvents *self,
                 FerryEventKind kind,
                 const char *uuid,
                 const char *alias,
                 int64_t now_ms)
{
    Event *event = NULL;

    (void)pthread_mutex_lock(&self->lock);
    self->seen++;
    event = &self->kept[self->seen % N_KEPT];
    g_free(event->uuid);
    g_free(event->alias);
    *event = (Event){ kind, g_strdup(uuid), g_strdup(alias), now_ms };
    (void)pthread_cond_broadcast(&self->added);
    (void)pthread_mutex_unlock(&self->lock);
}

uint64_t
ferry_events_seen(FerryEvents *self)
{
    uint64_t seen = 0;

    (void)pthread_mutex_lock(&self->lock);
    seen = self->seen;
    (void)pthread_mutex_unlock(&self->lock);
    return seen;
}

/* Number of the oldest event after @after that is still kept. */
static uint64_t
first_kept(const FerryEvents *self, uint64_t after)
{
    const uint64_t oldest = self->seen > N_KEPT ? self->seen - N_KEPT + 1 : 1;

    return MAX(after + 1, oldest);
}

static bool
is_about(const Event *event, const char *uuid)
{
    return uuid == NULL || event->uuid == NULL || strcmp(event->uuid, uuid) == 0;
}

static bool
has_news(const FerryEvents *self, const char *uuid, uint64_t after)
{
    const uint64_t first = first_kept(self, after);

    if (first > after + 1)
        return true;
    for (uint64_t number = first; number <= self->seen; number++)
        if (is_about(&self->kept[number % N_KEPT], uuid))
            return true;
    return false;
}

bool
ferry_events_wait(FerryEvents *self, const char *uuid, uint64_t after, int64_t timeout_ms)
{
    const struct timespec deadline = ferry_clock_deadline(MAX(timeout_ms, 0));
    bool news = false;
    bool late = false;

    (void)pthread_mutex_lock(&self->lock);
    while (!(news = has_news(self, uuid, after)) && !late)
        late = pthread_cond_timedwait(&self->added, &self->lock, &deadline) != 0;
    (void)pthread_mutex_unlock(&self->lock);
    return news;
}

bool
ferry_events_has(FerryEvents *self,
                 FerryEventKind kind,
                 const char *uuid,
                 const char *alias,
                 uint64_t after)
{
    bool found = false;

    (void)pthread_mutex_lock(&self->lock);
    for (uint64_t number = first_kept(self, after); !found && number <= self->seen; number++) {
        const Event *event = &self->kept[number % N_KEPT];

        found = event->kind == kind && g_strcmp0(event->uuid, uuid) == 0 &&
                g_strcmp0(event->alias, alias) == 0;
    }
    (void)pthread_mutex_unlock(&self->lock);
    return found;
}

bool
ferry_events_has_gap(FerryEvents *self, uint64_t after)
{
    bool gap = false;

    (void)pthread_mutex_lock(&self->lock);
    gap = first_kept(self, after) > after + 1;
    for (uint64_t number = first_kept(self, after); !gap && number <= self->seen; number++)
        gap = self->kept[number % N_KEPT].kind == FERRY_EVENT_CONNECTED;
    (void)pthread_mutex_unlock(&self->lock);
    return gap;
}

int64_t
ferry_events_last_ms(FerryEvents *self, FerryEventKind kind, const char *uuid, const char *alias)
{
    int64_t at_ms = 0;

    (void)pthread_mutex_lock(&self->lock);
    for (uint64_t number = self->seen; at_ms == 0 && number >= first_kept(self, 0); number--) {
        const Event *event = &self->kept[number % N_KEPT];

        if (event->kind == kind && g_strcmp0(event->uuid, uuid) == 0 &&
            (alias == NULL || g_strcmp0(event->alias, alias) == 0))
            at_ms = event->at_ms;
    }
    (void)pthread_mutex_unlock(&self->lock);
    return at_ms;
}
