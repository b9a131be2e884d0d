#pragma once

#include <stdbool.h>

#include <libxml/tree.h>

#include <glib.h>

/**
 * Where in a guest's PCI topology a device can be plugged while it runs, and which of these places
 * a definition leaves free.  Sources: libvirt's pci-hotplug.rst and pci-addresses.rst.
 *
 *   q35, aarch64 virt   one device on each pcie-root-port; bus 0 is the board's own
 *   pc, pseries         slots of pci.0
 *   s390x               no such places: its devices are on the channel subsystem
 *
 * libvirt gives devices without address the lowest free place when the guest is defined, so what is
 * to stay free is taken from the top, and there must be enough below for all that have no address.
 * One thread uses it.
 */
typedef struct _FerryPorts FerryPorts;

/** @domain: the <domain> element, as a user or libvirt wrote it; Returns: (transfer full) */
FerryPorts *ferry_ports_new(const xmlNode *domain);

void ferry_ports_free(FerryPorts *self);

/** Counts a place as taken that no <address> shows: @address as "0000:07:00.0". */
void ferry_ports_take(FerryPorts *self, const char *address);

/**
 * Finds a place for a device that is there from the start, which had no address and was counted as
 * one for libvirt to place: the lowest.
 *
 * Returns: (transfer full) (nullable): "0000:01:00.0"; NULL when there is none and none can be made
 */
char *ferry_ports_take_lowest(FerryPorts *self);

/** Finds a place that libvirt will leave free: the highest.  Returns: as above */
char *ferry_ports_take_highest(FerryPorts *self);

/**
 * Returns: whether a device can be plugged at @address: it is a place, and nothing has it in the
 *          definition
 */
bool ferry_ports_is_free(const FerryPorts *self, const char *address);

/** Returns: (transfer none): of char *: <controller> elements that must be added for what was taken
 */
const GPtrArray *ferry_ports_made(const FerryPorts *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryPorts, ferry_ports_free)
