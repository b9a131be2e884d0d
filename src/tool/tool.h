#pragma once

#include <jansson.h>

#include "vfio/find.h"
#include "vfio/meta.h"
#include "vfio/pump.h"
#include "vfio/tls.h"

/** What the command line says.  Filled by main, read by the commands. */
typedef struct {
    gboolean json;
    gboolean no_check;
    gboolean accept_unknown;
    gboolean stay_stopped;
    gboolean strict;
    gboolean list;
    gboolean unsafe;
    gboolean version;
    gboolean quiet;
    int timeout_s;
    int max_downtime_ms;
    int precopy_s;
    int depth;
    char *bandwidth;
    char *memory;
    char *chunk;
    char *facts;
    char *only;
    char *peer;
    char *reg;
    char *tls_ca;
    char *tls_cert;
    char *tls_key;
    FerryPumpOptions pump; /* from the above */
    uint64_t chunk_bytes;
} ToolOptions;

/** An opened device and what it is. */
typedef struct {
    FerryVfioDevice *device;
    char *facts;
} ToolDevice;

void tool_device_clear(ToolDevice *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ToolDevice, tool_device_clear)

bool
tool_device_open(ToolDevice *self, const char *name, const ToolOptions *options, GError **error);

/** @ret: (transfer full): the device's description for a stream */
char *tool_device_meta(ToolDevice *self, GError **error);

/** The pump's check, with a ToolCheck as its data. */
typedef struct {
    const ToolDevice *devices;
    const ToolOptions *options;
    FerryVerdictLevel level;
} ToolCheck;
bool tool_check(void *data, unsigned device, const char *meta, GPtrArray *reasons, GError **error);

/** A command: its exit code is the answer; on an error *@error is set instead. */
typedef int (*ToolRun)(char **arguments, const ToolOptions *options, GError **error);
int tool_info(char **arguments, const ToolOptions *options, GError **error);
int tool_run(char **arguments, const ToolOptions *options, GError **error);
int tool_save(char **arguments, const ToolOptions *options, GError **error);
int tool_load(char **arguments, const ToolOptions *options, GError **error);
int tool_send(char **arguments, const ToolOptions *options, GError **error);
int tool_receive(char **arguments, const ToolOptions *options, GError **error);
int tool_inspect(char **arguments, const ToolOptions *options, GError **error);
int tool_test(char **arguments, const ToolOptions *options, GError **error);

/** Prints an object as JSON or as "key: value" lines; both are the same rows. */
void tool_print(const json_t *object, const ToolOptions *options);

/** Prints a report and says its exit code: 0, 1 refused or not converged, 21 unknown, 23 in doubt.
 */
int tool_report(const FerryPumpReport *report, const ToolOptions *options, FerryVerdictLevel level);

/** A progress line on a terminal's stderr. */
FerryPumpWatch tool_progress(const ToolOptions *options);
