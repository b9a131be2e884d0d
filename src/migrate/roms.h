#pragma once

#include <jansson.h>

#include "xml/domain.h"

/*
 * Option ROMs and firmware.  QEMU reads them from files of its host and keeps each in the guest's
 * memory, a device's ROM as a block of the file's size rounded up to a power of two (hw/pci/pci.c,
 * pci_add_option_rom()), firmware as it is (hw/i386/pc_sysfw.c).  A target whose file is missing
 * cannot start the incoming QEMU; one whose block has another size finds out when all is sent
 * ("Size mismatch", migration/ram.c).  libvirt compares neither.  A hybrid's VF has no ROM: ferry
 * plugs it in without.
 */

/**
 * @root: put before each path; "" on a host
 * @live: the guest as it runs
 *
 * Returns: (transfer full): for the plan, [{alias?, file, bytes?}]; @file is a path that the
 *          guest's definition names, or the name of the ROM that QEMU takes for such a NIC; no
 *          @bytes of a device that is taken off before, or of a file that is not found.  Without
 *          @alias it is the firmware
 */
json_t *ferry_roms_list(const char *root, const FerryDomain *live);

/**
 * What of that the target lacks.
 *
 * @roms: of the plan, a peer's: what is not as above is passed over
 * @target: its name
 * @reasons: gets {code: "no-rom" or "rom-size-differs", alias, message} each
 */
void ferry_roms_check(const char *root, const json_t *roms, const char *target, json_t *reasons);
