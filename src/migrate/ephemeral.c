#include "migrate/ephemeral.h"

#include "base/error.h"
#include "xml/domain.h"

#define ATTACH_TRIES 3

struct _FerryEphemerals {
    const FerryGuestOps *guest;
    void *data;
    const FerryTimers *timers;
    GPtrArray *devices;             /* of FerryPlanDevice */
    GHashTable *begun;              /* aliases with a DETACH record */
    const FerryPlanDevice *current; /* the guest is asked for it, and had it when seen last */
    bool asked;
    int64_t asked_ms;
    size_t attached;   /* devices of the list that are dealt with */
    unsigned tries;    /* of attaching the one after those */
    int64_t tried_ms;  /* its last try */
    int64_t attach_ms; /* since when it is wanted; 0 = it is not yet */
    int64_t since_ms;  /* what is attached is measured since; 0 = it is not */
    GPtrArray *off;    /* of FerryPlanDevice: those that could not be put back */
};

FerryEphemerals *
ferry_ephemerals_new(const FerryGuestOps *guest,
                     void *data,
                     const FerryTimers *timers,
                     GPtrArray *devices)
{
    FerryEphemerals *self = g_new0(FerryEphemerals, 1);

    self->guest = guest;
    self->data = data;
    self->timers = timers;
    self->devices = g_ptr_array_ref(devices);
    self->begun = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->off = g_ptr_array_new();
    return self;
}

void
ferry_ephemerals_free(FerryEphemerals *self)
{
    if (self == NULL)
        return;
    g_hash_table_unref(self->begun);
    g_ptr_array_unref(self->off);
    g_ptr_array_unref(self->devices);
    g_free(self);
}

const FerryPlanDevice *
ferry_ephemerals_next(const FerryEphemerals *self)
{
    if (self->current != NULL)
        return NULL;
    for (guint i = 0; i < self->devices->len; i++) {
        const FerryPlanDevice *device = g_ptr_array_index(self->devices, i);

        if (!g_hash_table_contains(self->begun, device->alias))
            return device;
    }
    return NULL;
}

void
ferry_ephemerals_begin(FerryEphemerals *self, const char *alias, int64_t now_ms)
{
    for (guint i = 0; i < self->devices->len; i++) {
        const FerryPlanDevice *device = g_ptr_array_index(self->devices, i);

        if (g_str_equal(device->alias, alias))
            self->current = device;
    }
    (void)g_hash_table_add(self->begun, g_strdup(alias));
    self->asked = false;
    self->asked_ms = now_ms;
}

void
ferry_ephemerals_begin_all(FerryEphemerals *self)
{
    for (guint i = 0; i < self->devices->len; i++)
        ferry_ephemerals_begin(self,
                               ((FerryPlanDevice *)g_ptr_array_index(self->devices, i))->alias, 0);
    self->current = NULL;
}

void
ferry_ephemerals_measure(FerryEphemerals *self, int64_t since_ms)
{
    self->since_ms = since_ms;
}

static void
add_late(json_t *late, const FerryPlanDevice *device)
{
    json_array_append_new(late,
                          json_pack("{s:s, s:s}", "alias", device->alias, "xml", device->xml));
}

json_t *
ferry_ephemerals_late(const FerryEphemerals *self)
{
    json_t *late = json_array();

    if (self->current != NULL)
        add_late(late, self->current);
    for (guint i = 0; i < self->off->len; i++)
        add_late(late, g_ptr_array_index(self->off, i));
    return late;
}

/* Whether the running guest has the device now; an XML that cannot be had is an error. */
static bool
look(const FerryEphemerals *self, const char *alias, bool *ret_there, GError **error)
{
    g_autofree char *xml = NULL;
    g_autoptr(FerryDomain) domain = NULL;

    if (!self->guest->xml(self->data, FERRY_GUESTS_XML_LIVE, &xml, error) ||
        !ferry_domain_parse(xml, &domain, error))
        return false;
    *ret_there = ferry_domain_device(domain, alias) != NULL;
    return true;
}

static FerryEphemeral
detach_failed(FerryEphemerals *self, const char *reason, char **why)
{
    *why =
        g_strdup_printf("the guest did not release %s: %s; it keeps the device and runs on here. "
                        "Look in the guest whether its driver can let the device go (booting, "
                        "busy, no hot-plug support?), then migrate again",
                        self->current->alias, reason);
    return FERRY_EPHEMERAL_FAILED;
}

/* Asks the guest; a refusal by libvirt or QEMU is final, anything else is tried again. */
static FerryEphemeral
ask(FerryEphemerals *self, char **why)
{
    FerryDetach answer = FERRY_DETACH_ASKED;
    g_autofree char *reason = NULL;
    g_autoptr(GError) error = NULL;

    if (!self->guest->detach_ask(self->data, self->current->alias, &answer, &reason, &error)) {
        *why = g_strdup(error->message);
        return FERRY_EPHEMERAL_WAIT;
    }
    if (answer == FERRY_DETACH_REFUSED)
        return detach_failed(self, reason, why);
    self->asked = true;
    *why = g_strdup_printf("the guest to release %s", self->current->alias);
    return FERRY_EPHEMERAL_WAIT;
}

FerryEphemeral
ferry_ephemerals_detach(FerryEphemerals *self, FerryJob *job, int64_t now_ms, char **why)
{
    int64_t left_ms = 0;
    bool there = true;
    g_autoptr(GError) error = NULL;

    if (self->current == NULL)
        return FERRY_EPHEMERAL_DONE;
    if (look(self, self->current->alias, &there, &error) && !there) {
        ferry_job_add_gap(job, self->current->alias, FERRY_GAP_OFF, self->asked_ms);
        self->current = NULL;
        return FERRY_EPHEMERAL_DONE;
    }
    left_ms = self->asked_ms + self->timers->detach_ms - now_ms;
    if (left_ms <= 0) {
        g_autofree char *late =
            g_strdup_printf("no answer within %" G_GINT64_FORMAT " s (detach_timeout_s)",
                            self->timers->detach_ms / 1000);
        return detach_failed(self, error != NULL ? error->message : late, why);
    }
    if (!self->asked)
        return ask(self, why);
    if (self->guest->device_kept(self->data, self->current->alias))
        return detach_failed(self, "it refused", why);
    *why = g_strdup_printf("the guest to release %s, at most %" G_GINT64_FORMAT " s more",
                           self->current->alias, (left_ms + 999) / 1000);
    return FERRY_EPHEMERAL_WAIT;
}

/* One try to have the device in the guest; DONE when it is there, or is given up and told.  Libvirt
 * that is away refuses nothing: it has all the time that there is. */
static FerryEphemeral
attach_one(FerryEphemerals *self, const FerryPlanDevice *device, FerryJob *job, int64_t now_ms)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *left = NULL;
    bool there = false;
    bool is_late = false;
    int64_t pause_ms = self->timers->libvirt_retry_ms << self->tries;

    if (look(self, device->alias, &there, &error) && there)
        return FERRY_EPHEMERAL_DONE;
    if (self->attach_ms == 0)
        self->attach_ms = now_ms;
    is_late = now_ms - self->attach_ms >= self->timers->attach_ms;
    if (error != NULL && error->code != FERRY_ERROR_NOT_FOUND && !is_late)
        return FERRY_EPHEMERAL_WAIT;
    if (self->tries > 0 && now_ms - self->tried_ms < pause_ms)
        return FERRY_EPHEMERAL_WAIT;
    if (error == NULL)
        (void)self->guest->attach(self->data, device->alias, device->xml, &error);
    self->tries++;
    self->tried_ms = now_ms;
    if (error == NULL && look(self, device->alias, &there, NULL) && there) {
        if (self->current == device) /* it had let go after all */
            self->current = NULL;
        if (self->since_ms != 0)
            ferry_job_add_gap(job, device->alias, FERRY_GAP_ON, self->since_ms);
        return FERRY_EPHEMERAL_DONE; /* seen to appear is what counts */
    }
    if (error == NULL)
        return FERRY_EPHEMERAL_WAIT;
    if (self->tries < ATTACH_TRIES && !is_late)
        return FERRY_EPHEMERAL_WAIT;
    left = g_strdup_printf("%s; ferryd goes on trying", error->message);
    ferry_job_add_degraded(job, device->alias, left);
    g_ptr_array_add(self->off, (gpointer)device);
    return FERRY_EPHEMERAL_DONE;
}

FerryEphemeral
ferry_ephemerals_attach(FerryEphemerals *self, FerryJob *job, int64_t now_ms)
{
    while (self->attached < self->devices->len) {
        const FerryPlanDevice *device = g_ptr_array_index(self->devices, self->attached);

        if (g_hash_table_contains(self->begun, device->alias) &&
            attach_one(self, device, job, now_ms) == FERRY_EPHEMERAL_WAIT)
            return FERRY_EPHEMERAL_WAIT;
        self->attached++;
        self->tries = 0;
        self->attach_ms = 0;
    }
    return FERRY_EPHEMERAL_DONE;
}
