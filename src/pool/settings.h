#pragma once

#include "pool/state.h"

/** What is set on a claimed VF: saved before a guest gets it, put back after. */

/**
 * Saves all that the PF's driver tells into @claim and the store, once: a claim that has settings
 * keeps them, since what is set by now is its guest's.
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when the VF is not there, or as ferry_vf_read() says
 */
bool ferry_settings_save(FerryPools *self, FerryClaimRow *claim, GError **error);

/**
 * Resets the function, where the kernel offers it, and puts back what was saved; of a VF that was
 * not saved, or is gone, nothing.
 *
 * While libvirt has its own file for the VF, it is about to put back MAC and VLAN and to reset the
 * VF itself: those are left to it.
 *
 * Returns: false with FERRY_ERROR_BUSY, naming the process that has it open, or as ferry_vf_write()
 *          says
 */
bool ferry_settings_restore(FerryPools *self, const FerryClaimRow *claim, GError **error);
