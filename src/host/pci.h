#pragma once

#include "host/device.h"

/**
 * Reads one PCI device.
 *
 * @devices: descriptor of sys/bus/pci/devices
 * @name: "0000:03:00.0"
 *
 * Returns: (nullable) (transfer full): NULL unless it is a PF, a VF or a vGPU VF; a mere parent of
 *          mdevs is found by its class, see host/mediated.h
 */
FerryHostDevice *ferry_pci_read(int devices, const char *name);

/**
 * Fills in what any device may have, PCI or not: driver, IOMMU group, PCI ids.
 *
 * @folder: descriptor of the folder with @device's, a bus's or a class's
 */
void ferry_pci_read_common(FerryHostDevice *device, int folder);

/** Fills in driver and IOMMU group only, in two system calls; @folder: as above */
void ferry_pci_read_quickly(FerryHostDevice *device, int folder);

/** Fills in the NUMA node; @folder: as above */
void ferry_pci_read_node(FerryHostDevice *device, int folder);

/**
 * Fills in the cdev of one device; an inventory finds all at once.  On kernels without cdevs it has
 * the name too, but there is no device node of that name.
 */
void ferry_pci_read_cdev(FerryHostDevice *device, int folder);
