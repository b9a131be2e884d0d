/*
 * What a parent has left.
 *
 * The kernel's available_instances is true for the moment at which it is read.  A claim whose
 * device is not made yet is not in it, so what its type takes of the parent is taken off here, see
 * pool/size.h.  That is a forecast; the result of "create" decides.
 */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "host/mediated.h"
#include "host/pci.h"
#include "host/sysfs.h"
#include "pool/members.h"
#include "pool/size.h"
#include "xml/nodedev.h"

#define CLASSES "sys/class/mdev_bus"
#define DEVICES "sys/bus/mdev/devices"

/* A device that comes or goes between two looks is looked at again, so often. */
#define LOOKS 5

/* Parents and mdevs, at one moment. */
typedef struct {
    GPtrArray
        *parents; /* of FerryHostDevice, in the order asked for: what each has left; NULL: gone */
    GPtrArray *mdevs; /* of FerryHostDevice: all of the host */
    GPtrArray *names; /* of char *: of these */
} Snapshot;

static void
snapshot_clear(Snapshot *self)
{
    g_clear_pointer(&self->parents, g_ptr_array_unref);
    g_clear_pointer(&self->mdevs, g_ptr_array_unref);
    g_clear_pointer(&self->names, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Snapshot, snapshot_clear)

/* @devices: -1: no driver has registered a parent yet */
static GPtrArray *
list_mdevs(int devices)
{
    GPtrArray *names = devices >= 0 ? ferry_sysfs_list(devices, ".") : NULL;

    return names != NULL ? names : g_ptr_array_new_with_free_func(g_free);
}

static bool
same_names(const GPtrArray *a, const GPtrArray *b)
{
    for (guint i = 0; a->len == b->len && i < a->len; i++)
        if (strcmp(g_ptr_array_index(a, i), g_ptr_array_index(b, i)) != 0)
            return false;
    return a->len == b->len;
}

static void
take_snapshot(int classes, int devices, const GPtrArray *parents, Snapshot *ret)
{
    ret->parents = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_host_device_free);
    ret->mdevs = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_host_device_free);
    ret->names = list_mdevs(devices);
    for (guint i = 0; i < parents->len; i++)
        g_ptr_array_add(
            ret->parents,
            classes >= 0 ? ferry_mediated_read_left(classes, g_ptr_array_index(parents, i)) : NULL);
    for (guint i = 0; i < ret->names->len; i++) {
        FerryHostDevice *mdev = ferry_mediated_read(devices, g_ptr_array_index(ret->names, i));

        if (mdev == NULL)
            continue;
        ferry_pci_read_cdev(mdev, devices);
        g_ptr_array_add(ret->mdevs, mdev);
    }
}

/* Devices and what types have left are two reads: both belong together only when no device came or
 * went meanwhile.  @parents: of char *, as the kernel calls them */
static void
take_steady_snapshot(int root, const GPtrArray *parents, Snapshot *ret)
{
    FERRY_AUTOFD int classes = ferry_sysfs_open(root, CLASSES);
    FERRY_AUTOFD int devices = ferry_sysfs_open(root, DEVICES);

    for (unsigned i = 0; i < LOOKS; i++) {
        g_autoptr(GPtrArray) after = NULL;

        snapshot_clear(ret);
        take_snapshot(classes, devices, parents, ret);
        after = list_mdevs(devices);
        if (same_names(ret->names, after))
            return;
    }
}

static const FerryClaimRow *
claim_of(const FerryLook *look, const char *uuid)
{
    for (guint i = 0; i < look->claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(look->claims, i);

        if (strcmp(claim->device, uuid) == 0)
            return claim;
    }
    return NULL;
}

static bool
is_on(const FerryHostDevice *mdev, const char *parent)
{
    return g_strcmp0(mdev->parent, parent) == 0;
}

static bool
is_made(const Snapshot *snapshot, const char *parent, const char *uuid)
{
    for (guint i = 0; i < snapshot->mdevs->len; i++) {
        const FerryHostDevice *mdev = g_ptr_array_index(snapshot->mdevs, i);

        if (strcmp(mdev->name, uuid) == 0)
            return is_on(mdev, parent);
    }
    return false;
}

/*
 * An mdev that is there is a claim's when it is on the parent and of the type claimed.  Whether it
 * was really made under that claim is not asked here: that may have been written since the claims
 * were read.
 */
static void
add_made(const FerryLook *look, FerryMember *member, const FerryHostDevice *mdev)
{
    g_autofree char *id = g_strconcat(member->device, "/", mdev->type, NULL);
    const FerryClaimRow *claim = claim_of(look, mdev->name);
    const FerryUser *user = ferry_users_find(look->users, mdev);
    const bool ours = claim != NULL && strcmp(claim->slot, id) == 0;
    char *who = NULL;

    if (ours)
        who = ferry_claim_describe(claim);
    else if (user != NULL)
        who = ferry_user_describe(user);
    else
        who = g_strdup("made by somebody else");
    member->used++;
    ferry_member_add_slot(member, g_steal_pointer(&id),
                          ours ? FERRY_SLOT_CLAIMED : FERRY_SLOT_FOREIGN, mdev->name, who,
                          ours ? claim : NULL);
}

/* Takes what one of @type will use off all types. */
static void
take_off(FerryMember *member, const char *type)
{
    const FerrySlotType *taken = ferry_member_type(member, type);

    if (taken == NULL)
        return;
    member->units = MAX(member->units - taken->size, 0);
    for (guint i = 0; i < member->types->len; i++) {
        FerrySlotType *one = g_ptr_array_index(member->types, i);

        one->available = ferry_sizes_fit(member->units, one->size);
    }
}

/* Claims on this parent whose device is not there: to be made, or gone with its parent's driver. */
static void
add_claimed(const FerryLook *look, FerryMember *member, const Snapshot *snapshot)
{
    for (guint i = 0; i < look->claims->len; i++) {
        const FerryClaimRow *claim = g_ptr_array_index(look->claims, i);
        g_autofree char *parent = NULL;
        g_autofree char *type = NULL;

        if (claim->device[0] == '\0' || is_made(snapshot, member->device, claim->device))
            continue;
        ferry_slot_parse_mdev(claim->slot, &parent, &type);
        if (strcmp(parent, member->device) != 0)
            continue;
        if (claim->state == FERRY_CLAIM_RESERVED)
            take_off(member, type);
        member->used += claim->state == FERRY_CLAIM_RESERVED;
        ferry_member_add_slot(member, g_strdup(claim->slot),
                              claim->state == FERRY_CLAIM_RESERVED ? FERRY_SLOT_CLAIMED
                                                                   : FERRY_SLOT_GONE,
                              NULL, ferry_claim_describe(claim), claim);
    }
}

static void
type_free(gpointer data)
{
    FerrySlotType *self = data;

    g_free(self->id);
    g_free(self);
}

static void
add_types(FerryMember *member, const FerryHostDevice *parent)
{
    for (guint i = 0; parent->types != NULL && i < parent->types->len; i++) {
        const FerryHostType *type = g_ptr_array_index(parent->types, i);
        FerrySlotType *row = g_new0(FerrySlotType, 1);

        row->id = g_strdup(type->id);
        row->available = type->available;
        g_ptr_array_add(member->types, row);
    }
    member->units = ferry_sizes_measure(member->types);
}

/* The kernel's name of a parent that may be named as libvirt does. */
static char *
kernel_name(int root, const char *name)
{
    g_autofree char *path = g_build_filename(CLASSES, name, NULL);
    g_autoptr(GPtrArray) names = NULL;

    if (faccessat(root, path, F_OK, 0) == 0)
        return g_strdup(name);
    names = ferry_sysfs_list(root, CLASSES);
    for (guint i = 0; names != NULL && i < names->len; i++)
        if (ferry_nodedev_is_named(name, g_ptr_array_index(names, i)))
            return g_strdup(g_ptr_array_index(names, i));
    return g_strdup(name);
}

/* @now: (nullable): what the parent has left; NULL: it is not there */
static FerryMember *
member_of(const FerryLook *look,
          const char *name,
          const FerryHostDevice *now,
          const Snapshot *snapshot)
{
    FerryMember *member = ferry_member_new(name);

    member->types = g_ptr_array_new_with_free_func(type_free);
    if (now == NULL)
        return member;
    member->device = g_strdup(now->name);
    add_types(member, now);
    for (guint i = 0; i < snapshot->mdevs->len; i++) {
        const FerryHostDevice *mdev = g_ptr_array_index(snapshot->mdevs, i);

        if (is_on(mdev, now->name))
            add_made(look, member, mdev);
    }
    add_claimed(look, member, snapshot);
    return member;
}

/* One snapshot serves all, so that what a host has is read once and not once a parent. */
static void
add_members(const FerryLook *look, const GPtrArray *names, GPtrArray *ret)
{
    g_autoptr(GPtrArray) parents = g_ptr_array_new_with_free_func(g_free);
    g_auto(Snapshot) snapshot = { 0 };

    for (guint i = 0; i < names->len; i++)
        g_ptr_array_add(parents, kernel_name(look->root, g_ptr_array_index(names, i)));
    take_steady_snapshot(look->root, parents, &snapshot);
    for (guint i = 0; i < names->len; i++)
        g_ptr_array_add(ret, member_of(look, g_ptr_array_index(names, i),
                                       g_ptr_array_index(snapshot.parents, i), &snapshot));
}

FerryMember *
ferry_member_of_parent(const FerryLook *look, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GPtrArray) members = g_ptr_array_new();

    g_ptr_array_add(names, (char *)name);
    add_members(look, names, members);
    return g_ptr_array_index(members, 0);
}

void
ferry_members_of_mdevs(const FerryLook *look, FerryPoolView *view)
{
    add_members(look, view->pool->parents, view->members);
}
