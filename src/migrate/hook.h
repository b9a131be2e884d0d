#pragma once

#include "migrate/life.h"

/** What libvirt told its hook, as ferry-hook passes it on. */
typedef struct {
    const char
        *operation; /* "prepare", "start", "release", "migrate"; others are none of our business */
    const char *guest;  /* name */
    const char *reason; /* why it was released: "destroyed"; "-": none */
    const char *xml;    /* the domain, hostile until read */
} FerryHookCall;

/**
 * Answers ferry-hook, for which libvirt waits with the guest locked: within 25 s, and without
 * asking libvirt anything.  On "prepare" the guest's managed devices are made, on "release" its
 * claims are released.  On "start" the XML names the PFs that libvirt chose for hybrid NICs (on
 * "prepare" it does not yet: measured with 11.3).  A guest that a job holds passes at once: the job
 * does both.
 *
 * On "migrate" a guest comes, with XML that its source wrote: refused when it names host devices
 * that were not reserved for it.
 *
 * @ret_reasons: (out) (nullable) (transfer full): why the guest may not start; NULL: it may go on
 *
 * Returns: false with FERRY_ERROR_INVALID (its XML), or what was in the way
 */
bool ferry_hook_answer(const FerryLife *life,
                       const FerryHookCall *call,
                       json_t **ret_reasons,
                       GError **error);
