#include "invariant.h"

#include <glib.h>

/* The facts that the invariants speak of. */
typedef struct {
    const SimWorld *world;
    const SimHost *source, *target;
    FerryRecordKind s, t; /* newest records */
    bool s_done_committed, s_done_aborted, t_done_committed, t_done_aborted;
    bool s_aborted, t_decided;
    bool degraded_s, degraded_t;
    bool resolved; /* an operator decided: what was there of one side is overruled */
} View;

static View
view_of(const SimWorld *world, const SimOutcome *outcome)
{
    FerryRecordKind s = world->record[SOURCE];
    FerryRecordKind t = world->record[TARGET];
    bool s_done = s == FERRY_RECORD_DONE;
    bool t_done = t == FERRY_RECORD_DONE;

    return (View){
        .world = world,
        .source = &world->host[SOURCE],
        .target = &world->host[TARGET],
        .s = s,
        .t = t,
        .s_done_committed = s_done && outcome->committed[SOURCE],
        .s_done_aborted = s_done && !outcome->committed[SOURCE],
        .t_done_committed = t_done && outcome->committed[TARGET],
        .t_done_aborted = t_done && !outcome->committed[TARGET],
        .s_aborted = s == FERRY_RECORD_ABORTED || (s_done && !outcome->committed[SOURCE]),
        .t_decided = t == FERRY_RECORD_COMMIT || t == FERRY_RECORD_RUNNING ||
                     t == FERRY_RECORD_LOST || (t_done && outcome->committed[TARGET]),
        .resolved = world->resolved[SOURCE] || world->resolved[TARGET],
        .degraded_s = outcome->degraded[SOURCE],
        .degraded_t = outcome->degraded[TARGET],
    };
}

static bool
two_running(const View *v)
{
    return sim_world_runs(v->world, SOURCE) && sim_world_runs(v->world, TARGET);
}

static bool
old_memory_runs(const View *v)
{
    return v->world->ran && v->source->guest == GUEST_RUN;
}

static bool
started_beside(const View *v)
{
    return v->world->ran && v->source->guest == GUEST_COLD && v->target->guest == GUEST_COMPLETE;
}

static bool
stale_copy_runs(const View *v)
{
    return v->target->guest == GUEST_RUN && v->world->stale;
}

static bool
source_copy_destroyed(const View *v)
{
    bool lost = v->target->died && (v->t == FERRY_RECORD_LOST || v->t_done_committed);

    return v->source->guest == GUEST_NONE && !v->source->died && !v->world->ran && !lost &&
           !v->resolved;
}

static bool
target_copy_destroyed(const View *v)
{
    return v->world->completed && v->target->guest == GUEST_NONE && !v->target->died &&
           !v->s_aborted && !v->resolved;
}

static bool
lost_without_death(const View *v)
{
    return v->t == FERRY_RECORD_LOST && !v->target->died;
}

static bool
misses_devices(const View *v, const SimHost *host)
{
    return host->guest != GUEST_NONE && host->devices != v->world->all_devices;
}

static bool
aborted_source_incomplete(const View *v)
{
    return v->s_done_aborted &&
           (v->source->marked || v->source->autostart != v->world->autostart ||
            !v->source->defined || v->source->claims != CLAIMS_GUEST ||
            v->world->call != CALL_NONE || (misses_devices(v, v->source) && !v->degraded_s));
}

static bool
aborted_source_paused(const View *v)
{
    return v->s_done_aborted && v->source->guest == GUEST_PAUSED && !v->world->user_paused;
}

/* A definition that libvirt would not remove is told, and its marker guards it. */
static bool
committed_source_left(const View *v)
{
    bool told = v->degraded_s && v->source->defined && v->source->marked;

    return v->s_done_committed && (v->source->guest != GUEST_NONE || v->world->call != CALL_NONE ||
                                   ((v->source->defined || v->source->marked) && !told) ||
                                   (v->source->claims != CLAIMS_NONE && !v->degraded_s));
}

static bool
aborted_target_left(const View *v)
{
    return v->t_done_aborted && (v->target->guest != GUEST_NONE || v->target->marked ||
                                 v->target->defined || v->target->claims != CLAIMS_NONE);
}

static bool
committed_target_incomplete(const View *v)
{
    return v->t_done_committed &&
           (v->target->marked || !v->target->defined || v->target->claims != CLAIMS_GUEST ||
            v->target->autostart != v->world->autostart ||
            (misses_devices(v, v->target) && !v->degraded_t));
}

static bool
sides_disagree(const View *v)
{
    return v->s == FERRY_RECORD_DONE && v->t == FERRY_RECORD_DONE &&
           v->s_done_committed != v->t_done_committed;
}

static bool
committed_without_target(const View *v)
{
    return (v->s == FERRY_RECORD_COMMITTED || v->s_done_committed) && !v->t_decided && !v->resolved;
}

static bool
aborted_and_committed(const View *v)
{
    return v->s_aborted && v->t_decided && !v->resolved;
}

static bool
committed_without_handoff(const View *v)
{
    return v->t_decided && v->s != FERRY_RECORD_HANDOFF && v->s != FERRY_RECORD_COMMITTED &&
           !v->s_done_committed && !v->resolved;
}

static const struct {
    const char *name;
    bool (*broken)(const View *view);
} invariants[] = {
    { "I1 two running guests", two_running },
    { "I1 S's old memory runs after T ran", old_memory_runs },
    { "I1 started from disk beside a handed-over guest", started_beside },
    { "I1 T runs a copy that is older than the disk", stale_copy_runs },
    { "I2 S's copy destroyed before T's outcome was known", source_copy_destroyed },
    { "I2 T's complete copy destroyed without S's word", target_copy_destroyed },
    { "I2 guest lost without a death at T", lost_without_death },
    { "I3 aborted, something missing or left at S", aborted_source_incomplete },
    { "I3 aborted, guest left paused", aborted_source_paused },
    { "I3 committed, something left at S", committed_source_left },
    { "I3 aborted, something left at T", aborted_target_left },
    { "I3 committed, T incomplete", committed_target_incomplete },
    { "I4 the two sides disagree", sides_disagree },
    { "I5 S committed without T", committed_without_target },
    { "I5 S aborted, T committed", aborted_and_committed },
    { "I5 T committed without HANDOFF", committed_without_handoff },
};

const char *
sim_broken_invariant(const SimWorld *world, const SimOutcome *outcome)
{
    View view = view_of(world, outcome);

    for (unsigned i = 0; i < G_N_ELEMENTS(invariants); i++) {
        if (invariants[i].broken(&view))
            return invariants[i].name;
    }
    return NULL;
}

bool
sim_is_clean_end(const SimWorld *world, const SimOutcome *outcome)
{
    View v = view_of(world, outcome);
    bool s_never = v.s == FERRY_RECORD_NONE;
    bool t_never = v.t == FERRY_RECORD_NONE;
    bool aborted = (s_never || v.s_done_aborted) && (t_never || v.t_done_aborted);
    bool committed = v.s_done_committed && v.t_done_committed;
    unsigned guests = (unsigned)(sim_world_runs(world, SOURCE) ||
                                 (world->user_paused && v.source->guest == GUEST_PAUSED)) +
                      (unsigned)(sim_world_runs(world, TARGET) ||
                                 (world->user_paused && v.target->guest == GUEST_COMPLETE));

    return (aborted || committed) && (guests == 1 || (guests == 0 && world->deaths > 0));
}
