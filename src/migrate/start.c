#include "migrate/start.h"

#include <inttypes.h>

#include "base/error.h"
#include "migrate/managed.h"
#include "migrate/objection.h"

/* For one device of a guest that was not started, or has stopped. */
#define RELEASE_MS 10000
#define TURN_MS    10000
#define AGAIN_MS   100
/* libvirt's events may be missed while it is away, so the guest is looked at anyway. */
#define LOOK_MS 1000

/* A start or stop on its way. */
typedef struct {
    const FerryLife *life;
    FerryGuest *guest;
    int64_t began_ms, until_ms;
    FerryStartExtent extent;
    json_t *degraded; /* of a start */
} Errand;

static void
errand_clear(Errand *self)
{
    ferry_guest_free(self->guest);
    json_decref(self->degraded);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Errand, errand_clear)

static int64_t
now_ms(const FerryLife *life)
{
    return life->clock->now_ms(life->clock);
}

/* Finds the guest, which no job may hold: where it is, is the job's to say. */
static bool
errand_begin(Errand *self,
             const FerryLife *life,
             const char *guest,
             int64_t limit_ms,
             GError **error)
{
    g_autofree char *job = NULL;

    *self = (Errand){ .life = life, .began_ms = now_ms(life), .until_ms = now_ms(life) + limit_ms };
    if (!life->guests->find(life->guests_data, guest, &self->guest, error))
        return false;
    if (self->guest == NULL) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NOT_FOUND,
                    "there is no guest %s here: see \"ferry guest list\"", guest);
        return false;
    }
    job = life->guests->job_of(life->guests_data, self->guest->uuid);
    if (job != NULL)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "guest %s is in job %s, and the other host may run it: see \"ferry job show "
                    "%s\"",
                    self->guest->name, job, job);
    return job == NULL;
}

static bool
is_up(const Errand *self, bool *ret, GError **error)
{
    FerryDomainLook look = { 0 };

    if (!self->life->guests->look(self->life->guests_data, self->guest->uuid, &look, error))
        return false;
    *ret = ferry_life_is_up(&look);
    return true;
}

static json_t *
describe(const Errand *self, const char *state, bool already)
{
    return json_pack("{s:{s:s, s:s}, s:s, s:b, s:I}", "guest", "name", self->guest->name, "uuid",
                     self->guest->uuid, "state", state, "already", already, "elapsed_ms",
                     (json_int_t)(now_ms(self->life) - self->began_ms));
}

/* Claims and makes everything; in the guest's turn, and without asking libvirt. */
static bool
make_devices(Errand *self,
             const FerryDomain *domain,
             const char *xml,
             char **ret_xml,
             json_t **ret_reasons,
             GError **error)
{
    const FerryLife *life = self->life;

    if (!ferry_managed_clear(life, self->guest->uuid, self->until_ms, ret_reasons, error) ||
        (*ret_reasons == NULL &&
         !ferry_managed_make(life, domain, self->until_ms, ret_reasons, error)))
        return false;
    return *ret_reasons != NULL || life->hybrids == NULL ||
           life->hybrids->before_start(life->hybrids_data, domain, xml, self->extent, ret_xml,
                                       self->degraded, ret_reasons, error);
}

static bool
prepare(Errand *self, char **ret_xml, json_t **ret_reasons, GError **error)
{
    const FerryLife *life = self->life;
    const char *uuid = self->guest->uuid;
    g_autoptr(FerryDomain) domain = NULL;
    g_autofree char *xml = NULL;
    bool ok = false;

    if (!life->guests->xml(life->guests_data, uuid, FERRY_GUESTS_XML_INACTIVE, &xml, error) ||
        !ferry_domain_parse(xml, &domain, error))
        return false;
    if (!ferry_guest_turns_enter(life->turns, uuid, TURN_MS)) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY,
                    "guest %s: its devices are just being made or released: try again",
                    domain->name);
        return false;
    }
    ok = make_devices(self, domain, xml, ret_xml, ret_reasons, error);
    ferry_guest_turns_leave(life->turns, uuid);
    return ok;
}

/* Not in a turn: libvirt runs the hook meanwhile, which takes one. */
static bool
let_libvirt_start(const Errand *self, const char *xml, GError **error)
{
    const FerryLife *life = self->life;

    return xml != NULL ? life->guests->create(life->guests_data, xml, error)
                       : life->guests->start(life->guests_data, self->guest->uuid, error);
}

/* Looks first: somebody else may have started the guest just now. */
static void
undo(const Errand *self)
{
    g_autoptr(GError) wrong = NULL;
    FerryTidy tidy = FERRY_TIDY_LATER;

    if (!ferry_managed_tidy(self->life, self->guest->uuid, RELEASE_MS, &tidy, &wrong))
        g_warning("guest %s was not started; going on without having cleaned up: %s",
                  self->guest->name, wrong->message);
}

static bool
start(Errand *self, json_t **ret_reasons, GError **error)
{
    g_autofree char *xml = NULL;

    if (!prepare(self, &xml, ret_reasons, error))
        return false;
    return *ret_reasons != NULL || let_libvirt_start(self, xml, error);
}

static bool
start_alone(Errand *self, json_t **ret, json_t **ret_reasons, GError **error)
{
    const FerryLife *life = self->life;
    FerryTidy tidy = FERRY_TIDY_LATER;
    bool up = false;

    if (!is_up(self, &up, error))
        return false;
    if (up) {
        *ret = describe(self, "running", true);
        return true;
    }
    self->degraded = json_array();
    if (!start(self, ret_reasons, error) || *ret_reasons != NULL) {
        undo(self);
        return *ret_reasons != NULL;
    }
    /* What fails here the keeper does. */
    (void)ferry_managed_tidy(life, self->guest->uuid, RELEASE_MS, &tidy, NULL);
    *ret = describe(self, "running", false);
    json_object_set(*ret, "degraded", self->degraded);
    return true;
}

bool
ferry_start_guest(const FerryLife *life,
                  const char *guest,
                  FerryStartExtent extent,
                  int64_t limit_ms,
                  json_t **ret,
                  json_t **ret_reasons,
                  GError **error)
{
    g_auto(Errand) errand = { 0 };
    g_autofree char *waiting_for = NULL;
    bool ok = false;

    if (!errand_begin(&errand, life, guest, limit_ms, error))
        return false;
    errand.extent = extent;
    if (!ferry_guest_turns_begin_start(life->turns, errand.guest->uuid)) {
        waiting_for = ferry_guest_turns_waiting_for(life->turns, errand.guest->uuid);
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_BUSY, "guest %s is being started already%s%s",
                    errand.guest->name, waiting_for != NULL ? ", which waits: " : "",
                    waiting_for != NULL ? waiting_for : "");
        return false;
    }
    ok = start_alone(&errand, ret, ret_reasons, error);
    ferry_guest_turns_end_start(life->turns, errand.guest->uuid);
    return ok;
}

/* Returns: false for an error; @ret_down: whether it is down at the end of the time */
static bool
wait_until_down(const Errand *self, bool *ret_down, GError **error)
{
    const FerryLife *life = self->life;
    bool up = true;

    while (up) {
        const uint64_t seen = life->guests->seen(life->guests_data);
        const int64_t left_ms = self->until_ms - now_ms(life);

        if (!is_up(self, &up, error))
            return false;
        if (up && left_ms <= 0)
            break;
        if (up)
            (void)life->guests->wait(life->guests_data, self->guest->uuid, seen,
                                     MIN(left_ms, LOOK_MS));
    }
    *ret_down = !up;
    return true;
}

static bool
ask_to_stop(const Errand *self, FerryStopManner manner, GError **error)
{
    const FerryLifeOps *guests = self->life->guests;

    return (manner == FERRY_STOP_FORCE ? guests->destroy : guests->shutdown)(
        self->life->guests_data, self->guest->uuid, error);
}

/* libvirt's hook has released them, if it is there, or is just about to; who asked wants to know
 * that it is done. */
static bool
release_devices(const Errand *self, GError **error)
{
    FerryTidy tidy = FERRY_TIDY_LATER;

    for (int i = 0; i < TURN_MS / AGAIN_MS && tidy == FERRY_TIDY_LATER; i++) {
        if (i > 0)
            self->life->guests->pause(self->life->guests_data, AGAIN_MS);
        if (!ferry_managed_tidy(self->life, self->guest->uuid, RELEASE_MS, &tidy, error))
            return false;
    }
    return true;
}

bool
ferry_stop_guest(const FerryLife *life,
                 const char *guest,
                 FerryStopManner manner,
                 int64_t limit_ms,
                 json_t **ret,
                 json_t **ret_reasons,
                 GError **error)
{
    g_auto(Errand) errand = { 0 };
    g_autoptr(GError) left = NULL;
    bool was_up = false, down = true;

    if (!errand_begin(&errand, life, guest, limit_ms, error) || !is_up(&errand, &was_up, error))
        return false;
    if (was_up && (!ask_to_stop(&errand, manner, error) || !wait_until_down(&errand, &down, error)))
        return false;
    if (!down) {
        *ret_reasons = ferry_objection(
            "still-running", "guest %s was asked to shut down and still runs after %" PRId64 " s",
            errand.guest->name, limit_ms / 1000);
        ferry_object_remedy(*ret_reasons, "wait longer with --timeout, or end it with --force");
        return true;
    }
    (void)release_devices(&errand, &left);
    *ret = describe(&errand, "shut off", !was_up);
    if (left != NULL)
        json_object_set_new(*ret, "left", json_string(left->message));
    return true;
}
