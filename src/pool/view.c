#include "pool/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "host/mediated.h"
#include "host/pci.h"
#include "host/sysfs.h"
#include "pool/members.h"

static const char *const state_names[] = {
    [FERRY_SLOT_FREE] = "free",
    [FERRY_SLOT_CLAIMED] = "claimed",
    [FERRY_SLOT_FOREIGN] = "foreign",
    [FERRY_SLOT_GONE] = "gone",
};
G_STATIC_ASSERT(G_N_ELEMENTS(state_names) == FERRY_N_SLOT_STATES);

const char *
ferry_slot_state_name(FerrySlotState state)
{
    g_assert(state < FERRY_N_SLOT_STATES);
    return state_names[state];
}

static void
slot_free(gpointer data)
{
    FerrySlot *self = data;

    g_free(self->id);
    g_free(self->device);
    g_free(self->who);
    ferry_claim_row_free(self->claim);
    g_free(self);
}

FerryMember *
ferry_member_new(const char *name)
{
    FerryMember *self = g_new0(FerryMember, 1);

    self->name = g_strdup(name);
    self->slots = g_ptr_array_new_with_free_func(slot_free);
    return self;
}

void
ferry_member_free(FerryMember *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->device);
    g_free(self->netdev);
    g_free(self->link);
    g_ptr_array_unref(self->slots);
    g_clear_pointer(&self->types, g_ptr_array_unref);
    g_free(self);
}

void
ferry_member_add_slot(FerryMember *self,
                      char *id,
                      FerrySlotState state,
                      const char *device,
                      char *who,
                      const FerryClaimRow *claim)
{
    FerrySlot *slot = g_new0(FerrySlot, 1);

    slot->id = id;
    slot->state = state;
    slot->device = g_strdup(device);
    slot->who = who;
    slot->claim = claim != NULL ? ferry_claim_row_copy(claim) : NULL;
    g_ptr_array_add(self->slots, slot);
}

const FerrySlotType *
ferry_member_type(const FerryMember *member, const char *id)
{
    for (guint i = 0; member->types != NULL && i < member->types->len; i++) {
        const FerrySlotType *type = g_ptr_array_index(member->types, i);

        if (strcmp(type->id, id) == 0)
            return type;
    }
    return NULL;
}

char *
ferry_claim_describe(const FerryClaimRow *claim)
{
    if (claim->guest_uuid[0] == '\0')
        return g_strdup_printf("claim %" G_GINT64_FORMAT " (%s)", claim->generation, claim->alias);
    return g_strdup_printf("guest %s (%s)",
                           claim->guest_name[0] != '\0' ? claim->guest_name : claim->guest_uuid,
                           claim->alias);
}

char *
ferry_slot_of_vf(const char *pf, unsigned index)
{
    return g_strdup_printf("%s/vf%u", pf, index);
}

bool
ferry_slot_parse_vf(const char *slot, char **ret_pf, unsigned *ret_index)
{
    const char *found = strrchr(slot, '/');
    guint64 index = 0;

    if (found == NULL || !g_str_has_prefix(found, "/vf") ||
        !g_ascii_string_to_unsigned(found + strlen("/vf"), 10, 0, G_MAXUINT16, &index, NULL))
        return false;
    *ret_pf = g_strndup(slot, (gsize)(found - slot));
    *ret_index = (unsigned)index;
    return true;
}

void
ferry_slot_parse_mdev(const char *slot, char **ret_parent, char **ret_type)
{
    const char *found = strchr(slot, '/');

    g_assert(found != NULL); /* we wrote it */
    *ret_parent = g_strndup(slot, (gsize)(found - slot));
    *ret_type = g_strdup(found + 1);
}

bool
ferry_pf_is_named(const char *name, const FerryHostDevice *pf)
{
    return strcmp(name, pf->name) == 0 || g_strcmp0(name, pf->netdev) == 0;
}

const FerryHostDevice *
ferry_pf_find(const FerryInventory *inventory, const char *name)
{
    const FerryHostDevice *device = ferry_inventory_find(inventory, name);

    if (device == NULL)
        device = ferry_inventory_find_netdev(inventory, name);
    return device != NULL && (device->roles & FERRY_HOST_PF) != 0 ? device : NULL;
}

FerryHostDevice *
ferry_mdev_look(int root, const char *uuid)
{
    FERRY_AUTOFD int devices = ferry_sysfs_open(root, "sys/bus/mdev/devices");
    FerryHostDevice *mdev = devices >= 0 ? ferry_mediated_read(devices, uuid) : NULL;

    if (mdev != NULL)
        ferry_pci_read_cdev(mdev, devices);
    return mdev;
}

char *
ferry_libvirt_file_name(const FerryHostDevice *pf, unsigned index)
{
    return g_strdup_printf("%s_vf%u", pf->netdev != NULL ? pf->netdev : "", index);
}

char *
ferry_libvirt_file(int root, const FerryHostDevice *pf, unsigned index)
{
    g_autofree char *name = ferry_libvirt_file_name(pf, index);
    g_autofree char *path = g_strconcat(FERRY_LIBVIRT_FILES, name, NULL);

    if (pf->netdev == NULL || faccessat(root, path, F_OK, 0) < 0)
        return NULL;
    return g_steal_pointer(&path);
}

FerryPoolView *
ferry_pool_view_new(const FerryLook *look, FerryPool *pool)
{
    FerryPoolView *self = g_new0(FerryPoolView, 1);

    self->pool = pool;
    self->members = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_member_free);
    if (pool->kind == FERRY_POOL_VF)
        ferry_members_of_vfs(look, self);
    else
        ferry_members_of_mdevs(look, self);
    for (guint i = 0; i < self->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(self->members, i);

        self->used += member->used;
        self->total += member->total;
        self->n_without_link += member->without_link ? member->total : 0;
    }
    return self;
}

void
ferry_pool_view_free(FerryPoolView *self)
{
    if (self == NULL)
        return;
    ferry_pool_free(self->pool);
    g_ptr_array_unref(self->members);
    g_free(self);
}

const FerrySlot *
ferry_pool_view_slot(const FerryPoolView *self, const char *id)
{
    for (guint i = 0; i < self->members->len; i++) {
        const FerryMember *member = g_ptr_array_index(self->members, i);

        for (guint n = 0; n < member->slots->len; n++) {
            const FerrySlot *slot = g_ptr_array_index(member->slots, n);

            if (strcmp(slot->id, id) == 0)
                return slot;
        }
    }
    return NULL;
}

char *
ferry_pool_view_degraded(const FerryPoolView *self)
{
    if (self->n_without_link == 0)
        return NULL;
    return g_strdup_printf("degraded: %u of %u on a PF without link", self->n_without_link,
                           self->total);
}
