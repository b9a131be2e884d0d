#pragma once

#include <stdbool.h>

#include <glib.h>

/** What is changed in a device's host side; the guest's side never is. */
typedef enum {
    FERRY_EDIT_SOURCE_DEV,  /* <interface type='direct'>: the netdev that macvtap sits on */
    FERRY_EDIT_MDEV_UUID,   /* <hostdev type='mdev'>: the UUID */
    FERRY_EDIT_PCI_ADDRESS, /* <hostdev type='pci'>, <interface type='hostdev'>: the function */
    FERRY_EDIT_N_KINDS
} FerryEditKind;

/** One name that differs at the target. */
typedef struct {
    const char *alias;
    FerryEditKind kind;
    const char *value;
} FerryEdit;

/**
 * Domain XML without some devices: what is left when the ephemeral ones are off.
 *
 * @aliases: NULL-terminated; one that is not there is a success (docs/handover.md section 9: look,
 * then act)
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID when @xml is not a domain
 */
bool
ferry_domain_xml_without(const char *xml, const char *const *aliases, char **ret, GError **error);

/**
 * Domain XML with the target host's own device names in it, as virDomainMigrate3 takes for
 * destination_xml and virDomainDefineXMLFlags for the definition over there.
 *
 * @xml: the source's migratable or inactive XML
 * @edits: each must find its device, of the kind it is for
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming the alias
 */
bool ferry_domain_xml_for_target(const char *xml,
                                 const FerryEdit *edits,
                                 size_t n_edits,
                                 char **ret,
                                 GError **error);

/**
 * Domain XML with one more device at the end of <devices>; nothing else is changed.
 *
 * @device: XML of one element, in any form that ferry_convert_domain() takes; hostile until read
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID when @device is not one element or not a device that a
 *          guest can be given so, "<hostdev>" or "<interface>" among others
 */
bool ferry_domain_xml_with(const char *xml, const char *device, char **ret, GError **error);

/**
 * Domain XML with the attribute ephemeral on one device, for ferry_convert_domain().
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND, naming the aliases that there are
 */
bool
ferry_domain_xml_mark_ephemeral(const char *xml, const char *alias, char **ret, GError **error);

/** @ret: (out) (transfer full): the guest's name; Returns: false with FERRY_ERROR_INVALID */
bool ferry_domain_xml_name(const char *xml, char **ret, GError **error);
