/*
 * VF settings by RTM_GETLINK and RTM_SETLINK, through libnl-route-3.  One message sets one field: a
 * driver that lacks one of them refuses the whole message, and nobody could tell which.
 */
#include <errno.h>
#include <string.h>

#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/sriov.h>

#include "host/vf.h"

/* Some hundred VFs are more than a page: the kernel would cut the list. */
#define MESSAGE_BYTES ((size_t)256 * 1024)

typedef struct nl_sock Socket;
typedef struct rtnl_link Link;
typedef struct rtnl_link_vf Vf;
typedef struct nl_addr Address;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Socket, nl_socket_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Link, rtnl_link_put)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vf, rtnl_link_vf_put)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Address, nl_addr_put)

static const struct {
    int library;
    int code;
} errnos[] = {
    { NLE_OPNOTSUPP, EOPNOTSUPP }, { NLE_BUSY, EBUSY },   { NLE_AGAIN, EAGAIN },
    { NLE_PERM, EPERM },           { NLE_NODEV, ENODEV }, { NLE_OBJ_NOTFOUND, ENODEV },
    { NLE_INVAL, EINVAL },         { NLE_RANGE, ERANGE }, { NLE_NOMEM, ENOMEM },
    { NLE_NOACCESS, EACCES },      { NLE_EXIST, EEXIST },
};

static int
to_errno(int library)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errnos); i++)
        if (errnos[i].library == -library)
            return errnos[i].code;
    return library == 0 ? 0 : EIO;
}

static int
open_link(const char *netdev, Socket **ret_socket, Link **ret)
{
    g_autoptr(Socket) socket = nl_socket_alloc();
    g_autoptr(Link) link = NULL;
    int code = 0;

    if (socket == NULL)
        return ENOMEM;
    code = nl_connect(socket, NETLINK_ROUTE);
    if (code < 0)
        return to_errno(code);
    (void)nl_socket_set_msg_buf_size(socket, MESSAGE_BYTES);
    code = rtnl_link_get_kernel(socket, 0, netdev, &link);
    if (code < 0)
        return to_errno(code);
    *ret_socket = g_steal_pointer(&socket);
    *ret = g_steal_pointer(&link);
    return 0;
}

static void
take_mac(Vf *vf, FerryVfSettings *ret)
{
    Address *address = NULL; /* it stays the VF's */

    if (rtnl_link_vf_get_addr(vf, &address) < 0 || nl_addr_get_len(address) < sizeof(ret->mac))
        return;
    memcpy(ret->mac, nl_addr_get_binary_addr(address), sizeof(ret->mac));
    ret->known |= FERRY_VF_MAC;
}

static void
take_vlan(Vf *vf, FerryVfSettings *ret)
{
    nl_vf_vlans_t *vlans = NULL;

    if (rtnl_link_vf_get_vlans(vf, &vlans) < 0)
        return;
    if (vlans->size > 0) {
        ret->vlan = (uint16_t)vlans->vlans[0].vf_vlan;
        ret->vlan_priority = (uint8_t)vlans->vlans[0].vf_vlan_qos;
        ret->vlan_protocol = vlans->vlans[0].vf_vlan_proto;
    }
    rtnl_link_vf_vlan_put(vlans);
    ret->known |= FERRY_VF_VLAN;
}

static void
take_rate(Vf *vf, FerryVfSettings *ret)
{
    struct nl_vf_rate rate = { 0 };

    if (rtnl_link_vf_get_rate(vf, &rate) < 0)
        return;
    ret->min_rate_mbps = rate.min_tx_rate;
    ret->max_rate_mbps = rate.api == RTNL_LINK_VF_RATE_API_NEW ? rate.max_tx_rate : rate.rate;
    ret->known |= FERRY_VF_RATE;
}

/* The kernel says -1 where the driver has no such setting. */
static bool
take_number(int (*get)(Vf *, uint32_t *),
            Vf *vf,
            FerryVfFields field,
            uint32_t *ret,
            FerryVfSettings *all)
{
    if (get(vf, ret) < 0 || *ret > 2)
        return false;
    all->known |= field;
    return true;
}

static int
netlink_get(void *data, const char *netdev, unsigned index, FerryVfSettings *ret)
{
    g_autoptr(Socket) socket = NULL;
    g_autoptr(Link) link = NULL;
    g_autoptr(Vf) vf = NULL;
    uint32_t number = 0;
    const int code = open_link(netdev, &socket, &link);

    (void)data;
    if (code != 0)
        return code;
    if (!rtnl_link_has_vf_list(link)) /* libnl 3.7 looks into the list that is not there */
        return ENOENT;
    vf = rtnl_link_vf_get(link, index);
    if (vf == NULL)
        return ENOENT;
    take_mac(vf, ret);
    take_vlan(vf, ret);
    take_rate(vf, ret);
    if (take_number(rtnl_link_vf_get_spoofchk, vf, FERRY_VF_SPOOF_CHECK, &number, ret))
        ret->spoof_check = number != 0;
    if (take_number(rtnl_link_vf_get_trust, vf, FERRY_VF_TRUST, &number, ret))
        ret->trust = number != 0;
    if (take_number(rtnl_link_vf_get_linkstate, vf, FERRY_VF_LINK_STATE, &number, ret))
        ret->link_state = (uint8_t)number;
    if (take_number(rtnl_link_vf_get_rss_query_en, vf, FERRY_VF_RSS_QUERY, &number, ret))
        ret->rss_query = number != 0;
    return 0;
}

static int
put_mac(Vf *vf, const FerryVfSettings *settings)
{
    g_autoptr(Address) address = nl_addr_build(AF_LLC, settings->mac, sizeof(settings->mac));

    if (address == NULL)
        return ENOMEM;
    rtnl_link_vf_set_addr(vf, address); /* takes a reference of its own */
    return 0;
}

static int
put_vlan(Vf *vf, const FerryVfSettings *settings)
{
    nl_vf_vlans_t *vlans = NULL;

    if (rtnl_link_vf_vlan_alloc(&vlans, 1) < 0)
        return ENOMEM;
    vlans->vlans[0].vf_vlan = settings->vlan;
    vlans->vlans[0].vf_vlan_qos = settings->vlan_priority;
    vlans->vlans[0].vf_vlan_proto = settings->vlan_protocol;
    rtnl_link_vf_set_vlans(vf, vlans); /* takes a reference of its own */
    rtnl_link_vf_vlan_put(vlans);
    return 0;
}

static int
put_field(Vf *vf, const FerryVfSettings *settings, FerryVfFields field)
{
    struct nl_vf_rate rate = { .api = RTNL_LINK_VF_RATE_API_NEW,
                               .min_tx_rate = settings->min_rate_mbps,
                               .max_tx_rate = settings->max_rate_mbps };

    if (field == FERRY_VF_MAC)
        return put_mac(vf, settings);
    if (field == FERRY_VF_VLAN)
        return put_vlan(vf, settings);
    if (field == FERRY_VF_RATE)
        rtnl_link_vf_set_rate(vf, &rate);
    else if (field == FERRY_VF_SPOOF_CHECK)
        rtnl_link_vf_set_spoofchk(vf, settings->spoof_check);
    else if (field == FERRY_VF_TRUST)
        rtnl_link_vf_set_trust(vf, settings->trust);
    else if (field == FERRY_VF_LINK_STATE)
        rtnl_link_vf_set_linkstate(vf, settings->link_state);
    else
        rtnl_link_vf_set_rss_query_en(vf, settings->rss_query);
    return 0;
}

static int
netlink_set(void *data,
            const char *netdev,
            unsigned index,
            const FerryVfSettings *settings,
            FerryVfFields field)
{
    g_autoptr(Socket) socket = NULL;
    g_autoptr(Link) link = NULL;
    g_autoptr(Link) changes = rtnl_link_alloc();
    Vf *vf = NULL;
    int code = open_link(netdev, &socket, &link);

    (void)data;
    if (code != 0)
        return code;
    vf = rtnl_link_vf_alloc();
    rtnl_link_vf_set_index(vf, index);
    code = put_field(vf, settings, field);
    (void)rtnl_link_vf_add(changes, vf); /* it belongs to the list now */
    if (code != 0)
        return code;
    rtnl_link_set_vf_list(changes);
    return to_errno(rtnl_link_change(socket, link, changes, 0));
}

static void
netlink_pause(void *data, unsigned ms)
{
    (void)data;
    g_usleep((gulong)ms * 1000);
}

const FerryVfOps *
ferry_vf_netlink(void)
{
    static const FerryVfOps ops = { netlink_get, netlink_set, netlink_pause };

    return &ops;
}
