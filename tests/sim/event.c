/* What can happen, one row each: may() says when, happen() is the whole effect. */
#include "event.h"

#include <glib.h>

static const SimHost *
source(const SimWorld *world)
{
    return &world->host[SOURCE];
}

static const SimHost *
target(const SimWorld *world)
{
    return &world->host[TARGET];
}

static bool
is_called(const SimWorld *world, SimCall call)
{
    return world->call == call && world->ending == ENDING_NONE;
}

/* ---- progress: the call's client, in S's ferryd ---- */

static bool
may_connect(const SimWorld *world)
{
    return is_called(world, CALL_CONNECTING);
}

static void
connect(SimWorld *world)
{
    bool possible = world->link[SOURCE] && world->link[TARGET] && target(world)->ferryd &&
                    target(world)->libvirtd && world->prepared &&
                    target(world)->guest == GUEST_NONE && source(world)->libvirtd &&
                    (source(world)->guest == GUEST_RUN || source(world)->guest == GUEST_PAUSED);

    world->call = possible ? CALL_OPEN : CALL_NONE;
    if (!possible)
        return;
    world->job = JOB_PERFORM;
    world->far_relay = true;
    world->finish = FINISH_NONE;
    world->reply = REPLY_NONE;
    sim_world_set_guest(world, TARGET, GUEST_INCOMING);
}

static bool
may_ask_finish(const SimWorld *world)
{
    return is_called(world, CALL_OPEN) && world->job == JOB_PERFORMED;
}

static void
ask_finish(SimWorld *world)
{
    if (world->sealed || !world->far_relay) {
        world->ending = ENDING_CANCELLED;
        return;
    }
    world->call = CALL_HELD;
    world->finish_asked = true;
    world->finish = FINISH_ASKED;
}

static bool
may_cancel_finish(const SimWorld *world)
{
    return is_called(world, CALL_OPEN) && (world->job == JOB_NONE || world->job == JOB_RECOVER);
}

static void
cancel_finish(SimWorld *world)
{
    if (world->sealed || !world->far_relay) {
        world->ending = ENDING_CANCELLED;
        return;
    }
    world->call = CALL_HELD_CANCELLED;
    world->finish_asked = true;
    world->finish = FINISH_CANCELLED;
}

static bool
may_take_reply(const SimWorld *world)
{
    return is_called(world, CALL_HELD) && world->reply == REPLY_UNDER_WAY && world->far_relay;
}

static void
take_reply(SimWorld *world)
{
    world->call = CALL_REPLY;
    world->reply = REPLY_NONE;
}

/* A mutant's: the relay tells the client of an end that it has to hide. */
static bool
may_pass_eof(const SimWorld *world)
{
    return world->mutant == MUTANT_PASS_EOF && is_called(world, CALL_HELD) &&
           (!world->far_relay || world->reply == REPLY_LOST);
}

static void
pass_eof(SimWorld *world)
{
    world->ending = ENDING_CANCELLED;
}

static bool
may_confirm(const SimWorld *world)
{
    return world->ending != ENDING_NONE;
}

/* Without libvirtd or its job it does nothing, though the call may say "ok". */
static void
confirm(SimWorld *world)
{
    bool has_job = world->job == JOB_PERFORM || world->job == JOB_PERFORMED;

    if (source(world)->libvirtd && has_job) {
        world->job = JOB_NONE;
        if (world->ending == ENDING_OK)
            sim_world_set_guest(world, SOURCE, GUEST_NONE);
        else if (source(world)->guest == GUEST_PAUSED)
            sim_world_set_guest(world, SOURCE, sim_world_back(world));
    }
    world->call = CALL_NONE;
    world->ending = ENDING_NONE;
}

/* ---- progress: libvirt and QEMU ---- */

static bool
may_stop(const SimWorld *world)
{
    return world->job == JOB_PERFORM && source(world)->libvirtd &&
           source(world)->guest == GUEST_RUN && target(world)->guest == GUEST_INCOMING;
}

static void
stop(SimWorld *world)
{
    sim_world_set_guest(world, SOURCE, GUEST_PAUSED);
}

static bool
may_perform(const SimWorld *world)
{
    return world->job == JOB_PERFORM && source(world)->libvirtd &&
           source(world)->guest == GUEST_PAUSED && target(world)->guest == GUEST_INCOMING;
}

static void
perform(SimWorld *world)
{
    world->job = JOB_PERFORMED;
}

static bool
may_fail(const SimWorld *world)
{
    return world->job == JOB_PERFORM && source(world)->libvirtd &&
           (target(world)->guest != GUEST_INCOMING || source(world)->guest == GUEST_NONE);
}

static void
fail(SimWorld *world)
{
    world->job = JOB_NONE;
    if (source(world)->guest == GUEST_PAUSED)
        sim_world_set_guest(world, SOURCE, sim_world_back(world));
}

static bool
may_finish(const SimWorld *world)
{
    return target(world)->libvirtd && world->far_relay && world->finish != FINISH_NONE;
}

static void
finish(SimWorld *world)
{
    if (target(world)->guest == GUEST_INCOMING)
        sim_world_set_guest(world, TARGET,
                            world->finish == FINISH_ASKED ? GUEST_FINISHING : GUEST_NONE);
    world->finish = FINISH_NONE;
}

static bool
may_end_finish(const SimWorld *world)
{
    return target(world)->libvirtd && target(world)->guest == GUEST_FINISHING;
}

static void
end_finish(SimWorld *world)
{
    sim_world_set_guest(world, TARGET, GUEST_COMPLETE);
    if (world->reply == REPLY_NONE)
        world->reply = REPLY_UNDER_WAY;
}

static bool
may_see_end(const SimWorld *world)
{
    return world->far_relay && world->call == CALL_NONE && target(world)->guest == GUEST_INCOMING &&
           world->finish == FINISH_NONE;
}

static void
see_end(SimWorld *world)
{
    world->far_relay = false;
}

static bool
may_auto_destroy(const SimWorld *world)
{
    return target(world)->libvirtd && !world->far_relay &&
           (target(world)->guest == GUEST_INCOMING || target(world)->guest == GUEST_FINISHING);
}

static void
auto_destroy(SimWorld *world)
{
    sim_world_set_guest(world, TARGET, GUEST_NONE);
}

static bool
may_let_go(const SimWorld *world)
{
    return world->releasing && source(world)->asked != 0 && source(world)->guest != GUEST_NONE;
}

static void
let_go(SimWorld *world)
{
    SimHost *host = &world->host[SOURCE];
    unsigned lowest = host->asked & -host->asked;

    host->devices &= ~lowest;
    host->asked &= ~lowest;
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
    if (world->job == JOB_RECOVER && source(world)->guest == GUEST_PAUSED)
        sim_world_set_guest(world, SOURCE, sim_world_back(world));
    world->job = JOB_NONE;
}

static void
start_target_libvirt(SimWorld *world)
{
    SimGuest guest = target(world)->guest;

    world->host[TARGET].libvirtd = true;
    if (guest == GUEST_INCOMING || guest == GUEST_FINISHING)
        sim_world_set_guest(world, TARGET, GUEST_NONE);
}

static bool
may_boot(const SimWorld *world)
{
    return !source(world)->on || !target(world)->on;
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
    world->far_relay = target(world)->guest != GUEST_INCOMING;
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
const SimEvent sim_events[] = {
    { "client connects",            EVENT_PROGRESS, may_connect,              connect },
    { "source stops",               EVENT_PROGRESS, may_stop,                 stop },
    { "memory is over",             EVENT_PROGRESS, may_perform,              perform },
    { "transfer fails",             EVENT_PROGRESS, may_fail,                 fail },
    { "client asks finish",         EVENT_PROGRESS, may_ask_finish,           ask_finish },
    { "client cancels finish",      EVENT_PROGRESS, may_cancel_finish,        cancel_finish },
    { "libvirt T takes finish",     EVENT_PROGRESS, may_finish,               finish },
    { "libvirt T ends finish",      EVENT_PROGRESS, may_end_finish,           end_finish },
    { "reply arrives",              EVENT_PROGRESS, may_take_reply,           take_reply },
    { "relay passes the end on",    EVENT_PROGRESS, may_pass_eof,             pass_eof },
    { "client confirms",            EVENT_PROGRESS, may_confirm,              confirm },
    { "relay T sees the end",       EVENT_PROGRESS, may_see_end,              see_end },
    { "libvirt T auto-destroys",    EVENT_PROGRESS, may_auto_destroy,         auto_destroy },
    { "guest lets a device go",     EVENT_PROGRESS, may_let_go,               let_go },
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
    { "guest keeps a device",       EVENT_CRASH,    may_let_go,               keep },
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

const unsigned sim_n_events = G_N_ELEMENTS(sim_events);

unsigned
sim_event_named(const char *name)
{
    for (unsigned i = 0; i < sim_n_events; i++) {
        if (g_str_equal(sim_events[i].name, name))
            return i;
    }
    g_assert_not_reached();
}
