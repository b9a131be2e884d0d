#include "op.h"

#include "base/error.h"
#include "event.h"

void
sim_note(Sim *sim, const char *format, ...)
{
    va_list values;

    if (sim->trace == NULL)
        return;
    g_string_append_printf(sim->trace, "%8" G_GINT64_FORMAT " ms %*s", sim->now_ms,
                           (int)(2 * sim->depth), "");
    va_start(values, format);
    g_string_append_vprintf(sim->trace, format, values);
    va_end(values);
    g_string_append_c(sim->trace, '\n');
}

/* splitmix64: small, and the same everywhere. */
unsigned
sim_random(Sim *sim, unsigned n)
{
    uint64_t z = sim->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (unsigned)((z ^ (z >> 31)) % n);
}

char
sim_letter(FerrySide side)
{
    return side == SOURCE ? 'S' : 'T';
}

void
sim_check(Sim *sim)
{
    if (sim->violation != NULL)
        return;
    sim->violation = sim_broken_invariant(&sim->world, &sim->outcome);
    if (sim->violation != NULL)
        sim_note(sim, "VIOLATION: %s", sim->violation);
}

static void
make_fault(Sim *sim, unsigned fault)
{
    if (fault >= sim_n_events) {
        sim->op_fault = (SimOpFault)(fault - sim_n_events + 1);
        sim->fault_happened = true;
        sim_note(sim, "* this call fails, %s",
                 sim->op_fault == OP_FAILS_BEFORE ? "not done" : "done");
    } else if (sim_event(fault)->may(&sim->world)) {
        sim->fault_happened = true;
        sim_happen(sim, fault);
    }
}

void
sim_gap(Sim *sim, FerrySide side)
{
    sim->points++;
    for (unsigned i = 0; i < G_N_ELEMENTS(sim->planned); i++) {
        if (sim->points == sim->planned[i].point)
            make_fault(sim, sim->planned[i].fault);
    }
    if (sim->gap != NULL)
        sim->gap(sim, side);
}

bool
sim_op_fail(Sim *sim, const char *what, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "%s failed in the simulation", what);
    sim_note(sim, "  %s fails", what);
    return false;
}

bool
sim_is_hindered(const Sim *sim)
{
    return sim->hindered != NULL && sim->world.record[SOURCE] != FERRY_RECORD_DONE;
}

/* Returns: whether the call @what is to fail */
static bool
hinder(Sim *sim, const char *what)
{
    const SimHindrance *hindered = sim->hindered;

    if (!sim_is_hindered(sim))
        return false;
    if (hindered->event != NULL && !sim->is_hit &&
        (hindered->at == NULL || g_str_equal(hindered->at, what))) {
        sim->is_hit = true;
        sim_happen(sim, sim_event_named(hindered->event));
    }
    return g_strcmp0(hindered->call, what) == 0;
}

/* Before the effect.  Returns: whether there is to be one. */
bool
sim_op_begin(SimEnd *end, const char *what, SimNeed need, GError **error)
{
    Sim *sim = end->sim;
    SimHost *host = &sim->world.host[end->side];

    if (!host->ferryd) { /* dead already: nothing happens any more */
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "dead");
        return false;
    }
    sim->op_fault = OP_GOOD;
    if (hinder(sim, what))
        sim->op_fault = OP_FAILS_BEFORE;
    sim_gap(sim, end->side);
    if (!host->ferryd || sim->op_fault == OP_FAILS_BEFORE ||
        (need == NEEDS_LIBVIRT && !host->libvirtd)) {
        sim->op_fault = OP_GOOD;
        return sim_op_fail(sim, what, error);
    }
    sim_note(sim, "  %c: %s", sim_letter(end->side), what);
    return true;
}

/* After the effect.  Returns: what the op reports. */
bool
sim_op_end(SimEnd *end, const char *what, GError **error)
{
    Sim *sim = end->sim;
    bool good = sim->op_fault != OP_FAILS_AFTER;

    sim->op_fault = OP_GOOD;
    sim_check(sim);
    sim_gap(sim, end->side);
    if (sim->op_fault != OP_GOOD) /* planned for an "after": the effect is there, the answer not */
        good = false;
    sim->op_fault = OP_GOOD;
    if (!sim->world.host[end->side].ferryd)
        good = false;
    return good || sim_op_fail(sim, what, error);
}
