#include "world.h"

SimGuest
sim_world_back(const SimWorld *world)
{
    return world->user_paused ? GUEST_PAUSED : GUEST_RUN;
}

bool
sim_world_runs(const SimWorld *world, FerrySide side)
{
    return world->host[side].guest == GUEST_RUN || world->host[side].guest == GUEST_COLD;
}

void
sim_world_set_guest(SimWorld *world, FerrySide side, SimGuest guest)
{
    SimGuest target = world->host[TARGET].guest;
    bool starts = (guest == GUEST_RUN || guest == GUEST_COLD) && !sim_world_runs(world, side);

    world->host[side].guest = guest;
    if (guest == GUEST_COLD)
        world->host[side].devices = world->all_devices;
    if (side == SOURCE && starts && (target == GUEST_FINISHING || target == GUEST_COMPLETE))
        world->stale = true;
    if (side == TARGET && guest == GUEST_NONE)
        world->stale = false;
    if (side == TARGET && guest == GUEST_RUN)
        world->ran = true;
    if (side == TARGET && guest == GUEST_COMPLETE)
        world->completed = true;
    if (side == TARGET && guest == GUEST_INCOMING)
        world->host[TARGET].devices = 0;
}

static void
source_client_gone(SimWorld *world)
{
    bool called = world->call != CALL_NONE && world->call != CALL_CONNECTING;

    if (called && world->host[SOURCE].libvirtd) {
        if (world->job == JOB_PERFORM && world->host[SOURCE].guest == GUEST_PAUSED)
            sim_world_set_guest(world, SOURCE, sim_world_back(world));
        if (world->job == JOB_PERFORM || world->job == JOB_PERFORMED)
            world->job = JOB_NONE; /* performed: left paused, somebody must decide */
    }
    world->call = CALL_NONE;
    world->ending = ENDING_NONE;
    world->sealed = world->finish_asked = false;
}

void
sim_world_close_far_relay(SimWorld *world)
{
    SimGuest guest = world->host[TARGET].guest;

    world->far_relay = false;
    world->finish = FINISH_NONE;
    if (world->reply == REPLY_UNDER_WAY || guest == GUEST_FINISHING || guest == GUEST_INCOMING)
        world->reply = REPLY_LOST;
}

void
sim_world_ferryd_dies(SimWorld *world, FerrySide side)
{
    world->host[side].ferryd = false;
    if (side == SOURCE)
        source_client_gone(world);
    else
        sim_world_close_far_relay(world);
}

void
sim_world_end_call(SimWorld *world, SimEnding ending)
{
    if (world->call == CALL_NONE || world->ending != ENDING_NONE)
        return;
    world->ending = ending;
    if (ending == ENDING_CANCELLED && world->reply == REPLY_UNDER_WAY)
        world->reply = REPLY_LOST;
}
