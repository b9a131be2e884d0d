#include <string.h>

#include "base/file.h"
#include "host/sysfs.h"
#include "pool/members.h"

/* IFF_UP of linux/if.h: somebody brought the netdev up, be its cable plugged or not. */
#define NETDEV_IS_UP 1

/* One view on its way. */
typedef struct {
    const FerryLook *look;
    FerryPoolView *view;
    GHashTable *libvirts; /* names of the files that libvirt keeps: one folder for a thousand VFs */
} Viewing;

static const FerryClaimRow *
claim_of(const FerryLook *look, const char *slot)
{
    for (guint i = 0; i < look->claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(look->claims, i);

        if (claim->device[0] == '\0' && strcmp(claim->slot, slot) == 0)
            return claim;
    }
    return NULL;
}

static bool
serves_the_host(const FerryLook *look, const FerryHostDevice *vf)
{
    g_autofree char *path = NULL;
    uint64_t flags = 0;

    if (vf->netdev == NULL)
        return false;
    path = g_strconcat("sys/bus/pci/devices/", vf->name, "/net/", vf->netdev, "/flags", NULL);
    return g_strcmp0(vf->link, "up") == 0 ||
           (ferry_sysfs_number(look->root, path, G_MAXUINT32, &flags) && (flags & NETDEV_IS_UP));
}

/*
 * Who else has a VF that we did not give to anybody; NULL: nobody.  A NIC's VF whose driver is a
 * host's and that shows no netdev has been moved into a container.
 */
static char *
stranger_of(const Viewing *viewing,
            const FerryHostDevice *pf,
            const FerryHostDevice *vf,
            unsigned index)
{
    const FerryLook *look = viewing->look;
    const FerryUser *user = ferry_users_find(look->users, vf);
    g_autofree char *file =
        g_hash_table_size(viewing->libvirts) == 0 ? NULL : ferry_libvirt_file_name(pf, index);

    if (user != NULL)
        return ferry_user_describe(user);
    if (serves_the_host(look, vf))
        return g_strdup_printf("the host itself as %s", vf->netdev);
    if (file != NULL && g_hash_table_contains(viewing->libvirts, file))
        return g_strdup_printf("a guest that libvirt gave it to (/" FERRY_LIBVIRT_FILES "%s)",
                               file);
    if (pf->netdev != NULL && vf->driver != NULL && vf->netdev == NULL &&
        strstr(vf->driver, "vfio") == NULL)
        return g_strdup_printf("driver %s, with its netdev in a container", vf->driver);
    return NULL;
}

static void
add_vf(const Viewing *viewing,
       FerryMember *member,
       const FerryHostDevice *pf,
       const FerryHostDevice *vf,
       unsigned index)
{
    g_autofree char *id = ferry_slot_of_vf(pf->name, index);
    const FerryClaimRow *claim = claim_of(viewing->look, id);
    char *who = claim != NULL ? ferry_claim_describe(claim) : stranger_of(viewing, pf, vf, index);
    FerrySlotState state = FERRY_SLOT_FREE;

    if (claim != NULL)
        state = FERRY_SLOT_CLAIMED;
    else if (who != NULL)
        state = FERRY_SLOT_FOREIGN;
    member->total++;
    member->used += state != FERRY_SLOT_FREE;
    ferry_member_add_slot(member, g_steal_pointer(&id), state, vf->name, who, claim);
}

/* Claims on VFs that are not there: their PF has fewer now, or is away itself. */
static void
add_gone(const FerryLook *look, FerryMember *member, const FerryHostDevice *pf)
{
    for (guint i = 0; i < look->claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(look->claims, i);
        g_autofree char *of = NULL;
        unsigned index = 0;

        if (claim->device[0] != '\0' || !ferry_slot_parse_vf(claim->slot, &of, &index) ||
            strcmp(of, pf->name) != 0)
            continue;
        if (index >= pf->vfs->len || g_ptr_array_index(pf->vfs, index) == NULL)
            ferry_member_add_slot(member, g_strdup(claim->slot), FERRY_SLOT_GONE, NULL,
                                  ferry_claim_describe(claim), claim);
    }
}

/* A driver that does not tell its link's state says "unknown": no reason to avoid it. */
static bool
lacks_link(const FerryHostDevice *pf)
{
    return pf->link != NULL && strcmp(pf->link, "up") != 0 && strcmp(pf->link, "unknown") != 0;
}

static FerryMember *
member_of_pf(const char *name, const FerryHostDevice *pf)
{
    FerryMember *member = ferry_member_new(name);

    if (pf == NULL)
        return member;
    member->device = g_strdup(pf->name);
    member->netdev = g_strdup(pf->netdev);
    member->link = g_strdup(pf->link);
    member->without_link = lacks_link(pf);
    return member;
}

static void
add_pf(const Viewing *viewing, const char *name)
{
    const FerryLook *look = viewing->look;
    const FerryHostDevice *pf = ferry_pf_find(look->inventory, name);
    FerryMember *member = member_of_pf(name, pf);

    g_ptr_array_add(viewing->view->members, member);
    for (guint i = 0; pf != NULL && i < pf->vfs->len; i++) {
        const char *vf_name = g_ptr_array_index(pf->vfs, i);
        const FerryHostDevice *vf =
            vf_name != NULL ? ferry_inventory_find(look->inventory, vf_name) : NULL;

        if (vf != NULL)
            add_vf(viewing, member, pf, vf, i);
    }
    if (pf != NULL)
        add_gone(look, member, pf);
}

static FerryMember *
find_member(FerryPoolView *view, const FerryHostDevice *pf)
{
    FerryMember *member = NULL;

    for (guint i = 0; i < view->members->len; i++) {
        member = g_ptr_array_index(view->members, i);
        if (g_strcmp0(member->device, pf->name) == 0)
            return member;
    }
    member = member_of_pf(pf->netdev != NULL ? pf->netdev : pf->name, pf);
    g_ptr_array_add(view->members, member);
    return member;
}

/* One VF of a list; those of one PF become one member, in the order of the list. */
static void
add_address(const Viewing *viewing, const char *address)
{
    const FerryLook *look = viewing->look;
    FerryPoolView *view = viewing->view;
    const FerryHostDevice *vf = ferry_inventory_find(look->inventory, address);
    const FerryHostDevice *pf =
        vf != NULL && vf->pf != NULL ? ferry_inventory_find(look->inventory, vf->pf) : NULL;

    if (pf == NULL || vf->vf_index < 0)
        g_ptr_array_add(view->members, ferry_member_new(address));
    else
        add_vf(viewing, find_member(view, pf), pf, vf, (unsigned)vf->vf_index);
}

void
ferry_members_of_vfs(const FerryLook *look, FerryPoolView *view)
{
    g_autoptr(GPtrArray) names = ferry_sysfs_list(look->root, FERRY_LIBVIRT_FILES);
    g_autoptr(GHashTable) libvirts = g_hash_table_new(g_str_hash, g_str_equal);
    const Viewing viewing = { look, view, libvirts };

    for (guint i = 0; names != NULL && i < names->len; i++)
        (void)g_hash_table_add(libvirts, g_ptr_array_index(names, i));
    for (guint i = 0; i < view->pool->pfs->len; i++)
        add_pf(&viewing, g_ptr_array_index(view->pool->pfs, i));
    for (guint i = 0; i < view->pool->addresses->len; i++)
        add_address(&viewing, g_ptr_array_index(view->pool->addresses, i));
}
