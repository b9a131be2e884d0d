#pragma once

#include "pool/view.h"

/** For the files of this folder only: the parts that a view is put together from. */

/** Fills in the members of a pool of VFs, and @view's sums. */
void ferry_members_of_vfs(const FerryLook *look, FerryPoolView *view);

/** Fills in the members of a pool of mediated devices, and @view's sums. */
void ferry_members_of_mdevs(const FerryLook *look, FerryPoolView *view);

/** One parent as it is now, whatever pool it is in; @name: the kernel's or libvirt's.
 * Returns: (transfer full) */
FerryMember *ferry_member_of_parent(const FerryLook *look, const char *name);

/** @name: copied; Returns: (transfer full): a member that is not there */
FerryMember *ferry_member_new(const char *name);
void ferry_member_free(FerryMember *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryMember, ferry_member_free)

/**
 * Appends a slot to a member.
 *
 * @id, @who: (transfer full), the latter nullable
 * @device: (nullable), @claim: (nullable): copied
 */
void ferry_member_add_slot(FerryMember *self,
                           char *id,
                           FerrySlotState state,
                           const char *device,
                           char *who,
                           const FerryClaimRow *claim);

/** Returns: (transfer full): the slot id of a VF, "0000:03:00.0/vf3" */
char *ferry_slot_of_vf(const char *pf, unsigned index);

/** Whether a PF is named so: by its netdev or its PCI address. */
bool ferry_pf_is_named(const char *name, const FerryHostDevice *pf);

/** Returns: (nullable) (transfer none): the PF that a pool or a need names */
const FerryHostDevice *ferry_pf_find(const FerryInventory *inventory, const char *name);

/** Splits a VF's slot id.  Returns: false when it is no VF's; @ret_pf: (transfer full) */
bool ferry_slot_parse_vf(const char *slot, char **ret_pf, unsigned *ret_index);

/** Splits an mdev's slot id, "mtty/mtty-1".  @ret_parent, @ret_type: (transfer full) */
void ferry_slot_parse_mdev(const char *slot, char **ret_parent, char **ret_type);

/** Returns: (transfer full): the mdev of that UUID with its cdev, as sysfs has it now; NULL when it
 * is not there */
FerryHostDevice *ferry_mdev_look(int root, const char *uuid);

/** What libvirt's qemu driver keeps of each VF that it gave to a guest, until it puts it back. */
#define FERRY_LIBVIRT_FILES "run/libvirt/hostdevmgr/"

/** Returns: (transfer full): the name of its file for a VF in that folder */
char *ferry_libvirt_file_name(const FerryHostDevice *pf, unsigned index);

/** Returns: (transfer full): whether libvirt keeps settings of a VF to put back: the path of its
 * file for it below the root, NULL when there is none */
char *ferry_libvirt_file(int root, const FerryHostDevice *pf, unsigned index);
