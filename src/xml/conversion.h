#pragma once

#include <stdbool.h>

#include <libxml/tree.h>

#include "xml/convert.h"
#include "xml/metadata.h"
#include "xml/ports.h"
#include "xml/splice.h"

/**
 * A conversion under way; for the convert-*.c files only.  The tree and the metadata stay as they
 * were read; what is to change is noted in the splice, what is to be added to ferry's metadata in
 * @elements.
 */
typedef struct {
    const FerryConvertHost *host;
    const xmlNode *domain;
    const xmlNode *devices; /* (nullable) */
    FerrySplice *splice;
    FerryMetadata *metadata;
    const char *prefix; /* of ferry's namespace in this guest; "" when it is the default one */
    FerryPorts *ports;
    GHashTable *aliases; /* of char *: those that are taken */
    GHashTable *given;   /* of char *, by node: those that devices got here */
    GPtrArray *elements; /* of char *: new ones of ferry's metadata */
    GPtrArray *notes;    /* of FerryNote */
} FerryConversion;

/** Adds a note, "line N, <element>: …". */
void ferry_conversion_note(FerryConversion *self,
                           const xmlNode *node,
                           FerryNoteKind kind,
                           const char *format,
                           ...) G_GNUC_PRINTF(4, 5);

/**
 * Returns: (transfer full): the device's alias; one that it has not got, or that libvirt would not
 *          keep (not "ua-…"), becomes the first free ua-ferryN
 */
char *ferry_conversion_alias(FerryConversion *self, const xmlNode *device);

/** Returns: (transfer full): an alias that nobody has, @wish or one made of it; it is taken now */
char *ferry_conversion_free_alias(FerryConversion *self, const char *wish);

/**
 * @kinds: bits, 1 << FerryConvertKind
 *
 * Returns: (transfer none) (nullable): the pool of that name, NULL with FERRY_ERROR_INVALID, naming
 *          the pools that there are, when it is not there or of another kind
 */
const FerryConvertPool *ferry_conversion_pool(const FerryConversion *self,
                                              const xmlNode *node,
                                              const char *name,
                                              unsigned kinds,
                                              GError **error);

/** Returns: (transfer full): the start of an element of ferry's metadata: "<ferry:mdev" */
GString *ferry_conversion_element(const FerryConversion *self, const char *name);

/** Appends " name='value'"; @value: (nullable): nothing is appended then */
void ferry_conversion_attribute(GString *element, const char *name, const char *value);

/** Adds the element, closed here, to the guest's metadata; @element: (transfer full) */
void ferry_conversion_add(FerryConversion *self, GString *element);

/** <hostdev type='mdev'> in any form. */
bool ferry_convert_mdev(FerryConversion *self, const xmlNode *device, GError **error);

/** <interface> of any type: hybrids, and VFs of ephemeral networks. */
bool ferry_convert_interface(FerryConversion *self, const xmlNode *device, GError **error);

/** The attribute ephemeral of any device. */
bool ferry_convert_ephemeral(FerryConversion *self, const xmlNode *device, GError **error);

/** What ferry's metadata says already, against the devices and the host; hybrids take their places.
 */
bool ferry_convert_check_metadata(FerryConversion *self, GError **error);

/** What concerns several devices: aliases and UUIDs that are there twice, pairs that are none. */
bool ferry_convert_check_devices(const FerryConversion *self, GError **error);
