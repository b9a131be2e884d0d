#pragma once

#include "guest/connection.h"

/**
 * What is observed of one domain (docs/handover.md section 5), in libvirt's own numbers: the words
 * of the decision tables are made of it in migrate/.
 */
typedef struct {
    bool present;      /* libvirt knows the guest, running or not */
    int state;         /* VIR_DOMAIN_*: 1 running, 3 paused, 4–6 shutting down, off, crashed */
    int reason;        /* of that state */
    bool has_job_info; /* virDomainGetJobInfo was asked, in [3,1] only, and succeeded */
    int job_type;      /* VIR_DOMAIN_JOB_*: 0 none */
    bool persistent;
} FerryDomainLook;

/**
 * Looks at one guest now; nothing is remembered from before.
 *
 * @ret: (out): a guest that is not there is present=false and no error
 */
bool ferry_guests_look(FerryGuests *self, const char *uuid, FerryDomainLook *ret, GError **error);

/** One row of "ferry guest list". */
typedef struct {
    char *name;
    char *uuid;
    int state;
    int reason;
    bool persistent;
    bool autostart;
    uint64_t memory_bytes; /* its maximum */
} FerryGuest;

void ferry_guest_free(FerryGuest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryGuest, ferry_guest_free)

/** @ret: (out) (transfer container): of FerryGuest, sorted by name; a guest that ends meanwhile is
 * left out */
bool ferry_guests_list(FerryGuests *self, GPtrArray **ret, GError **error);

/**
 * Finds a guest by name, else by UUID.
 *
 * @ret: (out) (nullable) (transfer full): NULL when there is none
 */
bool
ferry_guests_find(FerryGuests *self, const char *name_or_uuid, FerryGuest **ret, GError **error);

/** @ret: (out): how many snapshots libvirt knows of the guest; libvirt migrates none that has some
 */
bool ferry_guests_snapshots(FerryGuests *self, const char *uuid, unsigned *ret, GError **error);

/** Which of a guest's XMLs; each with its secrets (VIR_DOMAIN_XML_SECURE). */
typedef enum {
    FERRY_GUESTS_XML_LIVE,       /* as it runs; the definition when it does not run */
    FERRY_GUESTS_XML_INACTIVE,   /* the definition */
    FERRY_GUESTS_XML_MIGRATABLE, /* as it runs, in the form that migration compares */
    FERRY_GUESTS_XML_N
} FerryGuestsXml;

/**
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_NOT_FOUND when the guest is not there
 */
bool ferry_guests_xml(FerryGuests *self,
                      const char *uuid,
                      FerryGuestsXml which,
                      char **ret,
                      GError **error);

/** Returns: (transfer none): "running", "paused" …: VIR_DOMAIN_* as a word for people and JSON */
const char *ferry_guests_state_name(int state);
