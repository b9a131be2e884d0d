/* The source's driver up to libvirt's call: rows S1 and S3, phases reserve to transfer. */
#include "base/error.h"
#include "migrate/assign.h"
#include "migrate/source-state.h"

static FerryStep
reserve(FerrySource *self)
{
    g_autoptr(GError) error = NULL;
    const json_t *reasons = NULL;

    ferry_job_set_phase(self->job, FERRY_PHASE_RESERVE);
    ferry_job_set_timer(self->job, "prepare_timeout_s",
                        self->began_ms + self->world.timers->prepare_ms);
    if (!ferry_source_ask(self, FERRY_ASK_RESERVE, &error)) {
        if (ferry_source_now_ms(self) - self->began_ms >= self->world.timers->prepare_ms)
            return ferry_source_abort(self, "target-unreachable", error->message);
        ferry_job_set_waiting(self->job, error->message);
        return ferry_pace_retry(&self->pace, self->world.timers->go_retry_ms);
    }
    reasons = json_object_get(self->answer.details, "reasons");
    if (self->answer.record == FERRY_T_NONE && json_array_size(reasons) > 0) {
        ferry_job_add_reasons(self->job, reasons);
        self->refused = true;
        return ferry_source_abort(self, "refused", "the target refused the guest");
    }
    return ferry_pace_again(&self->pace);
}

static FerryStep
prepare(FerrySource *self)
{
    g_autoptr(GError) error = NULL;

    ferry_job_set_phase(self->job, FERRY_PHASE_PREPARE);
    ferry_job_set_timer(self->job, "prepare_timeout_s",
                        self->began_ms + self->world.timers->prepare_ms);
    if (!ferry_source_ask(self, FERRY_ASK_PREPARE, &error))
        ferry_job_set_waiting(self->job, error->message);
    else if (self->answer.record == FERRY_T_PREPARED)
        return ferry_pace_again(&self->pace);
    if (ferry_source_now_ms(self) - self->began_ms >= self->world.timers->prepare_ms)
        return ferry_source_abort(self, "prepare-timeout",
                                  "the target did not get ready within prepare_timeout_s");
    return ferry_pace_retry(&self->pace, self->world.timers->go_retry_ms);
}

/* Section 2, step 3: the target's XML is computed of what is left once everything is off. */
static FerryStep
begin_transfer(FerrySource *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = NULL;
    char *target_xml = NULL;

    if (!self->world.guest->xml(self->world.data, FERRY_GUESTS_XML_MIGRATABLE, &xml, &error) ||
        !ferry_assign_apply(xml, self->plan->needs, self->assign, FERRY_ASSIGN_LIVE, &target_xml,
                            &error))
        return ferry_source_abort(self, "no-definition", error->message);
    g_free(self->target_xml);
    self->target_xml = target_xml;
    ferry_job_set_phase(self->job, FERRY_PHASE_TRANSFER);
    return ferry_source_append(self, FERRY_RECORD_TRANSFER, FERRY_S_TRANSFER,
                               json_pack("{s:b}", "autostart", self->plan->autostart));
}

/* The lease at T must not run out while a guest takes its time. */
static void
renew_lease(FerrySource *self)
{
    int64_t now_ms = ferry_source_now_ms(self);

    if (now_ms - self->asked_ms < self->world.timers->lease_ms / 10)
        return;
    (void)ferry_source_ask(self, FERRY_ASK_STATUS, NULL); /* out of reach shows in the transfer */
    self->asked_ms = now_ms;
}

/* libvirt's events end the wait at once; a look has the whole live XML made and read. */
static FerryStep
wait_for_guest(FerrySource *self)
{
    const int64_t waited_ms = ferry_source_now_ms(self) - self->unplug_ms;

    renew_lease(self);
    return ferry_pace_wait_long(&self->pace, FERRY_SOURCE_POLL_MS, waited_ms,
                                self->world.timers->detach_ms - waited_ms);
}

/* Past the deadline the guest keeps its VF: QEMU cannot take the question back, the keeper puts
 * things right. */
static FerryStep
wait_for_hybrid(FerrySource *self, const FerryPlanNeed *need, const char *why)
{
    g_autofree char *late = NULL;

    if (ferry_source_now_ms(self) - self->unplug_ms < self->world.timers->detach_ms) {
        ferry_job_set_waiting(self->job, why);
        ferry_job_set_timer(self->job, "detach_timeout_s",
                            self->unplug_ms + self->world.timers->detach_ms);
        return wait_for_guest(self);
    }
    late = g_strdup_printf("the guest did not release %s within detach_timeout_s: %s",
                           need->vf_alias, why);
    return ferry_source_abort(self, "unplug-refused", late);
}

static FerryStep
take_hybrid_off(FerrySource *self, const FerryPlanNeed *need)
{
    FerryUnplug answer = FERRY_UNPLUG_WAIT;
    FerryStep step = FERRY_STEP_AGAIN;
    g_autofree char *why = NULL;
    g_autoptr(GError) error = NULL;

    if (!self->unplugging) {
        ferry_job_set_phase(self->job, FERRY_PHASE_DETACH);
        step = ferry_source_append(self, FERRY_RECORD_DETACH, FERRY_S_DETACH,
                                   json_pack("{s:s}", "alias", need->vf_alias));
        self->unplugging = step == FERRY_STEP_AGAIN;
        self->unplug_ms = ferry_source_now_ms(self);
        return step;
    }
    if (!self->world.devices->unplug(self->world.data, need->vf_alias, &answer, &why, &error))
        return wait_for_hybrid(self, need, error->message);
    if (answer == FERRY_UNPLUG_REFUSED)
        return ferry_source_abort(self, "unplug-refused", why);
    if (answer == FERRY_UNPLUG_WAIT)
        return wait_for_hybrid(self, need, why);
    ferry_job_add_gap(self->job, need->alias, FERRY_GAP_OFF, self->unplug_ms);
    self->hybrids_off++;
    self->unplugging = false;
    return ferry_pace_again(&self->pace);
}

/* (nullable): the next hybrid that may have its VF */
static const FerryPlanNeed *
next_hybrid(FerrySource *self)
{
    for (; self->hybrids_off < self->plan->needs->len; self->hybrids_off++) {
        const FerryPlanNeed *need = g_ptr_array_index(self->plan->needs, self->hybrids_off);

        if (need->way == FERRY_WAY_HYBRID)
            return need;
    }
    return NULL;
}

static FerryStep
take_off(FerrySource *self)
{
    const FerryPlanNeed *hybrid = next_hybrid(self);
    const FerryPlanDevice *next = ferry_ephemerals_next(self->ephemerals);
    g_autofree char *why = NULL;

    if (hybrid != NULL)
        return take_hybrid_off(self, hybrid);
    if (next != NULL) {
        FerryStep step = FERRY_STEP_AGAIN;

        ferry_job_set_phase(self->job, FERRY_PHASE_DETACH);
        step = ferry_source_append(self, FERRY_RECORD_DETACH, FERRY_S_DETACH,
                                   json_pack("{s:s, s:s}", "alias", next->alias, "xml", next->xml));
        self->unplug_ms = ferry_source_now_ms(self);
        if (step == FERRY_STEP_AGAIN)
            ferry_ephemerals_begin(self->ephemerals, next->alias, self->unplug_ms);
        return step;
    }
    switch (ferry_ephemerals_detach(self->ephemerals, self->job, ferry_source_now_ms(self), &why)) {
    case FERRY_EPHEMERAL_WAIT:
        ferry_job_set_waiting(self->job, why);
        return wait_for_guest(self);
    case FERRY_EPHEMERAL_FAILED:
        return ferry_source_abort(self, "unplug-refused", why);
    case FERRY_EPHEMERAL_DONE:
        break;
    }
    return ferry_ephemerals_next(self->ephemerals) != NULL ? ferry_pace_again(&self->pace)
                                                           : begin_transfer(self);
}

/* Row S1: the next step of section 2. */
FerryStep
ferry_source_do_step(FerrySource *self)
{
    FerryDomainLook guest = { 0 };
    g_autoptr(GError) error = NULL;

    if (!self->live)
        return ferry_source_abort(self, "restarted", "ferryd was restarted before the transfer");
    if (!self->planned) {
        FerryStep step = ferry_source_append(self, FERRY_RECORD_PLANNED, FERRY_S_PLANNED,
                                             ferry_plan_format(self->plan));

        self->planned = step == FERRY_STEP_AGAIN;
        return step;
    }
    if (ferry_job_is_cancelled(self->job)) /* R3 */
        return ferry_source_abort(self, "cancelled", "the job was cancelled");
    if (!self->world.guest->look(self->world.data, &guest, &error))
        return ferry_source_abort(self, "libvirt-away", error->message);
    if (!guest.present || (guest.state != 1 && guest.state != 3)) /* running, paused */
        return ferry_source_abort(self, "guest-ended", "the guest ended meanwhile");
    if (self->answer.record == FERRY_T_PREPARED && !self->prepared) {
        self->prepared = true;
        self->assign = json_incref(json_object_get(self->answer.details, "assign"));
    }
    if (self->prepared)
        return take_off(self);
    return self->answer.record == FERRY_T_RESERVED ? prepare(self) : reserve(self);
}

/* What must be so before libvirt's call (section 2, step 3), each done again without harm. */
static bool
get_ready(FerrySource *self, GError **error)
{
    const FerryGuestOps *guest = self->world.guest;

    return (!self->plan->autostart ||
            guest->set_autostart(self->world.data, FERRY_AUTOSTART_OFF, error)) &&
           guest->mark(self->world.data, error) &&
           self->world.link->quiet_journal(self->world.data, error);
}

static FerryMigrationFlags
flags_of(const FerryPlan *plan)
{
    return (plan->tls ? FERRY_MIGRATION_TLS : 0) |
           (plan->auto_converge ? FERRY_MIGRATION_AUTO_CONVERGE : 0);
}

/* Row S3. */
FerryStep
ferry_source_do_call(FerrySource *self)
{
    g_autoptr(GError) error = NULL;
    FerryMigration migration = {
        .uuid = self->plan->guest_uuid,
        .tls_destination = self->plan->tls ? self->plan->target : NULL,
        .target_xml = self->target_xml,
        .flags = flags_of(self->plan),
        .bandwidth_mib_s = (self->plan->bandwidth_bps + (1 << 20) - 1) >> 20,
        .max_downtime_ms = (uint64_t)self->plan->max_downtime_ms,
        .parallel = (unsigned)self->plan->parallel,
    }; /* relay socket and migration URI are the link's business */

    if (ferry_job_is_cancelled(self->job)) /* R3 */
        return ferry_source_abort(self, "cancelled", "the job was cancelled");
    if (!get_ready(self, &error))
        return ferry_source_abort(self, "not-ready", error->message);
    self->called = true;
    self->called_ms = self->heard_ms = self->progress.moved_ms = ferry_source_now_ms(self);
    if (!self->world.link->call(self->world.data, &migration, &error)) {
        self->called_over = true;
        return ferry_source_abort(self, "relay-failed", error->message);
    }
    return ferry_pace_again(&self->pace);
}
