#pragma once

#include "world.h"

typedef enum {
    EVENT_PROGRESS, /* libvirt, QEMU, the guest: what goes on by itself */
    EVENT_RESTART,  /* what was down comes back */
    EVENT_CRASH,    /* daemons and links, a guest that refuses: no limit */
    EVENT_DEATH,    /* a QEMU or a host: the guest's memory may be gone */
    EVENT_HAND,     /* somebody else, or a booting host, starts the guest */
    N_EVENT_KINDS
} SimEventKind;

/** One thing that can happen: may() says when, happen() is the whole effect. */
typedef struct {
    const char *name;
    SimEventKind kind;
    bool (*may)(const SimWorld *world);
    void (*happen)(SimWorld *world);
} SimEvent;

extern const unsigned sim_n_events;

/** @number: from 0 to sim_n_events - 1 */
const SimEvent *sim_event(unsigned number);

/** Its number; @name must be one of them. */
unsigned sim_event_named(const char *name);
