#include "guest/look.h"

#include <libvirt/virterror.h>

#include "base/error.h"
#include "guest/handle.h"

/*
 * A guest that runs no job, or cannot, has no job info, measured with libvirt 11.3: while incoming
 * "migration statistics are available only on the source host", switched off "domain is not
 * running".
 */
static bool
is_without_job(int code)
{
    return code == VIR_ERR_OPERATION_UNSUPPORTED || code == VIR_ERR_OPERATION_INVALID ||
           code == VIR_ERR_NO_SUPPORT;
}

/* Returns: 0, or libvirt's error code */
static int
ask(virDomain *domain, FerryDomainLook *look)
{
    virDomainJobInfo job;

    look->persistent = virDomainIsPersistent(domain) == 1;
    if (virDomainGetState(domain, &look->state, &look->reason, 0) < 0)
        return ferry_handle_error_code();
    /* Only "paused by its user" is told apart by the job (docs/handover.md, section 5); while the
     * domain is incoming the question fails, and libvirtd would log each time as an error. */
    if (look->state != VIR_DOMAIN_PAUSED || look->reason != VIR_DOMAIN_PAUSED_USER)
        return VIR_ERR_OK;
    look->has_job_info = virDomainGetJobInfo(domain, &job) == 0;
    if (!look->has_job_info && !is_without_job(ferry_handle_error_code()))
        return ferry_handle_error_code();
    look->job_type = look->has_job_info ? (int)job.type : VIR_DOMAIN_JOB_NONE;
    return VIR_ERR_OK;
}

/*
 * Of a guest that ends between two questions libvirt says "no such domain": then it is not there.
 * Job info is asked after the state: "complete" is [3,1] *and* no job (docs/handover.md section 5),
 * and what has come to [3,1] can only end its job, not begin one.  Measured at the target: 10 ms
 * from the one to the other.
 */
bool
ferry_guests_look(FerryGuests *self, const char *uuid, FerryDomainLook *ret, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    FerryDomainLook look = { .present = true };
    int code = VIR_ERR_NO_DOMAIN;

    if (!ferry_handle_find(self, uuid, &domain, error))
        return false;
    if (domain != NULL)
        code = ask(domain, &look);
    if (code != VIR_ERR_OK && code != VIR_ERR_NO_DOMAIN)
        return ferry_handle_failed(error, "look at guest", uuid);
    *ret = code == VIR_ERR_OK ? look : (FerryDomainLook){ .present = false };
    return true;
}

void
ferry_guest_free(FerryGuest *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->uuid);
    g_free(self);
}

/* Returns: (nullable): NULL with libvirt's error when the guest is gone or libvirt is */
static FerryGuest *
read_guest(virDomain *domain)
{
    g_autoptr(FerryGuest) guest = g_new0(FerryGuest, 1);
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    virDomainInfo info;
    int autostart = 0;

    if (virDomainGetUUIDString(domain, uuid) < 0 || virDomainGetInfo(domain, &info) < 0 ||
        virDomainGetState(domain, &guest->state, &guest->reason, 0) < 0)
        return NULL;
    guest->name = g_strdup(virDomainGetName(domain));
    guest->uuid = g_strdup(uuid);
    guest->memory_bytes = (uint64_t)info.maxMem * 1024;
    guest->persistent = virDomainIsPersistent(domain) == 1;
    /* A transient guest has no such flag, and libvirt an error for the question. */
    guest->autostart = virDomainGetAutostart(domain, &autostart) == 0 && autostart != 0;
    return g_steal_pointer(&guest);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    const FerryGuest *const *first = a;
    const FerryGuest *const *second = b;

    return g_strcmp0((*first)->name, (*second)->name);
}

static bool
read_guests(virDomain **domains, int n_domains, GPtrArray *guests, GError **error)
{
    bool ok = true;

    for (int i = 0; i < n_domains; i++) {
        g_autoptr(virDomain) domain = domains[i];
        g_autofree char *name =
            g_strdup(virDomainGetName(domain)); /* asking later loses the error */
        FerryGuest *guest = ok ? read_guest(domain) : NULL;

        if (guest != NULL)
            g_ptr_array_add(guests, guest);
        else if (ok && ferry_handle_error_code() != VIR_ERR_NO_DOMAIN)
            ok = ferry_handle_failed(error, "look at guest", name);
    }
    return ok;
}

bool
ferry_guests_list(FerryGuests *self, GPtrArray **ret, GError **error)
{
    g_autoptr(GPtrArray) guests = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_guest_free);
    g_autoptr(virConnect) connect = NULL;
    virDomain **domains = NULL;
    int n_domains = 0;
    bool ok = false;

    if (!ferry_guests_connect(self, &connect, error))
        return false;
    n_domains = virConnectListAllDomains(connect, &domains, 0);
    if (n_domains < 0)
        return ferry_handle_failed(error, "list the guests of", ferry_guests_uri(self));
    ok = read_guests(domains, n_domains, guests, error);
    free(domains);
    if (!ok)
        return false;
    g_ptr_array_sort(guests, compare_names);
    *ret = g_steal_pointer(&guests);
    return true;
}

static virDomain *
look_up(virConnect *connect, const char *name_or_uuid)
{
    virDomain *domain = virDomainLookupByName(connect, name_or_uuid);

    if (domain == NULL && ferry_handle_error_code() == VIR_ERR_NO_DOMAIN &&
        g_uuid_string_is_valid(name_or_uuid))
        domain = virDomainLookupByUUIDString(connect, name_or_uuid);
    return domain;
}

bool
ferry_guests_find(FerryGuests *self, const char *name_or_uuid, FerryGuest **ret, GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    g_autoptr(virDomain) domain = NULL;
    FerryGuest *guest = NULL;

    if (!ferry_guests_connect(self, &connect, error))
        return false;
    domain = look_up(connect, name_or_uuid);
    if (domain != NULL)
        guest = read_guest(domain);
    if (guest == NULL && ferry_handle_error_code() != VIR_ERR_NO_DOMAIN)
        return ferry_handle_failed(error, "look for guest", name_or_uuid);
    *ret = guest;
    return true;
}

bool
ferry_guests_snapshots(FerryGuests *self, const char *uuid, unsigned *ret, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    int n = 0;

    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    n = virDomainSnapshotNum(domain, 0);
    if (n < 0)
        return ferry_handle_failed(error, "count the snapshots of guest", uuid);
    *ret = (unsigned)n;
    return true;
}

static const unsigned xml_flags[] = {
    [FERRY_GUESTS_XML_LIVE] = VIR_DOMAIN_XML_SECURE,
    [FERRY_GUESTS_XML_INACTIVE] = VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE,
    [FERRY_GUESTS_XML_MIGRATABLE] = VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE,
};
G_STATIC_ASSERT(G_N_ELEMENTS(xml_flags) == FERRY_GUESTS_XML_N);

bool
ferry_guests_xml(FerryGuests *self,
                 const char *uuid,
                 FerryGuestsXml which,
                 char **ret,
                 GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    char *xml = NULL;

    if (!ferry_handle_need(self, uuid, &domain, error))
        return false;
    xml = virDomainGetXMLDesc(domain, xml_flags[which]);
    if (xml == NULL)
        return ferry_handle_failed(error, "read the XML of guest", uuid);
    *ret = g_strdup(xml);
    free(xml);
    return true;
}

/* virsh's words, for people who know these. */
static const char *const state_names[] = {
    [VIR_DOMAIN_NOSTATE] = "no state",     [VIR_DOMAIN_RUNNING] = "running",
    [VIR_DOMAIN_BLOCKED] = "idle",         [VIR_DOMAIN_PAUSED] = "paused",
    [VIR_DOMAIN_SHUTDOWN] = "in shutdown", [VIR_DOMAIN_SHUTOFF] = "shut off",
    [VIR_DOMAIN_CRASHED] = "crashed",      [VIR_DOMAIN_PMSUSPENDED] = "pmsuspended",
};

const char *
ferry_guests_state_name(int state)
{
    return state >= 0 && state < (int)G_N_ELEMENTS(state_names) ? state_names[state] : "unknown";
}
