#include "host/vf.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

/* sriov-cni waits as long for a VF that resets. */
#define BUSY_TRIES    20
#define BUSY_PAUSE_MS 50

static const char *const field_names[] = { "MAC",        "VLAN", "spoof check", "trust",
                                           "link state", "rate", "RSS query" };
G_STATIC_ASSERT(G_N_ELEMENTS(field_names) == FERRY_VF_N_FIELDS);

static bool
refuse(GError **error, const char *what, const char *netdev, unsigned index, int code)
{
    FerryErrorCode ferry = FERRY_ERROR_IO;

    if (code == ENOENT || code == ENODEV)
        ferry = FERRY_ERROR_NOT_FOUND;
    else if (code == EPERM || code == EACCES)
        ferry = FERRY_ERROR_DENIED;
    else if (code == EBUSY || code == EAGAIN)
        ferry = FERRY_ERROR_BUSY;
    g_set_error(error, FERRY_ERROR, ferry, "cannot %s of VF %u of %s: %s", what, index, netdev,
                ferry == FERRY_ERROR_NOT_FOUND ? "there is no such netdev, or it has no such VF"
                                               : g_strerror(code));
    return false;
}

bool
ferry_vf_read(const FerryVfOps *ops,
              void *data,
              const char *netdev,
              unsigned index,
              FerryVfSettings *ret,
              GError **error)
{
    FerryVfSettings settings = { 0 };
    const int code = ops->get(data, netdev, index, &settings);

    if (code != 0)
        return refuse(error, "read the settings", netdev, index, code);
    *ret = settings;
    return true;
}

FerryVfFields
ferry_vf_compare(const FerryVfSettings *a, const FerryVfSettings *b)
{
    const bool differs[FERRY_VF_N_FIELDS] = {
        memcmp(a->mac, b->mac, sizeof(a->mac)) != 0,
        a->vlan != b->vlan || a->vlan_priority != b->vlan_priority ||
            a->vlan_protocol != b->vlan_protocol,
        a->spoof_check != b->spoof_check,
        a->trust != b->trust,
        a->link_state != b->link_state,
        a->min_rate_mbps != b->min_rate_mbps || a->max_rate_mbps != b->max_rate_mbps,
        a->rss_query != b->rss_query,
    };
    FerryVfFields fields = 0;

    for (unsigned i = 0; i < FERRY_VF_N_FIELDS; i++)
        if (differs[i])
            fields |= 1u << i;
    return fields & a->known & b->known;
}

static int
set_patiently(const FerryVfOps *ops,
              void *data,
              const char *netdev,
              unsigned index,
              const FerryVfSettings *settings,
              FerryVfFields field)
{
    int code = ops->set(data, netdev, index, settings, field);

    for (int i = 0; (code == EBUSY || code == EAGAIN) && i < BUSY_TRIES; i++) {
        ops->pause(data, BUSY_PAUSE_MS);
        code = ops->set(data, netdev, index, settings, field);
    }
    return code;
}

bool
ferry_vf_write(const FerryVfOps *ops,
               void *data,
               const char *netdev,
               unsigned index,
               const FerryVfSettings *settings,
               FerryVfFields fields,
               FerryVfFields *unsupported,
               GError **error)
{
    FerryVfSettings now = { 0 };
    FerryVfFields lacking = 0;
    FerryVfFields wanted = 0;

    if (!ferry_vf_read(ops, data, netdev, index, &now, error))
        return false;
    /* what the driver does not tell may be settable all the same */
    wanted = fields & settings->known & (ferry_vf_compare(settings, &now) | ~now.known);
    for (unsigned i = 0; i < FERRY_VF_N_FIELDS; i++) {
        const FerryVfFields field = 1u << i;
        g_autofree char *what = g_strconcat("set the ", field_names[i], NULL);
        int code = 0;

        if ((wanted & field) == 0)
            continue;
        code = set_patiently(ops, data, netdev, index, settings, field);
        if (code == EOPNOTSUPP)
            lacking |= field;
        else if (code != 0)
            return refuse(error, what, netdev, index, code);
    }
    if (unsupported != NULL)
        *unsupported = lacking;
    return true;
}
