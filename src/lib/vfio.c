/* The exported half of the device-state engine: C types only.  include/ferry/vfio.h says how. */
#include "ferry/vfio.h"

#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "compat/facts.h"
#include "vfio/find.h"
#include "vfio/meta.h"
#include "vfio/pump.h"

#define DEFAULT_TIMEOUT_MS 30000
#define MAX_DEVICES        64

struct FerryVfio {
    FerryVfioDevice *device;
    char *facts;
};

/* What the pump's check needs. */
typedef struct {
    FerryVfio *const *devices;
    FerryMetaPolicy policy;
} Target;

typedef struct {
    const FerryVfioOptions *options;
} Watcher;

static FerryVfioStatus
give_error(GError *problem, char **error)
{
    FerryVfioStatus status =
        (FerryVfioStatus)ferry_error_info((FerryErrorCode)problem->code)->exit_code;

    if (error != NULL)
        *error = g_strdup(problem->message);
    return status;
}

FerryVfioStatus
ferry_vfio_open(const char *name, FerryVfio **ret, char **error)
{
    static const FerryFindOptions options = { 0 };
    g_autoptr(GError) problem = NULL;
    g_autofree char *facts = NULL;
    FerryTransport *transport = ferry_find_open(name, &options, &facts, &problem);
    FerryVfioDevice *device = NULL;

    if (transport != NULL)
        device = ferry_vfio_device_new(transport, &problem);
    if (device == NULL)
        return give_error(problem, error);
    *ret = g_new0(FerryVfio, 1);
    (*ret)->device = device;
    (*ret)->facts = g_steal_pointer(&facts);
    return FERRY_VFIO_OK;
}

void
ferry_vfio_close(FerryVfio *device)
{
    if (device == NULL)
        return;
    ferry_vfio_device_free(device->device);
    g_free(device->facts);
    g_free(device);
}

int
ferry_vfio_can_migrate(const FerryVfio *device)
{
    return device->device->flags != 0;
}

const char *
ferry_vfio_facts(const FerryVfio *device)
{
    return device->facts;
}

FerryVfioStatus
ferry_vfio_set_facts(FerryVfio *device, const char *facts, char **error)
{
    g_autoptr(FerryFacts) parsed = ferry_facts_parse(facts, strlen(facts));

    if (parsed->fault != NULL) {
        if (error != NULL)
            *error =
                g_strdup("the description is malformed: ferry_compat_facts_fault() says where");
        return FERRY_VFIO_INVALID;
    }
    g_free(device->facts);
    device->facts = g_strdup(facts);
    return FERRY_VFIO_OK;
}

void
ferry_vfio_string_free(char *text)
{
    g_free(text);
}

/* A caller of an older release has a shorter structure. */
static FerryVfioOptions
read_options(const FerryVfioOptions *options)
{
    FerryVfioOptions all = { 0 };

    if (options != NULL)
        memcpy(&all, options, MIN(options->size, sizeof all));
    if (all.timeout_ms <= 0)
        all.timeout_ms = DEFAULT_TIMEOUT_MS;
    return all;
}

static void
show(void *data, const FerryProgress *rows, size_t n_rows)
{
    const Watcher *watcher = data;

    for (size_t i = 0; i < n_rows; i++)
        watcher->options->progress(watcher->options->progress_data, i, rows[i].bytes,
                                   rows[i].forecast.rate_bps);
}

static FerryPumpOptions
pump_options(const FerryVfioOptions *options, Watcher *watcher)
{
    watcher->options = options;
    return (FerryPumpOptions){
        .memory_bytes = options->memory_bytes,
        .bandwidth_bps = options->bandwidth_bps,
        .max_downtime_ms = (int64_t)MIN(options->max_downtime_ms, INT32_MAX),
        .strict_downtime = (options->flags & FERRY_VFIO_STRICT_DOWNTIME) != 0,
        .stay_stopped = (options->flags & FERRY_VFIO_STAY_STOPPED) != 0,
        .watch = { .show = options->progress != NULL ? show : NULL, .data = watcher },
        .cancelled = options->cancel,
    };
}

static FerryVfioStatus
give_report(const FerryPumpReport *report, FerryVfioReport *ret, char **error)
{
    static const FerryVfioStatus outcomes[] = {
        [FERRY_PUMP_DONE] = FERRY_VFIO_OK,
        [FERRY_PUMP_REFUSED] = FERRY_VFIO_REFUSED,
        [FERRY_PUMP_NOT_CONVERGED] = FERRY_VFIO_REFUSED,
        [FERRY_PUMP_IN_DOUBT] = FERRY_VFIO_IN_DOUBT,
    };
    FerryVfioReport sum = { .total_ms = (uint64_t)report->total_ms,
                            .downtime_ms = (uint64_t)(report->downtime_us + 999) / 1000 };

    for (size_t i = 0; i < report->n_devices; i++) {
        sum.precopy_bytes += report->devices[i].precopy_bytes;
        sum.stop_bytes += report->devices[i].stop_bytes;
    }
    if (ret != NULL)
        *ret = sum;
    if (error != NULL && report->outcome == FERRY_PUMP_NOT_CONVERGED)
        *error = g_strdup("the stop would take longer than max_downtime_ms; the devices run on");
    else if (error != NULL && report->reasons != NULL)
        *error = g_strjoinv("\n", report->reasons);
    return outcomes[report->outcome];
}

/* Channels over copies of the caller's descriptors. */
static GPtrArray *
make_channels(const int *fds, size_t n_fds, FerryChannelKind kind, int timeout_ms)
{
    GPtrArray *channels = g_ptr_array_new_with_free_func((GDestroyNotify)ferry_channel_free);

    for (size_t i = 0; i < n_fds; i++) {
        int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

        g_ptr_array_add(channels,
                        ferry_channel_new_fd(
                            fd, kind, kind == FERRY_CHANNEL_TWO_WAY ? "the connection" : "the file",
                            timeout_ms));
    }
    return channels;
}

/* What a caller gave. */
typedef struct {
    FerryVfio *const *devices;
    size_t n_devices;
    const int *fds;
    size_t n_fds;
    FerryChannelKind kind;
    const FerryVfioOptions *options;
} Call;

/* The same in the engine's terms. */
typedef struct {
    FerryVfioDevice **devices;
    GPtrArray *channels;
    Watcher watcher;
    FerryVfioOptions options;
    FerryPumpOptions pump;
} Move;

static void
move_clear(Move *self)
{
    g_clear_pointer(&self->devices, g_free);
    g_clear_pointer(&self->channels, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Move, move_clear)

static FerryVfioStatus
move_init(Move *self, const Call *call, char **error)
{
    if (call->n_devices == 0 || call->n_devices > MAX_DEVICES || call->n_fds == 0) {
        if (error != NULL)
            *error = g_strdup("expected 1 to 64 devices and at least one descriptor");
        return FERRY_VFIO_INVALID;
    }
    self->options = read_options(call->options);
    self->pump = pump_options(&self->options, &self->watcher);
    self->channels = make_channels(call->fds, call->n_fds, call->kind, self->options.timeout_ms);
    self->devices = g_new(FerryVfioDevice *, call->n_devices);
    for (size_t i = 0; i < call->n_devices; i++)
        self->devices[i] = call->devices[i]->device;
    return FERRY_VFIO_OK;
}

static FerryVfioStatus
send_over(const Call *call, FerryVfioReport *ret, char **error)
{
    g_auto(Move) move = { 0 };
    g_autoptr(GPtrArray) metas = g_ptr_array_new_with_free_func(g_free);
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(GError) problem = NULL;

    if (move_init(&move, call, error) != FERRY_VFIO_OK)
        return FERRY_VFIO_INVALID;
    for (size_t i = 0; i < call->n_devices; i++) {
        FerrySize size = { 0 };

        if (move.devices[i]->flags != 0 &&
            !ferry_vfio_device_data_size(move.devices[i], &size, &problem))
            return give_error(problem, error);
        g_ptr_array_add(metas, ferry_meta_build(call->devices[i]->facts, move.devices[i], size));
    }
    if (!ferry_pump_send(move.devices, (const char *const *)metas->pdata, call->n_devices,
                         (FerryChannel *const *)move.channels->pdata, call->n_fds, &move.pump,
                         &report, &problem))
        return give_error(problem, error);
    return give_report(&report, ret, error);
}

FerryVfioStatus
ferry_vfio_send(FerryVfio *const *devices,
                size_t n_devices,
                const int *fds,
                size_t n_fds,
                const FerryVfioOptions *options,
                FerryVfioReport *report,
                char **error)
{
    return send_over(&(Call){ devices, n_devices, fds, n_fds, FERRY_CHANNEL_TWO_WAY, options },
                     report, error);
}

FerryVfioStatus
ferry_vfio_save(FerryVfio *device,
                int fd,
                const FerryVfioOptions *options,
                FerryVfioReport *report,
                char **error)
{
    return send_over(&(Call){ &device, 1, &fd, 1, FERRY_CHANNEL_ONE_WAY, options }, report, error);
}

static bool
check(void *data, unsigned device, const char *meta, GPtrArray *reasons, GError **error)
{
    const Target *target = data;

    return ferry_meta_check(meta, target->devices[device]->facts, target->policy, reasons, NULL,
                            error);
}

static FerryVfioStatus
receive_over(const Call *call, FerryVfioReport *ret, char **error)
{
    g_auto(Move) move = { 0 };
    g_auto(FerryPumpReport) report = { 0 };
    g_autoptr(GError) problem = NULL;

    if (move_init(&move, call, error) != FERRY_VFIO_OK)
        return FERRY_VFIO_INVALID;

    Target target = { .devices = call->devices,
                      .policy = move.options.flags & FERRY_VFIO_ACCEPT_UNKNOWN
                                    ? FERRY_META_ACCEPT_UNKNOWN
                                    : FERRY_META_STRICT };
    if (!ferry_pump_receive(move.devices, call->n_devices,
                            (FerryChannel *const *)move.channels->pdata, call->n_fds, check,
                            &target, &move.pump, &report, &problem))
        return give_error(problem, error);
    return give_report(&report, ret, error);
}

FerryVfioStatus
ferry_vfio_receive(FerryVfio *const *devices,
                   size_t n_devices,
                   const int *fds,
                   size_t n_fds,
                   const FerryVfioOptions *options,
                   FerryVfioReport *report,
                   char **error)
{
    return receive_over(&(Call){ devices, n_devices, fds, n_fds, FERRY_CHANNEL_TWO_WAY, options },
                        report, error);
}

FerryVfioStatus
ferry_vfio_load(FerryVfio *device,
                int fd,
                const FerryVfioOptions *options,
                FerryVfioReport *report,
                char **error)
{
    return receive_over(&(Call){ &device, 1, &fd, 1, FERRY_CHANNEL_ONE_WAY, options }, report,
                        error);
}

FerryVfioStatus
ferry_vfio_run(FerryVfio *device, char **error)
{
    g_autoptr(GError) problem = NULL;

    return ferry_vfio_device_recover(device->device, &problem) ? FERRY_VFIO_OK
                                                               : give_error(problem, error);
}
