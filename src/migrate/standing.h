#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pthread.h>

#include "migrate/decide.h"

/** The descriptors of a relay: its two ends, and one that wakes its thread. */
typedef enum {
    FERRY_END_NEAR, /* libvirt's */
    FERRY_END_FAR,  /* the tunnel's */
    FERRY_END_WAKE,
    FERRY_N_ENDS
} FerryRelayEnd;

/**
 * Where one half of a relay stands: what its thread finds out and what others ask of it, under one
 * lock, which is held over no callback.  Every function may be called from any thread, but for
 * _init and _clear; fields are for this file alone.
 */
typedef struct {
    pthread_mutex_t lock;
    FerryRelayState state;
    int64_t held_ms;
    bool far_broken;
    bool sealed;
    bool release_asked, released;
    bool cut;
    char *breach; /* set at most once */
    int fds[FERRY_N_ENDS];
} FerryStanding;

/** State NEW, without descriptors. */
void ferry_standing_init(FerryStanding *self);
/** Closes what is open; nobody uses it any more. */
void ferry_standing_clear(FerryStanding *self);

/**
 * From NEW to OPEN, and makes what wakes.
 *
 * @near_fd: -1: none yet; both (transfer full): also on failure
 *
 * Returns: 0 or an errno
 */
int ferry_standing_open(FerryStanding *self, int near_fd, int far_fd);
/** The near end, where there was none. @fd: (transfer full) */
void ferry_standing_set_near(FerryStanding *self, int fd);
/** NONE, and both ends closed. */
void ferry_standing_close(FerryStanding *self);

/** Returns: -1 where there is none */
int ferry_standing_fd(FerryStanding *self, FerryRelayEnd end);

/** All of it at one moment. */
typedef struct {
    FerryRelayState state;
    int64_t held_ms;    /* 0: finish was not asked yet */
    const char *breach; /* (nullable) (transfer none) */
    bool far_broken;
    bool cut;
    bool holding;     /* invariant 1 of relay.h: finish was asked and nothing is decided */
    bool may_release; /* what is held is to go now */
} FerryStandingLook;

FerryStandingLook ferry_standing_look(FerryStanding *self);

/** What the thread found; once cut, the state stays as it is. */
void ferry_standing_set_state(FerryStanding *self, FerryRelayState state);
void ferry_standing_set_far_broken(FerryStanding *self);
/** @breach: (transfer full): the first one stays */
void ferry_standing_set_breach(FerryStanding *self, char *breach);

/** Finish is asked, the first time or again.  Returns: false when the relay was sealed before */
bool ferry_standing_hold(FerryStanding *self, int64_t now_ms);
/** Returns: whether finish was not asked; from now on it is not let by */
bool ferry_standing_seal(FerryStanding *self);

/** In REPLY: what is held may go, and the thread is woken for it.  Else no effect. */
void ferry_standing_ask_release(FerryStanding *self);
/** It has gone: nothing is held any more. */
void ferry_standing_set_released(FerryStanding *self);

/** State NONE for good; both ends see the end of all, and the thread is woken. */
void ferry_standing_cut(FerryStanding *self);
