#include "vfio/mig-state.h"

#include "vfio/uapi.h"

/* The first move from a state (row) towards another (column) when all flags are set.  With a flag
 * missing, a move that lands in a state without support is skipped: look again from there.  E is
 * "refused".  STOP_COPY to PRE_COPY is refused for good: kernels 6.2 up to the fix of mid 2026
 * (a26b499b757c) loop for ever on it with a lock held. */
#define E FERRY_MIG_STATE_ERROR
#define S FERRY_MIG_STATE_STOP
#define R FERRY_MIG_STATE_RUNNING
#define C FERRY_MIG_STATE_STOP_COPY
#define U FERRY_MIG_STATE_RESUMING
#define Q FERRY_MIG_STATE_RUNNING_P2P
#define P FERRY_MIG_STATE_PRE_COPY
#define W FERRY_MIG_STATE_PRE_COPY_P2P
/* clang-format off */
static const FerryMigState next_step[FERRY_MIG_N_STATES][FERRY_MIG_N_STATES] = {
    /* to:       E  S  R  C  U  Q  P  W */
    [E /* ERROR        */] = { E, E, E, E, E, E, E, E },
    [S /* STOP         */] = { E, S, Q, C, U, Q, Q, Q },
    [R /* RUNNING      */] = { E, Q, R, Q, Q, Q, P, Q },
    [C /* STOP_COPY    */] = { E, S, S, C, S, S, E, E },
    [U /* RESUMING     */] = { E, S, S, S, U, S, S, S },
    [Q /* RUNNING_P2P  */] = { E, S, R, S, S, Q, R, W },
    [P /* PRE_COPY     */] = { E, R, R, W, R, R, P, W },
    [W /* PRE_COPY_P2P */] = { E, Q, Q, C, Q, Q, P, W },
};

static const struct {
    const char *name;
    uint64_t needs;
    bool saving;
} states[] = {
    [E] = { "ERROR",        0,                                                        false },
    [S] = { "STOP",         FERRY_MIG_STOP_COPY,                                      false },
    [R] = { "RUNNING",      FERRY_MIG_STOP_COPY,                                      false },
    [C] = { "STOP_COPY",    FERRY_MIG_STOP_COPY,                                      true  },
    [U] = { "RESUMING",     FERRY_MIG_STOP_COPY,                                      false },
    [Q] = { "RUNNING_P2P",  FERRY_MIG_STOP_COPY | FERRY_MIG_P2P,                      false },
    [P] = { "PRE_COPY",     FERRY_MIG_STOP_COPY | FERRY_MIG_PRE_COPY,                 true  },
    [W] = { "PRE_COPY_P2P", FERRY_MIG_STOP_COPY | FERRY_MIG_P2P | FERRY_MIG_PRE_COPY, true  },
};
/* clang-format on */
G_STATIC_ASSERT(G_N_ELEMENTS(states) == FERRY_MIG_N_STATES);
#undef E
#undef S
#undef R
#undef C
#undef U
#undef Q
#undef P
#undef W

const char *
ferry_mig_state_name(unsigned state)
{
    return state < FERRY_MIG_N_STATES ? states[state].name : "?";
}

bool
ferry_mig_state_in_flags(FerryMigState state, uint64_t flags)
{
    return (flags & states[state].needs) == states[state].needs;
}

bool
ferry_mig_state_is_saving(FerryMigState state)
{
    return states[state].saving;
}

/* One move that the device has, skipping states beyond its flags.  The table has no cycle among
 * skipped states, but a bound costs nothing. */
static FerryMigState
next_supported(FerryMigState from, FerryMigState to, uint64_t flags)
{
    FerryMigState next = next_step[from][to];

    for (unsigned i = 0; i < FERRY_MIG_N_STATES && !ferry_mig_state_in_flags(next, flags); i++)
        next = next_step[next][to];
    return next;
}

FerryMigPath
ferry_mig_path(FerryMigState from, FerryMigState to, uint64_t flags)
{
    FerryMigPath path = { .move = FERRY_MIG_MOVE_OK };
    FerryMigState now = from;

    if (!ferry_mig_state_in_flags(from, flags) || !ferry_mig_state_in_flags(to, flags) ||
        from == FERRY_MIG_STATE_ERROR || to == FERRY_MIG_STATE_ERROR)
        return (FerryMigPath){ .move = FERRY_MIG_MOVE_REFUSED };
    if (from == to)
        return (FerryMigPath){ .move = FERRY_MIG_MOVE_NONE };

    while (now != to && path.n_steps < FERRY_MIG_MAX_STEPS) {
        now = next_supported(now, to, flags);
        if (now == FERRY_MIG_STATE_ERROR)
            return (FerryMigPath){ .move = FERRY_MIG_MOVE_REFUSED };
        path.steps[path.n_steps++] = now;
    }
    return path;
}

FerryMigData
ferry_mig_data(FerryMigState from, FerryMigState to)
{
    if (from == to)
        return FERRY_MIG_DATA_NONE;
    if (to == FERRY_MIG_STATE_RESUMING)
        return FERRY_MIG_DATA_WRITE;
    if (ferry_mig_state_is_saving(to) && !ferry_mig_state_is_saving(from))
        return FERRY_MIG_DATA_READ;
    return FERRY_MIG_DATA_NONE;
}
