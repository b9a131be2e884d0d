#include "pool/pool.h"

#include <string.h>

#include "base/error.h"

static const char *const policy_names[] = {
    [FERRY_POLICY_OF_POOL] = "pool",
    [FERRY_POLICY_FIRST] = "first",
    [FERRY_POLICY_PACK] = "pack",
    [FERRY_POLICY_SPREAD] = "spread",
};
G_STATIC_ASSERT(G_N_ELEMENTS(policy_names) == FERRY_N_POLICIES);

const char *
ferry_policy_name(FerryPolicy policy)
{
    g_assert(policy < FERRY_N_POLICIES);
    return policy_names[policy];
}

bool
ferry_policy_parse(const char *name, FerryPolicy *ret)
{
    for (FerryPolicy policy = FERRY_POLICY_FIRST; policy < FERRY_N_POLICIES; policy++) {
        if (strcmp(name, policy_names[policy]) == 0) {
            *ret = policy;
            return true;
        }
    }
    return false;
}

FerryPool *
ferry_pool_new(const char *name, FerryPoolKind kind)
{
    FerryPool *self = g_new0(FerryPool, 1);

    self->name = g_strdup(name);
    self->kind = kind;
    self->policy = FERRY_POLICY_FIRST;
    self->pfs = g_ptr_array_new_with_free_func(g_free);
    self->addresses = g_ptr_array_new_with_free_func(g_free);
    self->parents = g_ptr_array_new_with_free_func(g_free);
    self->types = g_ptr_array_new_with_free_func(g_free);
    return self;
}

static void
copy_list(GPtrArray *to, const GPtrArray *from)
{
    for (guint i = 0; i < from->len; i++)
        g_ptr_array_add(to, g_strdup(g_ptr_array_index(from, i)));
}

FerryPool *
ferry_pool_copy(const FerryPool *self)
{
    FerryPool *copy = ferry_pool_new(self->name, self->kind);

    copy->policy = self->policy;
    copy_list(copy->pfs, self->pfs);
    copy_list(copy->addresses, self->addresses);
    copy_list(copy->parents, self->parents);
    copy_list(copy->types, self->types);
    copy->vlan = self->vlan;
    copy->hybrid = self->hybrid;
    copy->ephemeral = self->ephemeral;
    copy->driver_model = g_strdup(self->driver_model);
    copy->port_profile = g_strdup(self->port_profile);
    return copy;
}

void
ferry_pool_free(FerryPool *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_ptr_array_unref(self->pfs);
    g_ptr_array_unref(self->addresses);
    g_ptr_array_unref(self->parents);
    g_ptr_array_unref(self->types);
    g_free(self->driver_model);
    g_free(self->port_profile);
    g_free(self);
}

static bool refuse(GError **error, const FerryPool *self, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static bool
refuse(GError **error, const FerryPool *self, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "pool %s: %s", self->name, why);
    return false;
}

/* It becomes a network's name, a word on a command line and a part of a path. */
static bool
check_name(const FerryPool *self, GError **error)
{
    const char *name = self->name;
    const size_t length = strlen(name);

    for (size_t i = 0; i < length; i++)
        if (g_ascii_iscntrl(name[i]) || name[i] == '/')
            return refuse(error, self, "a name has no \"/\" and no control characters");
    if (length == 0 || length > FERRY_POOL_MAX_NAME || name[0] == '-' || name[0] == '.')
        return refuse(error, self,
                      "a name has 1 to %d bytes, and does not begin with \"-\" or \".\"",
                      FERRY_POOL_MAX_NAME);
    return true;
}

/* Nothing here may lead out of the folder of sysfs in which it is looked for. */
static bool
check_list(const FerryPool *self, const char *what, const GPtrArray *list, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    if (list->len > FERRY_POOL_MAX_MEMBERS)
        return refuse(error, self, "more than %d in \"%s\"", FERRY_POOL_MAX_MEMBERS, what);
    for (guint i = 0; i < list->len; i++) {
        char *text = g_ptr_array_index(list, i);

        if (text[0] == '\0' || text[0] == '.' || strlen(text) > 255 || strchr(text, '/') != NULL)
            return refuse(error, self, "\"%s\" in \"%s\" is no name of a device or type", text,
                          what);
        if (!g_hash_table_add(seen, text))
            return refuse(error, self, "\"%s\" stands twice in \"%s\": take one out", text, what);
    }
    return true;
}

static bool
check_vf_pool(const FerryPool *self, GError **error)
{
    if (self->parents->len + self->types->len > 0)
        return refuse(error, self, "it has VFs or mediated devices, not both");
    if (self->pfs->len + self->addresses->len == 0)
        return refuse(error, self, "no members: name PFs, or parents and types");
    if (self->pfs->len > 0 && self->addresses->len > 0)
        return refuse(error, self, "name PFs or the addresses of VFs, not both");
    if (self->hybrid && self->addresses->len > 0)
        return refuse(error, self,
                      "a hybrid's virtio half needs its VF's PF: name PFs, not addresses");
    if (self->vlan > 4094)
        return refuse(error, self, "%u is not a VLAN from 1 to 4094", self->vlan);
    if (self->port_profile != NULL && (self->hybrid || self->vlan != 0))
        return refuse(error, self, "a port profile goes neither with a hybrid nor with a VLAN");
    return true;
}

static bool
check_mdev_pool(const FerryPool *self, GError **error)
{
    if (self->pfs->len + self->addresses->len > 0)
        return refuse(error, self, "it has VFs or mediated devices, not both");
    if (self->parents->len == 0 || self->types->len == 0)
        return refuse(error, self, "mediated devices need at least one parent and one type");
    if (self->hybrid || self->vlan != 0 || self->driver_model != NULL || self->port_profile != NULL)
        return refuse(error, self,
                      "\"hybrid\", \"vlan\", \"driver_model\" and \"port_profile\" "
                      "are for VFs");
    return true;
}

bool
ferry_pool_check(const FerryPool *self, GError **error)
{
    if (!check_name(self, error) || !check_list(self, "pfs", self->pfs, error) ||
        !check_list(self, "addresses", self->addresses, error) ||
        !check_list(self, "parents", self->parents, error) ||
        !check_list(self, "types", self->types, error))
        return false;
    return self->kind == FERRY_POOL_VF ? check_vf_pool(self, error) : check_mdev_pool(self, error);
}

bool
ferry_pool_from_network(const FerryNetwork *network, FerryPool **ret, GError **error)
{
    g_autoptr(FerryPool) self = ferry_pool_new(network->name, FERRY_POOL_VF);

    if (network->mode != FERRY_NETWORK_HOSTDEV && network->mode != FERRY_NETWORK_HYBRID)
        return refuse(error, self,
                      "the network has no VFs: its forward mode is neither hostdev nor "
                      "hostdev-hybrid. libvirt runs it: \"virsh net-define\"");
    copy_list(self->pfs, network->pfs);
    copy_list(self->addresses, network->addresses);
    self->vlan = network->vlan;
    self->hybrid = network->mode == FERRY_NETWORK_HYBRID;
    self->ephemeral = network->ephemeral;
    self->driver_model = g_strdup(network->driver_model);
    self->port_profile = g_strdup(network->profile);
    if (!ferry_pool_check(self, error))
        return false;
    *ret = g_steal_pointer(&self);
    return true;
}
