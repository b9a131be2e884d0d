#pragma once

/**
 * A property that <qemu:override> gives a device: what libvirt hands to QEMU beside its own.
 *
 * @xml: a domain XML; one that is none has no overrides
 * @alias: of the device
 * @property: QEMU's name of it, "x-device-dirty-page-tracking"
 *
 * Returns: (nullable) (transfer full): its value, NULL when it is not overridden
 */
char *ferry_override_find(const char *xml, const char *alias, const char *property);
