#pragma once

#include <stdbool.h>

#include <glib.h>

/** libxml2's xmlNode, named here so that who reads guests need not include libxml2. */
struct _xmlNode;

/** The namespace that ferry's own part of a guest's <metadata> lives in; its number is its version.
 */
#define FERRY_METADATA_NAMESPACE "urn:ferry:guest:1"

/** One <ferry:attr name= value=/> of an mdev; written in the order of the file. */
typedef struct {
    char *name;
    char *value;
} FerryMetaAttr;

/** <ferry:mdev>: how the mdev behind @alias is made, or what it is expected to be. */
typedef struct {
    char *alias;
    char *type;
    char *pool;       /* (nullable) managed: pool or parent, exactly one */
    char *parent;     /* (nullable) */
    char *vendor_id;  /* (nullable) expected fact, as written: "0x10de" */
    char *product_id; /* (nullable) */
    bool managed;
    GPtrArray *attrs; /* of FerryMetaAttr */
} FerryMdevMeta;

typedef enum { FERRY_NO_VF_REFUSE, FERRY_NO_VF_DEGRADE } FerryNoVf;

/** <ferry:hybrid>: the virtio NIC @alias has a VF beside it, plugged while the guest runs. */
typedef struct {
    char *alias;
    char *pool;
    char *vf_alias;
    char *vf_address; /* guest PCI address that is kept free: "0000:07:00.0" */
    FerryNoVf on_no_vf;
} FerryHybridMeta;

/** <ferry:ephemeral>: the device @alias may be taken off for migration and save. */
typedef struct {
    char *alias;
    char *pool; /* (nullable) */
} FerryEphemeralMeta;

/** What ferry's metadata of one guest says; all three empty when there is none. */
typedef struct {
    GPtrArray *mdevs;      /* of FerryMdevMeta */
    GPtrArray *hybrids;    /* of FerryHybridMeta */
    GPtrArray *ephemerals; /* of FerryEphemeralMeta */
} FerryMetadata;

/**
 * Reads ferry's metadata from a domain's root element.
 *
 * @domain: the <domain> element
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, naming line and element, for an unknown ferry element
 *          or attribute, a missing or repeated one, or an alias that two of them claim
 */
bool ferry_metadata_parse(const struct _xmlNode *domain, FerryMetadata **ret, GError **error);

void ferry_metadata_free(FerryMetadata *self);

/** Returns: whether <ferry:ephemeral> names @alias */
bool ferry_metadata_is_ephemeral(const FerryMetadata *self, const char *alias);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryMetadata, ferry_metadata_free)
