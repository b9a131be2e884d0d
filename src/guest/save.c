#include "guest/save.h"

#include <libvirt/virterror.h>

#include "base/error.h"
#include "guest/handle.h"

static bool
open_own(FerryGuests *self, virConnect **ret, GError **error)
{
    virConnect *connect = virConnectOpen(ferry_guests_uri(self));

    if (connect == NULL)
        return ferry_handle_failed(error, "open libvirt at", ferry_guests_uri(self));
    *ret = connect;
    return true;
}

bool
ferry_guests_save(FerryGuests *self,
                  const char *uuid,
                  const char *path,
                  const char *xml,
                  GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    g_autoptr(virDomain) domain = NULL;

    if (!open_own(self, &connect, error))
        return false;
    domain = virDomainLookupByUUIDString(connect, uuid);
    if (domain == NULL)
        return ferry_handle_failed(error, "look for guest", uuid);
    return virDomainSaveFlags(domain, path, xml, 0) == 0 ||
           ferry_handle_failed(error, "save guest", uuid);
}

bool
ferry_guests_restore(FerryGuests *self, const char *path, const char *xml, GError **error)
{
    g_autoptr(virConnect) connect = NULL;

    return open_own(self, &connect, error) && (virDomainRestoreFlags(connect, path, xml, 0) == 0 ||
                                               ferry_handle_failed(error, "restore", path));
}

bool
ferry_guests_saved_xml(FerryGuests *self, const char *path, char **ret, GError **error)
{
    g_autoptr(virConnect) connect = NULL;
    g_autoptr(GError) cause = NULL;
    char *xml = NULL;

    if (!ferry_guests_connect(self, &connect, error))
        return false;
    xml = virDomainSaveImageGetXMLDesc(connect, path, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE);
    if (xml == NULL) {
        (void)ferry_handle_failed(&cause, "read the guest that is saved in", path);
        g_set_error(error, FERRY_ERROR, cause->code,
                    "%s. Is it a file of \"ferry guest save\" or \"virsh save\"?", cause->message);
        return false;
    }
    *ret = g_strdup(xml);
    free(xml); /* libvirt's malloc, not GLib's */
    return true;
}

bool
ferry_guests_work(FerryGuests *self, const char *uuid, FerryGuestWork *ret, GError **error)
{
    g_autoptr(virDomain) domain = NULL;
    virDomainControlInfo control = { 0 };
    virDomainJobInfo job = { 0 };

    if (!ferry_handle_find(self, uuid, &domain, error))
        return false;
    *ret = FERRY_GUEST_IDLE;
    if (domain == NULL)
        return true;
    /* Either fails for a guest that does not run. */
    if ((virDomainGetJobInfo(domain, &job) == 0 && job.type != VIR_DOMAIN_JOB_NONE) ||
        (virDomainGetControlInfo(domain, &control, 0) == 0 &&
         control.state == VIR_DOMAIN_CONTROL_JOB))
        *ret = FERRY_GUEST_AT_WORK;
    return true;
}
