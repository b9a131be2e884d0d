#pragma once

#include "guest/save.h"
#include "migrate/job.h"
#include "migrate/ops.h"

/** Files with saved guests, in libvirt's hands; each is the function of that name in guest/save.h.
 */
typedef struct {
    bool (*save)(void *data, const char *path, const char *xml, GError **error);    /* blocks */
    bool (*restore)(void *data, const char *path, const char *xml, GError **error); /* blocks */
    bool (*saved_xml)(void *data, const char *path, char **ret, GError **error);
    bool (*work)(void *data, FerryGuestWork *ret, GError **error);
    /** Asks libvirt to end what it does with the guest; ferry_guests_abort_job(). */
    bool (*abort_work)(void *data, GError **error);
    bool (*stats)(void *data, FerryTransferStats *ret);
    /** Until something happens, at most @limit_ms.  Returns: false: the process is about to end,
     * and the job is left as it is for the next one */
    bool (*wait)(void *data, int64_t limit_ms);
} FerrySavedOps;

/** The world as the drivers of a save and of a restore see it: ops.h says what all ops promise.
 * What it names outlives the driver.  A plain value. */
typedef struct {
    const FerryClock *clock;
    const FerryTimers *timers;
    const FerryJournalOps *journal;
    const FerryGuestOps *guest;
    const FerryDeviceOps *devices;
    const FerrySavedOps *saved;
    void *data;
    const char *host; /* this host's name */
} FerrySavedWorld;

/** One of libvirt's two long calls. */
typedef struct {
    bool (*run)(void *data, const char *path, const char *xml, GError **error);
    const char *path, *xml;
    enum { FERRY_CALL_CANNOT_END, FERRY_CALL_CAN_END } cancel; /* when its job is cancelled */
} FerrySavedCall;

typedef enum {
    FERRY_CALL_RETURNED, /* @error is set when it failed */
    FERRY_CALL_LEFT,     /* the process is about to end: libvirt goes on */
} FerryCallEnd;

/** Runs the call in a thread of its own and shows meanwhile in @job how far it is. */
FerryCallEnd ferry_saved_call(const FerrySavedWorld *world,
                              FerryJob *job,
                              const FerrySavedCall *call,
                              GError **error);

/** Writes a record, again and again until it is on the disk.  @record: (transfer full).  Returns:
 * false when the process is about to end */
bool ferry_saved_record(const FerrySavedWorld *world,
                        FerryJob *job,
                        FerryRecordKind kind,
                        json_t *record);

/**
 * Looks at the guest until libvirt answers and is not at work on it any more.
 *
 * @ret_up: (out): whether it runs, or is paused
 *
 * Returns: false when the process is about to end
 */
bool ferry_saved_settle(const FerrySavedWorld *world, FerryJob *job, bool *ret_up);

/** Gives devices back, trying for five seconds; of what stays @job says so, and the keeper releases
 * it when the job is over.  @release: one of FerryDeviceOps */
void ferry_saved_release(const FerrySavedWorld *world,
                         FerryJob *job,
                         bool (*release)(void *data, GError **error));

/** Whether a job of a save or a restore, with this newest record, can not be cancelled any more. */
bool ferry_saved_is_too_late(FerryRecordKind record);

/** Shows in @job how far the reading of a file is. */
void ferry_saved_tell(FerryJob *job, uint64_t done_bytes, uint64_t total_bytes);
