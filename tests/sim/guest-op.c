/* The journal of a side, and the guest on its host. */
#include "op.h"

#include <string.h>

static void
record_of_end(Sim *sim, FerrySide side, FerryRecordKind kind, const json_t *body)
{
    const char *outcome = json_string_value(json_object_get(body, "outcome"));

    if (kind == FERRY_RECORD_RESOLVED) { /* the tables go on with the record before it */
        sim->world.resolved[side] = true;
        return;
    }
    sim->world.record[side] = kind;
    if (side == TARGET && kind == FERRY_RECORD_RUNNING && sim->world.user_paused)
        sim->world.ran = true;
    if (kind != FERRY_RECORD_DONE)
        return;
    sim->outcome.committed[side] =
        g_strcmp0(outcome, "migrated") == 0 || g_strcmp0(outcome, "lost") == 0;
    sim->outcome.degraded[side] =
        json_array_size(json_object_get(json_object_get(body, "report"), "degraded")) > 0;
}

static bool
append(void *data, FerryRecordKind kind, json_t *body, GError **error)
{
    SimEnd *end = data;
    Sim *sim = end->sim;
    g_autofree char *what = g_strconcat("record ", ferry_record_kind_name(kind), NULL);
    FerryRecord *record = NULL;

    if (!sim_op_begin(end, what, NEEDS_NOTHING, error))
        return false;
    record = g_new0(FerryRecord, 1);
    record->kind = kind;
    record->seq = sim->journal[end->side]->len + 1;
    record->data = json_dumps(body, JSON_COMPACT);
    g_ptr_array_add(sim->journal[end->side], record);
    record_of_end(sim, end->side, kind, body);
    if (kind == FERRY_RECORD_RESERVED && sim->abort_answered && sim->violation == NULL)
        sim->violation = "T2 reserved after an abort was answered";
    return sim_op_end(end, what, error);
}

const FerryJournalOps sim_journal_ops = { .append = append };

/* While libvirt's call runs, its job lock turns changes away. */
bool
sim_is_locked(const SimWorld *world, FerrySide side)
{
    if (side == SOURCE)
        return world->job == JOB_PERFORM || world->job == JOB_PERFORMED;
    return world->host[TARGET].guest == GUEST_INCOMING ||
           world->host[TARGET].guest == GUEST_FINISHING;
}

unsigned
sim_bit_of(const char *alias)
{
    return 1u << (alias[strlen("ua-dev")] - '0');
}

void
sim_ask_guest(SimHost *host, unsigned device)
{
    host->asked |= host->devices & device;
    host->kept &= ~device;
}

/* What stays plugged, in a domain that lacks its end. */
GString *
sim_begin_domain(const SimPlan *plan)
{
    GString *text = g_string_new("<domain type='kvm'><name>web</name><uuid>" SIM_GUEST_UUID
                                 "</uuid><memory>1024</memory><devices><disk type='file'>"
                                 "<source file='/srv/web'/><target dev='vda'/></disk>");

    for (unsigned i = 0; i < plan->n_hybrids; i++)
        g_string_append_printf(text,
                               "<interface type='direct'><source dev='eth0'/><alias "
                               "name='ua-net%u'/></interface>",
                               plan->n_devices + i);
    if (plan->n_hybrids > 0)
        g_string_append(text,
                        "<hostdev mode='subsystem' type='mdev'><source><address uuid='" SIM_JOB_ID
                        "'/></source><alias name='ua-gpu0'/></hostdev>");
    return text;
}

static bool
look(void *data, FerryDomainLook *ret, GError **error)
{
    SimEnd *end = data;
    const SimWorld *world = &end->sim->world;
    const SimHost *host = &world->host[end->side];
    /* Section 5: libvirt's state and reason, and whether it has job info. */
    static const struct {
        int state, reason;
        bool has_job_info;
    } looks[] = {
        [GUEST_NONE] = { 5, 0, true },       [GUEST_INCOMING] = { 3, 2, false },
        [GUEST_FINISHING] = { 3, 1, false }, [GUEST_COMPLETE] = { 3, 1, true },
        [GUEST_PAUSED] = { 3, 2, true },     [GUEST_RUN] = { 1, 5, true },
        [GUEST_COLD] = { 1, 1, true },
    };

    if (!sim_op_begin(end, "look", NEEDS_LIBVIRT, error))
        return false;
    *ret = (FerryDomainLook){ .present = host->guest != GUEST_NONE || host->defined,
                              .state = looks[host->guest].state,
                              .reason = looks[host->guest].reason,
                              .has_job_info = looks[host->guest].has_job_info,
                              .persistent = host->defined };
    if (host->guest == GUEST_PAUSED && world->user_paused)
        ret->reason = 1;
    if (host->guest == GUEST_FINISHING && world->mutant == MUTANT_LOADED_BY_EVENT)
        ret->has_job_info = true;
    return sim_op_end(end, "look", error);
}

static bool
xml(void *data, FerryGuestsXml which, char **ret, GError **error)
{
    SimEnd *end = data;
    const SimWorld *world = &end->sim->world;
    const SimHost *host = &world->host[end->side];
    bool lies = world->mutant == MUTANT_FORGET_REPLUG && end->side == SOURCE &&
                world->record[SOURCE] == FERRY_RECORD_ABORTED;
    g_autoptr(GString) text = NULL;

    (void)which; /* the drivers take devices from the live one only */
    if (!sim_op_begin(end, "xml", NEEDS_LIBVIRT, error))
        return false;
    if (host->guest == GUEST_NONE)
        return sim_op_fail(end->sim, "xml of no guest", error);
    text = sim_begin_domain(end->sim->plan);
    for (unsigned i = 0; i < 8; i++) {
        if ((lies ? world->all_devices : host->devices) & 1u << i)
            g_string_append_printf(text,
                                   "<hostdev mode='subsystem' type='pci'><alias "
                                   "name='ua-dev%u'/></hostdev>",
                                   i);
    }
    g_string_append(text, "</devices></domain>");
    if (!sim_op_end(end, "xml", error))
        return false;
    *ret = g_string_free(g_steal_pointer(&text), FALSE);
    return true;
}

static bool
resume(void *data, GError **error)
{
    SimEnd *end = data;
    SimWorld *world = &end->sim->world;
    SimGuest guest = GUEST_NONE;

    if (!sim_op_begin(end, "resume", NEEDS_LIBVIRT, error))
        return false;
    guest = world->host[end->side].guest;
    if (guest == GUEST_NONE || sim_is_locked(world, end->side))
        return sim_op_fail(end->sim, "resume", error);
    if (guest == GUEST_PAUSED || guest == GUEST_COMPLETE)
        sim_world_set_guest(world, end->side, GUEST_RUN);
    return sim_op_end(end, "resume", error);
}

static bool
destroy(void *data, GError **error)
{
    SimEnd *end = data;
    SimWorld *world = &end->sim->world;

    if (!sim_op_begin(end, "destroy", NEEDS_LIBVIRT, error))
        return false;
    sim_world_set_guest(world, end->side, GUEST_NONE);
    if (end->side == SOURCE)
        world->job = JOB_NONE;
    return sim_op_end(end, "destroy", error);
}

static bool
define(void *data, const char *text, GError **error)
{
    SimEnd *end = data;

    (void)text;
    if (!sim_op_begin(end, "define", NEEDS_LIBVIRT, error))
        return false;
    end->sim->world.host[end->side].defined = true;
    return sim_op_end(end, "define", error);
}

/* Two mutants: the marker goes while the definition is still there. */
static bool
unmarks_first(const SimEnd *end)
{
    SimMutant mutant = end->sim->world.mutant;

    return mutant == (end->side == SOURCE ? MUTANT_UNMARK_BEFORE_UNDEFINE : MUTANT_UNMARK_FIRST_T);
}

/* As libvirt does, with the hook in front of it. */
static bool
start(void *data, GError **error)
{
    SimEnd *end = data;
    SimWorld *world = &end->sim->world;
    SimHost *host = &world->host[end->side];

    if (!sim_op_begin(end, "start from disk", NEEDS_LIBVIRT, error))
        return false;
    if (!host->defined || (world->hook && host->marked))
        return sim_op_fail(end->sim, "start from disk", error);
    if (host->guest == GUEST_NONE)
        sim_world_set_guest(world, end->side, GUEST_COLD);
    return sim_op_end(end, "start from disk", error);
}

static bool
undefine(void *data, GError **error)
{
    SimEnd *end = data;

    if (!sim_op_begin(end, "undefine", NEEDS_LIBVIRT, error))
        return false;
    if (unmarks_first(end)) {
        end->sim->world.host[end->side].marked = false;
        sim_gap(end->sim, end->side);
        if (!end->sim->world.host[end->side].ferryd)
            return sim_op_fail(end->sim, "undefine", error);
    }
    end->sim->world.host[end->side].defined = false;
    end->sim->world.host[end->side].autostart = false;
    return sim_op_end(end, "undefine", error);
}

static bool
set_autostart(void *data, FerryAutostart autostart, GError **error)
{
    SimEnd *end = data;
    const char *what = autostart == FERRY_AUTOSTART_ON ? "autostart on" : "autostart off";

    if (!sim_op_begin(end, what, NEEDS_LIBVIRT, error))
        return false;
    if (sim_is_locked(&end->sim->world, end->side))
        return sim_op_fail(end->sim, what, error);
    if (autostart == FERRY_AUTOSTART_ON || end->sim->world.mutant != MUTANT_AUTOSTART_LEFT)
        end->sim->world.host[end->side].autostart = autostart == FERRY_AUTOSTART_ON;
    return sim_op_end(end, what, error);
}

static bool
detach_ask(void *data, const char *alias, FerryDetach *ret, char **ret_reason, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    *ret_reason = NULL;
    if (!sim_op_begin(end, "ask for a device", NEEDS_LIBVIRT, error))
        return false;
    sim_ask_guest(host, sim_bit_of(alias));
    *ret = FERRY_DETACH_ASKED;
    return sim_op_end(end, "ask for a device", error);
}

static bool
device_kept(void *data, const char *alias)
{
    const SimEnd *end = data;

    return (end->sim->world.host[end->side].kept & sim_bit_of(alias)) != 0;
}

static bool
attach(void *data, const char *alias, const char *text, GError **error)
{
    SimEnd *end = data;
    SimHost *host = &end->sim->world.host[end->side];

    (void)text;
    if (!sim_op_begin(end, "attach", NEEDS_LIBVIRT, error))
        return false;
    if (host->guest == GUEST_NONE || sim_is_locked(&end->sim->world, end->side))
        return sim_op_fail(end->sim, "attach", error);
    host->devices |= sim_bit_of(alias);
    return sim_op_end(end, "attach", error);
}

static bool
mark(void *data, GError **error)
{
    SimEnd *end = data;

    if (!sim_op_begin(end, "marker on", NEEDS_NOTHING, error))
        return false;
    end->sim->world.host[end->side].marked =
        end->side == TARGET || end->sim->world.mutant != MUTANT_NO_MARKER;
    return sim_op_end(end, "marker on", error);
}

static bool
unmark(void *data, GError **error)
{
    SimEnd *end = data;

    if (!sim_op_begin(end, "marker off", NEEDS_NOTHING, error))
        return false;
    end->sim->world.host[end->side].marked = false;
    return sim_op_end(end, "marker off", error);
}

const FerryGuestOps sim_guest_ops = {
    .look = look,
    .xml = xml,
    .resume = resume,
    .destroy = destroy,
    .define = define,
    .undefine = undefine,
    .start = start,
    .set_autostart = set_autostart,
    .detach_ask = detach_ask,
    .device_kept = device_kept,
    .attach = attach,
    .mark = mark,
    .unmark = unmark,
};
