#include "base/crash.h"
#include "guest/look.h"
#include "migrate/hybrid.h"

static bool
xml(void *data, const char *uuid, char **ret, GError **error)
{
    return ferry_guests_xml(data, uuid, FERRY_GUESTS_XML_LIVE, ret, error);
}

static bool
attach(void *data, const char *uuid, const char *alias, const char *device_xml, GError **error)
{
    bool ok = false;

    ferry_crash_at(FERRY_CRASH_D_PLUG_BEFORE);
    ok = ferry_guests_attach(data, uuid, alias, device_xml, FERRY_DEVICE_LIVE, error);
    ferry_crash_at(FERRY_CRASH_D_PLUG_AFTER);
    return ok;
}

static bool
detach_ask(void *data,
           const char *uuid,
           const char *alias,
           FerryDetach *ret,
           char **ret_reason,
           GError **error)
{
    return ferry_guests_detach_ask(data, uuid, alias, ret, ret_reason, error);
}

static uint64_t
seen(void *data)
{
    return ferry_guests_seen(data);
}

static bool
device_kept(void *data, const char *uuid, const char *alias, uint64_t after)
{
    return ferry_guests_device_kept(data, uuid, alias, after);
}

static bool
set_link(void *data, const char *uuid, const char *alias, FerryLinkState state, GError **error)
{
    bool ok = false;

    ferry_crash_at(FERRY_CRASH_D_LINK_BEFORE);
    ok = ferry_guests_set_link(data, uuid, alias, state, error);
    ferry_crash_at(FERRY_CRASH_D_LINK_AFTER);
    return ok;
}

const FerryHybridGuestOps *
ferry_hybrid_guest_ops(void)
{
    static const FerryHybridGuestOps ops = { xml, attach, detach_ask, seen, device_kept, set_link };

    return &ops;
}
