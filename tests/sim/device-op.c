/* A host's devices, and what only T has. */
#include "op.h"

#include "base/error.h"
#include "migrate/assign.h"
#include "migrate/peer-words.h"

static bool
reserve(void *data, const FerryPlan *plan, json_t **ret_reasons, GError **error)
{
    SimEnd *end = data;

    (void)plan;
    (void)ret_reasons;
    if (!sim_op_begin(end, "claim", NEEDS_NOTHING, error))
        return false;
    end->sim->world.host[end->side].claims = CLAIMS_JOB;
    return sim_op_end(end, "claim", error);
}

static bool
prepare(void *data,
        const FerryPlan *plan,
        json_t **ret_assign,
        json_t **ret_reasons,
        GError **error)
{
    SimEnd *end = data;

    if (!sim_op_begin(end, "make devices", NEEDS_NOTHING, error) ||
        !sim_op_end(end, "make devices", error))
        return false;
    if (sim_is_hindered(end->sim) && end->sim->hindered->broken != NULL) {
        *ret_reasons = json_pack("[{s:s, s:s}]", "code", end->sim->hindered->broken, "message",
                                 "it cannot be made in the simulation");
        return true;
    }
    *ret_assign = json_array();
    for (guint i = 0; i < plan->needs->len; i++) {
        const FerryPlanNeed *need = g_ptr_array_index(plan->needs, i);
        bool hybrid = need->way == FERRY_WAY_HYBRID;

        ferry_assign_add(*ret_assign, need->alias, hybrid ? "source-dev" : "mdev-uuid",
                         hybrid ? "eth7" : SIM_GUEST_UUID);
    }
    return true;
}

static bool
unplug(void *data, const char *vf_alias, FerryUnplug *ret, char **ret_why, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    *ret_why = g_strdup("the guest");
    if (!sim_op_begin(end, "unplug a VF", NEEDS_LIBVIRT, error))
        return false;
    if ((host->kept & sim_bit_of(vf_alias)) != 0)
        *ret = FERRY_UNPLUG_REFUSED;
    else
        *ret = (host->devices & sim_bit_of(vf_alias)) == 0 ? FERRY_UNPLUG_DONE : FERRY_UNPLUG_WAIT;
    sim_ask_guest(host, sim_bit_of(vf_alias));
    return sim_op_end(end, "unplug a VF", error);
}

static bool
plug(void *data, json_t **ret_lacks, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    (void)ret_lacks; /* all are there then */
    if (!sim_op_begin(end, "plug VFs", NEEDS_LIBVIRT, error))
        return false;
    if (host->guest == GUEST_NONE || sim_is_locked(&end->sim->world, end->side))
        return sim_op_fail(end->sim, "plug VFs", error);
    host->devices |= end->sim->world.all_devices & ~((1u << end->sim->plan->n_devices) - 1);
    return sim_op_end(end, "plug VFs", error);
}

static bool
keep(void *data, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    if (!sim_op_begin(end, "keep", NEEDS_NOTHING, error))
        return false;
    if (host->claims == CLAIMS_JOB)
        host->claims = CLAIMS_GUEST;
    return sim_op_end(end, "keep", error);
}

static bool
release_job(void *data, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    if (!sim_op_begin(end, "release the job's", NEEDS_NOTHING, error))
        return false;
    if (host->claims == CLAIMS_JOB)
        host->claims = CLAIMS_NONE;
    return sim_op_end(end, "release the job's", error);
}

static bool
release_guest(void *data, GError **error)
{
    SimEnd *end = data;

    if (!sim_op_begin(end, "release the guest's", NEEDS_NOTHING, error))
        return false;
    end->sim->world.host[end->side].claims = CLAIMS_NONE;
    return sim_op_end(end, "release the guest's", error);
}

const FerryDeviceOps sim_device_ops = {
    .reserve = reserve,
    .prepare = prepare,
    .unplug = unplug,
    .plug = plug,
    .keep = keep,
    .release_job = release_job,
    .release_guest = release_guest,
};

void
sim_publish(Sim *sim)
{
    ferry_answer_clear(&sim->published);
    ferry_target_answer(sim->target, &sim->published);
    sim->world.prepared = sim->published.record == FERRY_T_PREPARED;
    if (sim->world.mutant == MUTANT_VAGUE_TOMBSTONE &&
        sim->world.record[TARGET] == FERRY_RECORD_DONE)
        sim->published.record = FERRY_T_UNKNOWN; /* says that it is over, but not how */
}

bool
sim_unreached(Sim *sim, const char *why, GError **error)
{
    sim->now_ms += 300;
    sim_note(sim, "  %s", why);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s", why);
    return false;
}

static void
close_relay(void *data)
{
    SimEnd *end = data;

    if (!sim_op_begin(end, "close the relay", NEEDS_NOTHING, NULL))
        return;
    if (end->sim->world.far_relay)
        sim_world_close_far_relay(&end->sim->world);
    (void)sim_op_end(end, "close the relay", NULL);
}

static FerryRelayState
far_relay(void *data)
{
    const SimEnd *end = data;
    const SimWorld *world = &end->sim->world;

    if (!world->far_relay)
        return FERRY_RELAY_NONE;
    return world->host[TARGET].guest == GUEST_INCOMING && world->finish == FINISH_NONE
               ? FERRY_RELAY_OPEN
               : FERRY_RELAY_HELD;
}

static bool
ask_source(void *data, FerrySaid *ret)
{
    SimEnd *end = data;
    Sim *sim = end->sim;
    FerryRecordKind record = FERRY_RECORD_NONE;

    if (!sim_op_begin(end, "ask S", NEEDS_NOTHING, NULL))
        return false;
    record = sim->world.record[SOURCE];
    if (!sim->world.link[SOURCE] || !sim->world.link[TARGET] || !sim->world.host[SOURCE].ferryd ||
        record == FERRY_RECORD_NONE)
        return sim_unreached(sim, "S is not reached", NULL);
    *ret = ferry_said_of_record(record);
    if (sim->world.resolved[SOURCE])
        *ret = FERRY_SAID_RESOLVED;
    else if (record == FERRY_RECORD_DONE)
        *ret = sim->outcome.committed[SOURCE] ? FERRY_SAID_COMMITTED : FERRY_SAID_ABORTED;
    return sim_op_end(end, "ask S", NULL);
}

static void
publish_op(void *data)
{
    SimEnd *end = data;

    if (end->sim->world.host[TARGET].ferryd)
        sim_publish(end->sim);
}

const FerryFarOps sim_far_ops = {
    .close_relay = close_relay,
    .relay = far_relay,
    .ask_source = ask_source,
    .publish = publish_op,
};
