/* What goes on by itself; what was measured of libvirt and QEMU is in docs/handover.md. */
#include "progress.h"

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

/* ---- the call's client, in S's ferryd ---- */

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

/* ---- libvirt and QEMU ---- */

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

bool
sim_may_let_go(const SimWorld *world)
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

/* clang-format off */
const SimEvent sim_progress[] = {
    { "client connects",         EVENT_PROGRESS, may_connect,       connect },
    { "source stops",            EVENT_PROGRESS, may_stop,          stop },
    { "memory is over",          EVENT_PROGRESS, may_perform,       perform },
    { "transfer fails",          EVENT_PROGRESS, may_fail,          fail },
    { "client asks finish",      EVENT_PROGRESS, may_ask_finish,    ask_finish },
    { "client cancels finish",   EVENT_PROGRESS, may_cancel_finish, cancel_finish },
    { "libvirt T takes finish",  EVENT_PROGRESS, may_finish,        finish },
    { "libvirt T ends finish",   EVENT_PROGRESS, may_end_finish,    end_finish },
    { "reply arrives",           EVENT_PROGRESS, may_take_reply,    take_reply },
    { "relay passes the end on", EVENT_PROGRESS, may_pass_eof,      pass_eof },
    { "client confirms",         EVENT_PROGRESS, may_confirm,       confirm },
    { "relay T sees the end",    EVENT_PROGRESS, may_see_end,       see_end },
    { "libvirt T auto-destroys", EVENT_PROGRESS, may_auto_destroy,  auto_destroy },
    { "guest lets a device go",  EVENT_PROGRESS, sim_may_let_go,    let_go },
};
/* clang-format on */

G_STATIC_ASSERT(G_N_ELEMENTS(sim_progress) == SIM_N_PROGRESS);
