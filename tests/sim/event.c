/* What somebody or something does to the world: what goes down, comes back, or is meddled with. */
#include "event.h"

#include <glib.h>

#include "progress.h"

/* ---- restarts ---- */

#define MAY_START(name, side, what)                                                                \
    static bool name(const SimWorld *world)                                                        \
    {                                                                                              \
        return world->host[side].on && !world->host[side].what && !world->host[side].stepping;     \
    }
MAY_START(may_start_source, SOURCE, ferryd)
MAY_START(may_start_target, TARGET, ferryd)
MAY_START(may_start_source_libvirt, SOURCE, libvirtd)
MAY_START(may_start_target_libvirt, TARGET, libvirtd)

static void
start_source(SimWorld *world)
{
    world->host[SOURCE].ferryd = true;
}

static void
start_target(SimWorld *world)
{
    world->host[TARGET].ferryd = true;
}

static void
start_source_libvirt(SimWorld *world)
{
    world->host[SOURCE].libvirtd = true;
    if (world->job == JOB_RECOVER && world->host[SOURCE].guest == GUEST_PAUSED)
        sim_world_set_guest(world, SOURCE, sim_world_back(world));
    world->job = JOB_NONE;
}

static void
start_target_libvirt(SimWorld *world)
{
    SimGuest guest = world->host[TARGET].guest;

    world->host[TARGET].libvirtd = true;
    if (guest == GUEST_INCOMING || guest == GUEST_FINISHING)
        sim_world_set_guest(world, TARGET, GUEST_NONE);
}

static bool
may_boot(const SimWorld *world)
{
    return !world->host[SOURCE].on || !world->host[TARGET].on;
}

static void
boot(SimWorld *world)
{
    world->host[SOURCE].on = world->host[TARGET].on = true;
}

static bool
may_heal(const SimWorld *world)
{
    return !world->link[SOURCE] || !world->link[TARGET];
}

static void
heal(SimWorld *world)
{
    world->link[SOURCE] = world->link[TARGET] = true;
}

/* ---- crashes ---- */

#define MAY_DIE(name, side, what)                                                                  \
    static bool name(const SimWorld *world)                                                        \
    {                                                                                              \
        return world->host[side].what;                                                             \
    }
MAY_DIE(may_kill_source, SOURCE, ferryd)
MAY_DIE(may_kill_target, TARGET, ferryd)
MAY_DIE(may_kill_source_libvirt, SOURCE, libvirtd)
MAY_DIE(may_kill_target_libvirt, TARGET, libvirtd)
MAY_DIE(may_switch_source_off, SOURCE, on)
MAY_DIE(may_switch_target_off, TARGET, on)

static void
kill_source(SimWorld *world)
{
    sim_world_ferryd_dies(world, SOURCE);
}

static void
kill_target(SimWorld *world)
{
    sim_world_ferryd_dies(world, TARGET);
}

static void
kill_source_libvirt(SimWorld *world)
{
    world->host[SOURCE].libvirtd = false;
    if (world->job == JOB_PERFORM)
        world->job = JOB_RECOVER;
    else if (world->job == JOB_PERFORMED)
        world->job = JOB_NONE;
}

static void
kill_target_libvirt(SimWorld *world)
{
    world->host[TARGET].libvirtd = false;
    sim_world_close_far_relay(world);
}

static bool
may_break_tunnel(const SimWorld *world)
{
    return world->far_relay &&
           (world->call == CALL_OPEN || world->call == CALL_HELD ||
            world->call == CALL_HELD_CANCELLED) &&
           world->ending == ENDING_NONE;
}

/* T's half has seen no finish while its domain is incoming, so it passes the end on. */
static void
break_tunnel(SimWorld *world)
{
    world->finish = FINISH_NONE;
    world->far_relay = world->host[TARGET].guest != GUEST_INCOMING;
    world->reply = REPLY_LOST;
}

static bool
may_cut_way_there(const SimWorld *world)
{
    return world->link[SOURCE];
}

static void
cut_way_there(SimWorld *world)
{
    world->link[SOURCE] = false;
}

static bool
may_cut_way_back(const SimWorld *world)
{
    return world->link[TARGET];
}

static void
cut_way_back(SimWorld *world)
{
    world->link[TARGET] = false;
}

/* DEVICE_UNPLUG_GUEST_ERROR */
static void
keep(SimWorld *world)
{
    SimHost *host = &world->host[SOURCE];
    unsigned lowest = host->asked & -host->asked;

    host->kept |= lowest;
    host->asked &= ~lowest;
}

/* ---- deaths ---- */

#define MAY_END(name, side)                                                                        \
    static bool name(const SimWorld *world)                                                        \
    {                                                                                              \
        return world->host[side].guest != GUEST_NONE;                                              \
    }
MAY_END(may_end_source, SOURCE)
MAY_END(may_end_target, TARGET)

static void
die(SimWorld *world, FerrySide side)
{
    sim_world_set_guest(world, side, GUEST_NONE);
    world->host[side].died = true;
    world->deaths++;
}

static void
end_source(SimWorld *world)
{
    die(world, SOURCE);
    if (world->job != JOB_RECOVER)
        world->job = JOB_NONE;
}

static void
end_target(SimWorld *world)
{
    die(world, TARGET);
}

static void
switch_off(SimWorld *world, FerrySide side)
{
    sim_world_ferryd_dies(world, side);
    die(world, side);
    world->host[side].on = world->host[side].libvirtd = false;
}

static void
switch_source_off(SimWorld *world)
{
    switch_off(world, SOURCE);
    world->job = JOB_NONE;
}

static void
switch_target_off(SimWorld *world)
{
    switch_off(world, TARGET);
}

/* ---- other hands: virsh start, and autostart at boot where the hook is missing ---- */

static bool
may_start(const SimWorld *world, FerrySide side)
{
    const SimHost *host = &world->host[side];

    if (host->guest != GUEST_NONE || !host->libvirtd || !host->defined)
        return false;
    return world->hook ? !host->marked : host->autostart && host->died;
}

static bool
may_virsh_start_source(const SimWorld *world)
{
    return may_start(world, SOURCE);
}

static bool
may_virsh_start_target(const SimWorld *world)
{
    return may_start(world, TARGET);
}

static void
virsh_start_source(SimWorld *world)
{
    sim_world_set_guest(world, SOURCE, GUEST_COLD);
}

static void
virsh_start_target(SimWorld *world)
{
    sim_world_set_guest(world, TARGET, GUEST_COLD);
}

/* clang-format off */
static const SimEvent others[] = {
    { "ferryd S starts",            EVENT_RESTART,  may_start_source,         start_source },
    { "ferryd T starts",            EVENT_RESTART,  may_start_target,         start_target },
    { "libvirtd S starts",          EVENT_RESTART,  may_start_source_libvirt, start_source_libvirt },
    { "libvirtd T starts",          EVENT_RESTART,  may_start_target_libvirt, start_target_libvirt },
    { "hosts boot",                 EVENT_RESTART,  may_boot,                 boot },
    { "link heals",                 EVENT_RESTART,  may_heal,                 heal },
    { "ferryd S dies",              EVENT_CRASH,    may_kill_source,          kill_source },
    { "ferryd T dies",              EVENT_CRASH,    may_kill_target,          kill_target },
    { "libvirtd S dies",            EVENT_CRASH,    may_kill_source_libvirt,  kill_source_libvirt },
    { "libvirtd T dies",            EVENT_CRASH,    may_kill_target_libvirt,  kill_target_libvirt },
    { "tunnel breaks",              EVENT_CRASH,    may_break_tunnel,         break_tunnel },
    { "guest keeps a device",       EVENT_CRASH,    sim_may_let_go,           keep },
    { "S is not heard",             EVENT_CRASH,    may_cut_way_there,        cut_way_there },
    { "T is not heard",             EVENT_CRASH,    may_cut_way_back,         cut_way_back },
    { "QEMU S dies",                EVENT_DEATH,    may_end_source,           end_source },
    { "QEMU T dies",                EVENT_DEATH,    may_end_target,           end_target },
    { "host S goes off",            EVENT_DEATH,    may_switch_source_off,    switch_source_off },
    { "host T goes off",            EVENT_DEATH,    may_switch_target_off,    switch_target_off },
    { "somebody starts it at S",    EVENT_HAND,     may_virsh_start_source,   virsh_start_source },
    { "somebody starts it at T",    EVENT_HAND,     may_virsh_start_target,   virsh_start_target },
};
/* clang-format on */

const unsigned sim_n_events = SIM_N_PROGRESS + G_N_ELEMENTS(others);

const SimEvent *
sim_event(unsigned number)
{
    g_assert(number < sim_n_events);
    return number < SIM_N_PROGRESS ? &sim_progress[number] : &others[number - SIM_N_PROGRESS];
}

unsigned
sim_event_named(const char *name)
{
    for (unsigned i = 0; i < sim_n_events; i++) {
        if (g_str_equal(sim_event(i)->name, name))
            return i;
    }
    g_assert_not_reached();
}
