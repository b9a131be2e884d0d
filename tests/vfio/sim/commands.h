#pragma once

#include "sim/server.h"

/**
 * What the server (server.c) answers to each command of the protocol; nothing of sockets.  A
 * client's requests lie in `body`, what goes back in `reply`, each of SIM_MAX_BODY bytes.
 */

#define SIM_MAX_BODY (1024 * 1024 + 4096)
#define SIM_MAX_MAPS 16 /* of memory, at once */

typedef struct {
    uint64_t address;
    uint64_t size; /* 0: none */
} SimMap;

typedef struct {
    SimDevice *device;
    SimServerOptions options;
    size_t max_xfer;
    uint8_t *body;
    uint8_t *reply;
    SimMap maps[SIM_MAX_MAPS];
} SimCommands;

/** What becomes of a command: a payload in `reply`, or an errno. */
typedef struct {
    size_t n;
    int code;
    bool end; /* hang up */
} SimOutcome;

/** @size: of the request's payload */
SimOutcome sim_commands_run(SimCommands *self, uint16_t command, size_t size);
