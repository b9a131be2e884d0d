#include "sim/arcs.h"

#include "vfio/uapi.h"

typedef struct {
    FerryMigState from;
    FerryMigState to;
    uint64_t needs;
    uint64_t replaced_by; /* the arc is not there when the device has this flag */
} Arc;

#define BOTH_WAYS(a, b, needs, replaced)                                                           \
    { FERRY_MIG_STATE_##a, FERRY_MIG_STATE_##b, needs, replaced },                                 \
    {                                                                                              \
        FERRY_MIG_STATE_##b, FERRY_MIG_STATE_##a, needs, replaced                                  \
    }

/* The list in <linux/vfio.h> at enum vfio_device_mig_state. */
static const Arc arcs[] = {
    BOTH_WAYS(RUNNING, STOP, 0, FERRY_MIG_P2P),
    BOTH_WAYS(STOP, STOP_COPY, 0, 0),
    BOTH_WAYS(STOP, RESUMING, 0, 0),
    BOTH_WAYS(RUNNING, RUNNING_P2P, FERRY_MIG_P2P, 0),
    BOTH_WAYS(RUNNING_P2P, STOP, FERRY_MIG_P2P, 0),
    BOTH_WAYS(RUNNING, PRE_COPY, FERRY_MIG_PRE_COPY, 0),
    BOTH_WAYS(PRE_COPY, PRE_COPY_P2P, FERRY_MIG_PRE_COPY | FERRY_MIG_P2P, 0),
    BOTH_WAYS(RUNNING_P2P, PRE_COPY_P2P, FERRY_MIG_PRE_COPY | FERRY_MIG_P2P, 0),
    { FERRY_MIG_STATE_PRE_COPY_P2P, FERRY_MIG_STATE_STOP_COPY, FERRY_MIG_PRE_COPY | FERRY_MIG_P2P,
      0 },
    { FERRY_MIG_STATE_PRE_COPY, FERRY_MIG_STATE_STOP_COPY, FERRY_MIG_PRE_COPY, FERRY_MIG_P2P },
};

bool
sim_arcs_has(FerryMigState from, FerryMigState to, uint64_t flags)
{
    for (size_t i = 0; i < G_N_ELEMENTS(arcs); i++)
        if (arcs[i].from == from && arcs[i].to == to && (flags & arcs[i].needs) == arcs[i].needs &&
            !(flags & arcs[i].replaced_by))
            return true;
    return false;
}

static bool
is_saving(FerryMigState state)
{
    return state == FERRY_MIG_STATE_PRE_COPY || state == FERRY_MIG_STATE_PRE_COPY_P2P ||
           state == FERRY_MIG_STATE_STOP_COPY;
}

/* Shortest walk whose inner points are no saving states, but for a walk inside the saving group. */
unsigned
sim_arcs_distance(FerryMigState from, FerryMigState to, uint64_t flags)
{
    unsigned distance[FERRY_MIG_N_STATES];
    bool inside = is_saving(from) && is_saving(to);

    /* A session that stopped cannot run again with its stream open. */
    if (from == FERRY_MIG_STATE_STOP_COPY && inside && to != from)
        return SIM_NO_WAY;
    for (unsigned i = 0; i < FERRY_MIG_N_STATES; i++)
        distance[i] = i == (unsigned)from ? 0 : SIM_NO_WAY;
    for (unsigned round = 0; round < FERRY_MIG_N_STATES; round++)
        for (unsigned a = 0; a < FERRY_MIG_N_STATES; a++)
            for (unsigned b = 0; b < FERRY_MIG_N_STATES; b++) {
                bool barred = a != (unsigned)from && is_saving((FerryMigState)a) && !inside;

                if (!barred && sim_arcs_has((FerryMigState)a, (FerryMigState)b, flags))
                    distance[b] = MIN(distance[b], distance[a] + 1);
            }
    return MIN(distance[to], SIM_NO_WAY);
}

FerryMigState
sim_arcs_next(FerryMigState from, FerryMigState to, uint64_t flags)
{
    unsigned left = sim_arcs_distance(from, to, flags);

    for (unsigned next = 0; next < FERRY_MIG_N_STATES; next++) {
        FerryMigState state = (FerryMigState)next;

        if (!sim_arcs_has(from, state, flags) ||
            (is_saving(state) && state != to && !(is_saving(from) && is_saving(to))))
            continue;
        if (sim_arcs_distance(state, to, flags) + 1 == left)
            return state;
    }
    g_assert_not_reached();
}
