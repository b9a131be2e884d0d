#pragma once

#include "pool/view.h"

/**
 * Which free VF is taken next: pure, it looks at nothing but the view.
 *
 * @policy: FERRY_POLICY_OF_POOL: what the pool says
 * @pf: (nullable): only of this PF: netdev or PCI address
 * @avoid: (nullable): of char *: slots that are taken only when no other one is free
 *
 * Returns: (nullable) (transfer none): NULL when none is free
 */
const FerrySlot *ferry_choose_vf(const FerryPoolView *view,
                                 FerryPolicy policy,
                                 const char *pf,
                                 const GPtrArray *avoid);

/**
 * Which parent gets the next mdev of a type.
 *
 * @tried: (nullable): of char *: parents, by the kernel's name, that have turned out to have none
 *
 * Returns: (nullable) (transfer none): NULL when none has any left
 */
const FerryMember *ferry_choose_parent(const FerryPoolView *view,
                                       FerryPolicy policy,
                                       const char *type,
                                       const GPtrArray *tried);

/** Returns: whether a need that names @pf (nullable: none) may have a VF of @member */
bool ferry_member_is_of_pf(const FerryMember *member, const char *pf);
