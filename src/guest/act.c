/*
 * Each act looks at what its refusal means: libvirt says "operation invalid" for "already so" as
 * for "not now", so the state is looked at, never the words.
 */
#include "guest/act.h"

#include <libvirt/virterror.h>

#include "guest/handle.h"

bool
ferry_guests_define(FerryGuests *self, const char *xml, GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    g_autoptr(virDomain) domain = NULL;

    if (!ferry_guests_connect(self, &connect, error))
        return false;
    domain = virDomainDefineXMLFlags(connect, xml, 0);
    return domain != NULL ||
           ferry_handle_failed(error, "define a guest at", ferry_guests_uri(self));
}

bool
ferry_guests_undefine(FerryGuests *self, const char *uuid, unsigned keep, GError **error)
{
    const unsigned nvram =
        (keep & FERRY_KEEP_NVRAM) != 0 ? VIR_DOMAIN_UNDEFINE_KEEP_NVRAM : VIR_DOMAIN_UNDEFINE_NVRAM;
    const unsigned tpm =
        (keep & FERRY_KEEP_TPM) != 0 ? VIR_DOMAIN_UNDEFINE_KEEP_TPM : VIR_DOMAIN_UNDEFINE_TPM;
    const unsigned flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE |
                           VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                           VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | nvram | tpm;
    g_autoptr(virDomain) domain = NULL;

    if (!ferry_handle_find(self, uuid, &domain, error))
        return false;
    if (domain == NULL || virDomainIsPersistent(domain) == 0 ||
        virDomainUndefineFlags(domain, flags) == 0)
        return true;
    return ferry_handle_error_code() == VIR_ERR_NO_DOMAIN ||
           ferry_handle_failed(error, "undefine guest", uuid);
}

bool
ferry_guests_set_autostart(FerryGuests *self,
                           const char *uuid,
                           FerryAutostart autostart,
                           GError **error)
{
    g_autoptr(virDomain) domain = NULL;

    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    if (autostart == FERRY_AUTOSTART_OFF && virDomainIsPersistent(domain) == 0)
        return true;
    return virDomainSetAutostart(domain, (int)autostart) == 0 ||
           ferry_handle_failed(error, "change autostart of guest", uuid);
}

bool
ferry_guests_autostart(FerryGuests *self, const char *uuid, FerryAutostart *ret, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    int autostart = 0;

    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    if (virDomainIsPersistent(domain) != 0 && virDomainGetAutostart(domain, &autostart) < 0)
        return ferry_handle_failed(error, "read autostart of guest", uuid);
    *ret = autostart != 0 ? FERRY_AUTOSTART_ON : FERRY_AUTOSTART_OFF;
    return true;
}

/* One way of changing a guest's state; @settled are the states in which it need not be done. */
typedef struct {
    const char *verb;
    int (*call)(virDomainPtr domain);
    unsigned settled; /* bits, 1 << VIR_DOMAIN_… */
    enum { MUST_BE_THERE, MAY_BE_GONE } absence;
} Act;

#define IN(state) (1u << VIR_DOMAIN_##state)

static bool
is_settled(virDomain *domain, const Act *act)
{
    int state = 0;

    return virDomainGetState(domain, &state, NULL, 0) == 0 && (act->settled & 1u << state) != 0;
}

/* Looks again after a refusal: somebody may have done the same in between. */
static bool
run_act(FerryGuests *self, const char *uuid, const Act *act, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(GError) refusal = NULL;

    if (act->absence == MUST_BE_THERE ? !ferry_handle_need(self, uuid, &domain, error)
                                      : !ferry_handle_find(self, uuid, &domain, error))
        return false;
    if (domain == NULL || is_settled(domain, act) || act->call(domain) == 0)
        return true;
    if (act->absence == MAY_BE_GONE && ferry_handle_error_code() == VIR_ERR_NO_DOMAIN)
        return true;
    (void)ferry_handle_failed(&refusal, act->verb, uuid);
    if (is_settled(domain, act))
        return true;
    g_propagate_error(error, g_steal_pointer(&refusal));
    return false;
}

bool
ferry_guests_start(FerryGuests *self, const char *uuid, GError **error)
{
    static const Act act = { "start guest", virDomainCreate,
                             IN(RUNNING) | IN(BLOCKED) | IN(PAUSED) | IN(PMSUSPENDED),
                             MUST_BE_THERE };

    return run_act(self, uuid, &act, error);
}

bool
ferry_guests_create(FerryGuests *self, const char *xml, GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    g_autoptr(virDomain) domain = NULL;

    if (!ferry_guests_connect(self, &connect, error))
        return false;
    domain = virDomainCreateXML(connect, xml, 0);
    return domain != NULL || ferry_handle_failed(error, "start a guest at", ferry_guests_uri(self));
}

bool
ferry_guests_resume(FerryGuests *self, const char *uuid, GError **error)
{
    static const Act act = { "resume guest", virDomainResume, IN(RUNNING) | IN(BLOCKED),
                             MUST_BE_THERE };

    return run_act(self, uuid, &act, error);
}

bool
ferry_guests_suspend(FerryGuests *self, const char *uuid, GError **error)
{
    static const Act act = { "suspend guest", virDomainSuspend, IN(PAUSED), MUST_BE_THERE };

    return run_act(self, uuid, &act, error);
}

bool
ferry_guests_shutdown(FerryGuests *self, const char *uuid, GError **error)
{
    static const Act act = { "shut down guest", virDomainShutdown,
                             IN(SHUTDOWN) | IN(SHUTOFF) | IN(CRASHED), MAY_BE_GONE };

    return run_act(self, uuid, &act, error);
}

bool
ferry_guests_destroy(FerryGuests *self, const char *uuid, GError **error)
{
    static const Act act = { "destroy guest", virDomainDestroy, IN(SHUTOFF), MAY_BE_GONE };

    return run_act(self, uuid, &act, error);
}

static bool
has_job(virDomain *domain)
{
    virDomainJobInfo job;

    return virDomainGetJobInfo(domain, &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE;
}

bool
ferry_guests_abort_job(FerryGuests *self, const char *uuid, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(GError) refusal = NULL;

    if (!ferry_handle_find(self, uuid, &domain, error))
        return false;
    if (domain == NULL || !has_job(domain) || virDomainAbortJob(domain) == 0)
        return true;
    (void)ferry_handle_failed(&refusal, "cancel the migration of guest", uuid);
    if (!has_job(domain))
        return true;
    g_propagate_error(error, g_steal_pointer(&refusal));
    return false;
}
