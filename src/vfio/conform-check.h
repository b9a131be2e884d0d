#pragma once

#include "vfio/conform.h"

/** What the checks of one run share.  Private to src/vfio/conform*.c. */
typedef struct {
    FerryVfioDevice *device;
    const FerryTransport *transport;
    const FerryConformOptions *options;
    GByteArray *stream; /* a whole state of the device, for the checks that load; NULL: too large */
    GError *broken;     /* the transport failed: nothing more can be asked */
    bool gone;          /* and that was reported */
    FerryCheckResult result;
    char *seen;
} Conform;

typedef struct {
    const char *id;
    const char *demand;
    void (*run)(Conform *self);
} ConformCheck;

#define CONFORM_MAX_STREAM (64u << 20)

/** Says how it went; the last one counts. */
void conform_say(Conform *self, FerryCheckResult result, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/** Compares an errno with the one demanded; 0 is success. */
void conform_expect(Conform *self, int seen, int demanded);

/** A feature call.  Returns its errno, or -1 when the transport failed (and the check has). */
int conform_feature(Conform *self, uint32_t flags, uint32_t argsz, void *payload, size_t size);

/** A raw SET of the state: no rule of ours in between.  Returns: errno or -1 */
int conform_set(Conform *self, uint32_t state);

/** Returns: the state, or FERRY_MIG_N_STATES when it cannot be read */
unsigned conform_state(Conform *self);

/** Brings the device to @state; false when it does not get there, which is said. */
bool conform_go(Conform *self, FerryMigState state);

/** Reads from the stream.  Returns: errno or -1; @ret_n: bytes */
int conform_read(Conform *self, void *buf, size_t size, size_t *ret_n);
int conform_write(Conform *self, const void *buf, size_t size);

/** Reads to the end in the given state, in pieces; what came is added to @stream.  Returns: the
 *  errno at the end (0 for a read of 0) or -1 */
int conform_drain(Conform *self, GByteArray *stream, size_t piece);

/** Saves the whole state through PRE_COPY if there is one.  Returns: NULL when it failed (said) */
GByteArray *conform_save(Conform *self, size_t piece);

/** Whether the device has PRE_COPY; when not, says so. */
bool conform_has_precopy(Conform *self);

extern const ConformCheck conform_feature_checks[];
extern const size_t conform_n_feature_checks;
extern const ConformCheck conform_stream_checks[];
extern const size_t conform_n_stream_checks;
extern const ConformCheck conform_figure_checks[];
extern const size_t conform_n_figure_checks;
extern const ConformCheck conform_load_checks[];
extern const size_t conform_n_load_checks;
