#include "hybrid-world.h"

#include <errno.h>
#include <string.h>

static bool
is_dead(HybridWorld *self)
{
    self->n_calls++;
    return self->n_calls == self->fail_at ||
           (self->crash_at != 0 && self->n_calls >= self->crash_at);
}

/* Returns: whether the call may go on */
static bool
pass(HybridWorld *self, GError **error)
{
    if (!is_dead(self))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "told to fail");
    return false;
}

static void write_down(HybridWorld *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
write_down(HybridWorld *self, const char *format, ...)
{
    va_list args;

    g_string_append(self->log, self->log->len > 0 ? ", " : "");
    va_start(args, format);
    g_string_append_vprintf(self->log, format, args);
    va_end(args);
}

/* ---- the guest ---- */

static void
append_nic(const HybridWorld *self, GString *text, unsigned i)
{
    const HybridNic *nic = &self->nics[i];

    g_string_append_printf(text, "<interface type='%s'><mac address='52:54:00:00:0a:0%u'/>",
                           nic->netdev != NULL ? "direct" : "network", i + 1);
    if (nic->netdev != NULL)
        g_string_append_printf(text,
                               "<source network='net-x' portid='p' dev='%s' mode='bridge'/>"
                               "<target dev='macvtap%u'/>",
                               nic->netdev, i);
    else
        g_string_append(text, "<source network='net-x'/>");
    g_string_append_printf(
        text,
        "<model type='virtio'/><teaming type='persistent'/>%s<alias name='ua-net%u'/>"
        "<address type='pci' domain='0x0000' bus='0x0%u' slot='0x00' function='0x0'/>"
        "</interface>",
        nic->link_is_down ? "<link state='down'/>" : "", i, i + 1);
    if (nic->vf == NULL)
        return;
    g_auto(GStrv) at = g_strsplit_set(nic->vf, ":.", 4);
    g_string_append_printf(
        text,
        "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:0a:0%u'/><source>"
        "<address type='pci' domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'/></source>"
        "<teaming type='transient' persistent='ua-net%u'/><alias name='ua-net%u-vf'/></interface>",
        i + 1, at[0], at[1], at[2], at[3], i, i);
}

char *
hybrid_world_xml(const HybridWorld *self)
{
    g_autoptr(GString) text = g_string_new(
        "<domain type='qemu'><name>web</name><uuid>" HYBRID_UUID "</uuid><memory>1024</memory>"
        "<metadata><ferry:guest xmlns:ferry='urn:ferry:guest:1'>");

    for (unsigned i = 0; i < self->n_nics; i++)
        g_string_append_printf(text,
                               "<ferry:hybrid alias='ua-net%u' pool='net-x' "
                               "vf-alias='ua-net%u-vf' vf-address='0000:0%u:00.0' on-no-vf='%s'/>",
                               i, i, i + 5, self->on_no_vf);
    g_string_append(text, "</ferry:guest></metadata><os><type>hvm</type></os><devices>");
    for (unsigned i = 0; i < self->n_nics; i++)
        append_nic(self, text, i);
    g_string_append(text, "</devices></domain>");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

FerryDomain *
hybrid_world_domain(const HybridWorld *self)
{
    g_autofree char *xml = hybrid_world_xml(self);
    FerryDomain *domain = NULL;
    g_autoptr(GError) error = NULL;

    (void)ferry_domain_parse(xml, &domain, &error);
    g_assert_no_error(error);
    return domain;
}

static unsigned
index_of(const char *alias)
{
    g_assert_true(g_str_has_prefix(alias, "ua-net"));
    return (unsigned)(alias[strlen("ua-net")] - '0');
}

static bool
guest_xml(void *data, const char *uuid, char **ret, GError **error)
{
    g_assert_cmpstr(uuid, ==, HYBRID_UUID);
    if (!pass(data, error))
        return false;
    *ret = hybrid_world_xml(data);
    return true;
}

static bool
attach(void *data, const char *uuid, const char *alias, const char *device_xml, GError **error)
{
    HybridWorld *self = data;
    HybridNic *nic = &self->nics[index_of(alias)];
    g_autofree char *xml = g_strconcat("<domain type='qemu'><name>g</name><uuid>" HYBRID_UUID
                                       "</uuid><memory>1</memory><devices><interface type='user'>"
                                       "<mac address='52:54:00:00:0a:01'/><alias name='ua-net0'/>"
                                       "</interface><interface type='user'>"
                                       "<mac address='52:54:00:00:0a:02'/><alias name='ua-net1'/>"
                                       "</interface>",
                                       device_xml, "</devices></domain>", NULL);
    g_autoptr(FerryDomain) domain = NULL;

    g_assert_cmpstr(uuid, ==, HYBRID_UUID);
    if (!pass(self, error))
        return false;
    if (self->attach_error != NULL) {
        g_set_error_literal(error, FERRY_ERROR, FERRY_ERROR_IO, self->attach_error);
        return false;
    }
    (void)ferry_domain_parse(xml, &domain, error);
    g_assert_nonnull(domain); /* also: the pair's MACs are equal */
    g_assert_null(nic->vf);
    nic->vf = g_strdup(ferry_domain_device(domain, alias)->source);
    world_open(self->world, 100 + index_of(alias), "web", nic->vf);
    write_down(self, "attach %u %s", index_of(alias), nic->vf);
    return true;
}

void
hybrid_world_let_go(HybridWorld *self, unsigned nic)
{
    world_close(self->world, 100 + nic);
    g_clear_pointer(&self->nics[nic].vf, g_free);
    hybrid_world_drive(self);
}

static bool
detach_ask(void *data,
           const char *uuid,
           const char *alias,
           FerryDetach *ret,
           char **ret_reason,
           GError **error)
{
    HybridWorld *self = data;

    (void)uuid;
    if (!pass(self, error))
        return false;
    self->n_asked++;
    *ret = self->answer;
    *ret_reason = self->answer == FERRY_DETACH_REFUSED ? g_strdup("no hot-plug") : NULL;
    write_down(self, "ask %u", index_of(alias));
    if (self->answer == FERRY_DETACH_ASKED && self->lets_go)
        hybrid_world_let_go(self, index_of(alias));
    return true;
}

static uint64_t
seen(void *data)
{
    (void)data;
    return 41;
}

static bool
device_kept(void *data, const char *uuid, const char *alias, uint64_t after)
{
    const HybridWorld *self = data;

    (void)uuid;
    (void)alias;
    g_assert_cmpuint(after, ==, 41);
    return self->keeps;
}

static bool
set_link(void *data, const char *uuid, const char *alias, FerryLinkState state, GError **error)
{
    HybridWorld *self = data;
    HybridNic *nic = &self->nics[index_of(alias)];

    (void)uuid;
    if (!pass(self, error))
        return false;
    if (nic->link_is_down == (state == FERRY_LINK_DOWN))
        return true;
    nic->link_is_down = state == FERRY_LINK_DOWN;
    write_down(self, "link %u %s", index_of(alias), ferry_link_state_name(state));
    return true;
}

/* ---- the kernel ---- */

static void
put_flags(HybridWorld *self, unsigned nic, const char *flags)
{
    g_autofree char *path = g_strdup_printf("sys/class/net/macvtap%u/flags", nic);

    tree_file(self->world->tree, path, flags);
}

static void
put_mac(HybridWorld *self, unsigned nic, const char *mac)
{
    g_autofree char *path = g_strdup_printf("sys/class/net/macvtap%u/address", nic);

    tree_file(self->world->tree, path, mac);
}

static int
change_netdev(HybridWorld *self, const char *netdev, const char *flags, const char *word)
{
    const unsigned nic = (unsigned)(netdev[strlen("macvtap")] - '0');

    if (is_dead(self))
        return EPERM;
    put_flags(self, nic, flags);
    write_down(self, "netdev %u %s", nic, word);
    return 0;
}

static int
set_up(void *data, const char *netdev)
{
    return change_netdev(data, netdev, "0x1003\n", "up");
}

static int
set_down(void *data, const char *netdev)
{
    return change_netdev(data, netdev, "0x1002\n", "down");
}

static int
set_address(void *data, const char *netdev, const char *mac)
{
    HybridWorld *self = data;
    const unsigned nic = (unsigned)(netdev[strlen("macvtap")] - '0');

    if (is_dead(self))
        return EPERM;
    put_mac(self, nic, mac);
    write_down(self, "mac %u %.2s", nic, mac);
    return 0;
}

bool
hybrid_world_macvtap_receives(const HybridWorld *self, unsigned nic)
{
    g_autofree char *name = g_strdup_printf("macvtap%u", nic);
    g_autofree char *mac = ferry_netdev_address(self->world->tree->root, name);

    return g_str_has_prefix(mac, "52");
}

bool
hybrid_world_macvtap_is_up(const HybridWorld *self, unsigned nic)
{
    g_autofree char *name = g_strdup_printf("macvtap%u", nic);

    return ferry_netdev_is_up(self->world->tree->root, name);
}

void
hybrid_world_drive(HybridWorld *self)
{
    g_autoptr(GString) text = g_string_new("           CPU0\n");

    for (unsigned i = 0; i < self->n_nics; i++)
        if (self->nics[i].vf != NULL)
            g_string_append_printf(text, "%u:  7  PCI-MSIX 0-edge vfio-msix[0](%s)\n", i,
                                   self->nics[i].vf);
    tree_file(self->world->tree, "proc/interrupts", text->str);
}

void
hybrid_world_leave(HybridWorld *self)
{
    tree_file(self->world->tree, "proc/interrupts", "           CPU0\n");
}

/* ---- claims: real ones ---- */

static bool
claim(void *data, const FerryNeed *need, FerryClaimRow **ret, json_t **ret_reasons, GError **error)
{
    HybridWorld *self = data;

    return pass(self, error) &&
           ferry_pools_claim(self->world->pools, need, ret, ret_reasons, error);
}

static bool
prepare(void *data, int64_t generation, json_t **ret_reasons, GError **error)
{
    HybridWorld *self = data;

    return pass(self, error) &&
           ferry_pools_prepare(self->world->pools, generation, ret_reasons, error);
}

static bool
keep(void *data, int64_t generation, GError **error)
{
    HybridWorld *self = data;

    return pass(self, error) && ferry_pools_keep(self->world->pools, generation, error);
}

static bool
release(void *data, int64_t generation, unsigned limit_ms, GError **error)
{
    HybridWorld *self = data;

    return pass(self, error) &&
           ferry_pools_release(self->world->pools, generation, limit_ms, error);
}

static bool
list(void *data, const char *guest_uuid, GPtrArray **ret, GError **error)
{
    HybridWorld *self = data;

    return pass(self, error) && ferry_pools_claims(self->world->pools, guest_uuid, ret, error);
}

static bool
find_pool(void *data, const char *name, FerryPool **ret, GError **error)
{
    HybridWorld *self = data;

    return pass(self, error) && ferry_pools_find(self->world->pools, name, ret, error);
}

static FerryInventory *
inventory(void *data)
{
    const HybridWorld *self = data;

    return world_inventory(self->world);
}

static int64_t
now_ms(const FerryClock *clock)
{
    return ((const HybridWorld *)((const char *)clock - offsetof(HybridWorld, clock)))->now_ms;
}

static const FerryHybridGuestOps guest_ops = { guest_xml, attach,      detach_ask,
                                               seen,      device_kept, set_link };
static const FerryClaimOps claim_ops = { claim, prepare, keep, release, list };
static const FerryNetdevOps netdev_ops = { set_up, set_down, set_address };

HybridWorld *
hybrid_world_new(const char *pool, unsigned n_nics)
{
    HybridWorld *self = g_new0(HybridWorld, 1);

    self->world = world_new_two_ports();
    if (pool != NULL)
        world_define(self->world, pool);
    self->n_nics = n_nics;
    self->on_no_vf = "refuse";
    self->answer = FERRY_DETACH_ASKED;
    self->lets_go = true;
    self->log = g_string_new(NULL);
    self->clock = (FerryClock){ .now_ms = now_ms };
    for (unsigned i = 0; i < n_nics; i++) {
        self->nics[i].netdev = "eth3";
        put_flags(self, i, "0x1003\n");
        put_mac(self, i, i == 0 ? "52:54:00:00:0a:01" : "52:54:00:00:0a:02");
    }
    hybrid_world_leave(self);
    self->config = (FerryHybridsConfig){ .guest = &guest_ops,
                                         .guest_data = self,
                                         .claims = &claim_ops,
                                         .claims_data = self,
                                         .find_pool = find_pool,
                                         .pools_data = self,
                                         .inventory = inventory,
                                         .inventory_data = self,
                                         .netdevs = &netdev_ops,
                                         .netdevs_data = self,
                                         .root = self->world->tree->root,
                                         .settle_ms = 3000,
                                         .clock = &self->clock };
    self->hybrids = ferry_hybrids_new(&self->config);
    return self;
}

void
hybrid_world_free(HybridWorld *self)
{
    ferry_hybrids_free(self->hybrids);
    for (unsigned i = 0; i < self->n_nics; i++)
        g_free(self->nics[i].vf);
    g_string_free(self->log, TRUE);
    world_free(self->world);
    g_free(self);
}

void
hybrid_world_restart(HybridWorld *self)
{
    ferry_hybrids_free(self->hybrids);
    world_reopen(self->world);
    self->crash_at = self->fail_at = 0;
    self->hybrids = ferry_hybrids_new(&self->config);
}

unsigned
hybrid_world_look(HybridWorld *self, unsigned ms)
{
    g_autoptr(FerryDomain) domain = hybrid_world_domain(self);
    unsigned again_ms = 0;
    g_autoptr(GError) error = NULL;

    self->now_ms += ms;
    (void)ferry_hybrid_look(self->hybrids, HYBRID_UUID, domain, &again_ms, &error);
    g_assert_no_error(error);
    return again_ms;
}

char *
hybrid_world_states(HybridWorld *self)
{
    g_autoptr(FerryDomain) domain = hybrid_world_domain(self);
    json_t *rows = ferry_hybrid_describe(self->hybrids, HYBRID_UUID, domain);
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *vf = json_string_value(json_object_get(row, "vf"));
        const char *why = json_string_value(json_object_get(row, "reason"));

        g_string_append_printf(text, "%s%s%s%s%s%s", i > 0 ? ", " : "",
                               json_string_value(json_object_get(row, "state")),
                               vf != NULL ? " " : "", vf != NULL ? vf : "", why != NULL ? ": " : "",
                               why != NULL ? why : "");
    }
    json_decref(rows);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

unsigned
hybrid_world_n_claims(HybridWorld *self)
{
    g_autoptr(GPtrArray) claims = NULL;

    g_assert_true(ferry_pools_claims(self->world->pools, NULL, &claims, NULL));
    return claims->len;
}

void
hybrid_world_assert_log(HybridWorld *self, const char *expected)
{
    g_assert_cmpstr(self->log->str, ==, expected);
    g_string_truncate(self->log, 0);
}

void
hybrid_world_assert_working(HybridWorld *self)
{
    for (unsigned i = 0; i < self->n_nics; i++) {
        const bool virtio = !self->nics[i].link_is_down && hybrid_world_macvtap_is_up(self, i) &&
                            hybrid_world_macvtap_receives(self, i);
        const bool vf = self->nics[i].vf != NULL &&
                        ferry_vfio_is_driven(self->world->tree->root, self->nics[i].vf);

        g_assert_true(virtio || vf);
    }
}
