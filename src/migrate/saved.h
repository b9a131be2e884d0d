#pragma once

#include "migrate/plan.h"
#include "migrate/saved-world.h"
#include "migrate/sidecar.h"

/**
 * A guest in a file, as far as it can be known without reading all of it.  A plain value.
 *
 *   FILE        libvirt's: domain XML, then memory and the state of the devices.  In the XML's
 *               metadata is ferry's plan: what each device needs, and its facts
 *   FILE.ferry  see migrate/sidecar.h
 */
typedef struct {
    char *file;
    uint64_t bytes;        /* of it */
    char *xml;             /* the domain in it, without the plan */
    FerryPlan *plan;       /* ferry's; or made of the domain, for a file that libvirt alone wrote */
    FerrySidecar *sidecar; /* (nullable) */
    enum { FERRY_SAVED_BY_FERRY, FERRY_SAVED_BY_OTHERS } by;
} FerrySaved;

void ferry_saved_free(FerrySaved *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerrySaved, ferry_saved_free)

/** Whether the sidecar is looked at. */
typedef enum { FERRY_SAVED_VERIFY, FERRY_SAVED_UNVERIFIED } FerrySavedVerify;

/** A path must be absolute and short enough for what is put beside it; else FERRY_ERROR_INVALID. */
bool ferry_saved_check_path(const char *path, GError **error);

/**
 * Opens a file that may be anything; reads its head only.
 *
 * @world: its saved_xml is used
 * @ret: (out) (nullable) (transfer full)
 * @reasons: an array; gets {code, message} of what speaks against the file: the guest in the
 *           sidecar is another, the length is another
 *
 * Returns: false with what libvirt says of the file, FERRY_ERROR_INVALID for a plan that is none,
 *          or as ferry_sidecar_read()
 */
bool ferry_saved_open(const FerrySavedWorld *world,
                      const char *file,
                      FerrySavedVerify verify,
                      FerrySaved **ret,
                      json_t *reasons,
                      GError **error);

/**
 * What tells this file from another one of the same path on another host, as far as that is known
 * without reading it.
 *
 * Returns: (transfer full): {guest_name, guest_uuid, bytes, digest?}, the digest being of the
 * sidecar's checksums
 */
json_t *ferry_saved_print(const FerrySaved *self);

/**
 * Compares the file with the one that another host sees, as its ferry_saved_print() says.
 *
 * @host: this one's name, for the message
 * @theirs: (nullable): hostile; what it does not say is not compared
 * @reasons: an array; gets {code: "another-file", …}
 */
void ferry_saved_check_print(const FerrySaved *self,
                             const char *host,
                             const json_t *theirs,
                             json_t *reasons);

/** Returns: (transfer full): the domain XML with the plan in it, as libvirt is to save it, or NULL
 * with FERRY_ERROR_INVALID */
char *ferry_saved_xml_with_plan(const char *xml, const FerryPlan *plan, GError **error);
