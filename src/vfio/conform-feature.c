/* What VFIO_DEVICE_FEATURE has to answer. */
#include <errno.h>

#include "vfio/conform-check.h"
#include "vfio/uapi.h"

static bool
is_user(const Conform *self)
{
    return self->transport->kind == FERRY_TRANSPORT_USER;
}

static void
migration_get(Conform *self)
{
    uint64_t flags = 0;
    int code = conform_feature(self, FERRY_FEATURE_GET | FERRY_FEATURE_MIGRATION, 0, &flags, 8);

    if (code == 0)
        conform_say(self, FERRY_CHECK_PASS, "flags 0x%x", (unsigned)flags);
    else
        conform_expect(self, code, 0);
}

static void
stop_copy_flag(Conform *self)
{
    uint64_t flags = 0;
    int code = conform_feature(self, FERRY_FEATURE_GET | FERRY_FEATURE_MIGRATION, 0, &flags, 8);

    if (code >= 0)
        conform_say(self, flags & FERRY_MIG_STOP_COPY ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL,
                    "flags 0x%x", (unsigned)flags);
}

static void
no_unknown_flags(Conform *self)
{
    uint64_t flags = 0;

    int code = conform_feature(self, FERRY_FEATURE_GET | FERRY_FEATURE_MIGRATION, 0, &flags, 8);

    if (code != 0)
        conform_expect(self, code, 0);
    else
        conform_say(self, flags & ~(uint64_t)FERRY_MIG_ALL ? FERRY_CHECK_NOTE : FERRY_CHECK_PASS,
                    "flags 0x%x", (unsigned)flags);
}

static void
user_has_no_p2p(Conform *self)
{
    if (!is_user(self))
        conform_say(self, FERRY_CHECK_SKIP, "not vfio-user");
    else
        conform_say(self, self->device->flags & FERRY_MIG_P2P ? FERRY_CHECK_FAIL : FERRY_CHECK_PASS,
                    "flags 0x%x", (unsigned)self->device->flags);
}

static void
migration_probe(Conform *self)
{
    conform_expect(
        self, conform_feature(self, FERRY_FEATURE_PROBE | FERRY_FEATURE_MIGRATION, 0, NULL, 0), 0);
}

static void
migration_probe_get(Conform *self)
{
    conform_expect(
        self,
        conform_feature(self, FERRY_FEATURE_PROBE | FERRY_FEATURE_GET | FERRY_FEATURE_MIGRATION, 0,
                        NULL, 0),
        0);
}

static void
refused_somehow(Conform *self, int code)
{
    if (code >= 0)
        conform_say(self, code != 0 ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL, "%s",
                    code != 0 ? g_strerror(code) : "success");
}

static void
migration_set(Conform *self)
{
    uint64_t flags = FERRY_MIG_ALL;

    refused_somehow(
        self, conform_feature(self, FERRY_FEATURE_SET | FERRY_FEATURE_MIGRATION, 0, &flags, 8));
}

static void
state_get(Conform *self)
{
    unsigned state = conform_state(self);

    if (self->broken == NULL)
        conform_say(self, state == FERRY_MIG_STATE_RUNNING ? FERRY_CHECK_PASS : FERRY_CHECK_FAIL,
                    "%s", ferry_mig_state_name(state));
}

static void
state_probe(Conform *self)
{
    conform_expect(self,
                   conform_feature(self,
                                   FERRY_FEATURE_PROBE | FERRY_FEATURE_GET | FERRY_FEATURE_SET |
                                       FERRY_FEATURE_MIG_DEVICE_STATE,
                                   0, NULL, 0),
                   0);
}

static void
state_beyond(Conform *self)
{
    refused_somehow(self, conform_set(self, 8));
}

static void
state_far_beyond(Conform *self)
{
    refused_somehow(self, conform_set(self, UINT32_MAX));
}

static void
state_data_fd(Conform *self)
{
    FerryUapiMigState payload = { .data_fd = -7 };
    int code = conform_feature(self, FERRY_FEATURE_GET | FERRY_FEATURE_MIG_DEVICE_STATE, 0,
                               &payload, sizeof payload);

    if (code != 0)
        conform_expect(self, code, 0);
    else
        conform_say(self, payload.data_fd == -1 ? FERRY_CHECK_PASS : FERRY_CHECK_NOTE,
                    "data_fd %d: never to be closed", payload.data_fd);
}

static void
unknown_index(Conform *self)
{
    int code = conform_feature(self, FERRY_FEATURE_PROBE | 0xfffe, 0, NULL, 0);

    if (code == EINVAL && is_user(self))
        conform_say(self, FERRY_CHECK_NOTE, "EINVAL where the kernel says ENOTTY");
    else
        conform_expect(self, code, ENOTTY);
}

static void
get_and_set(Conform *self)
{
    FerryUapiMigState payload = { .device_state = FERRY_MIG_STATE_RUNNING, .data_fd = -1 };

    conform_expect(self,
                   conform_feature(
                       self, FERRY_FEATURE_GET | FERRY_FEATURE_SET | FERRY_FEATURE_MIG_DEVICE_STATE,
                       0, &payload, sizeof payload),
                   EINVAL);
}

static void
short_payload(Conform *self)
{
    FerryUapiMigState payload = { .data_fd = -1 };

    refused_somehow(self, conform_feature(self, FERRY_FEATURE_GET | FERRY_FEATURE_MIG_DEVICE_STATE,
                                          12, &payload, sizeof payload));
}

static void
short_head(Conform *self)
{
    FerryUapiMigState payload = { .data_fd = -1 };

    refused_somehow(self, conform_feature(self, FERRY_FEATURE_GET | FERRY_FEATURE_MIG_DEVICE_STATE,
                                          4, &payload, sizeof payload));
}

static void
unknown_flag(Conform *self)
{
    if (is_user(self)) {
        conform_say(self, FERRY_CHECK_SKIP, "the protocol says nothing of other bits");
        return;
    }
    conform_expect(
        self,
        conform_feature(self, 1u << 19 | FERRY_FEATURE_PROBE | FERRY_FEATURE_MIGRATION, 0, NULL, 0),
        EINVAL);
}

static void
data_size(Conform *self)
{
    uint64_t bytes = 0;
    int code = 0;

    if (is_user(self)) {
        conform_say(self, FERRY_CHECK_SKIP, "not one of the protocol's features");
        return;
    }
    code = conform_feature(self, FERRY_FEATURE_GET | FERRY_FEATURE_MIG_DATA_SIZE, 0, &bytes,
                           sizeof bytes);
    if (code == 0)
        conform_say(self, FERRY_CHECK_PASS, "%" G_GUINT64_FORMAT " bytes", bytes);
    else if (code == ENOTTY)
        conform_say(self, FERRY_CHECK_NOTE, "not offered");
    else
        conform_expect(self, code, 0);
}

static void
dma_logging(Conform *self)
{
    int code = conform_feature(
        self, FERRY_FEATURE_PROBE | FERRY_FEATURE_SET | FERRY_FEATURE_DMA_LOGGING_START, 0, NULL,
        0);

    if (code == 0)
        conform_say(self, FERRY_CHECK_PASS, "offered (a report may fail all the same)");
    else if (code == ENOTTY || (code == EINVAL && is_user(self)))
        conform_say(self, FERRY_CHECK_NOTE, "not offered: all memory counts as dirty");
    else
        conform_expect(self, code, ENOTTY);
}

/* The opt-in is a SET without payload; a device without PRE_COPY has nothing to say there. */
static void
info_v2(Conform *self)
{
    bool precopy = (self->device->flags & FERRY_MIG_PRE_COPY) != 0;

    if (is_user(self)) {
        conform_say(self, FERRY_CHECK_SKIP, "not one of the protocol's features");
        return;
    }
    int code =
        conform_feature(self, FERRY_FEATURE_SET | FERRY_FEATURE_MIG_PRECOPY_INFO_V2, 0, NULL, 0);
    if (code == ENOTTY)
        conform_say(self, FERRY_CHECK_NOTE, "not there (kernels before 7.1): no REINIT");
    else
        conform_expect(self, code, precopy ? 0 : EINVAL);
}

#define UAPI "linux/vfio.h, "
const ConformCheck conform_feature_checks[] = {
    { "feature/migration-get", UAPI "VFIO_DEVICE_FEATURE_MIGRATION: GET gives the flags",
      migration_get },
    { "feature/stop-copy-flag", UAPI "VFIO_DEVICE_FEATURE_MIGRATION: STOP_COPY is always set",
      stop_copy_flag },
    { "feature/known-flags", UAPI "VFIO_DEVICE_FEATURE_MIGRATION: three flags are defined",
      no_unknown_flags },
    { "feature/vfio-user-no-p2p", "vfio-user.rst, MIG_DEVICE_STATE: the P2P states are not used",
      user_has_no_p2p },
    { "feature/migration-probe", UAPI "VFIO_DEVICE_FEATURE: PROBE succeeds for what is supported",
      migration_probe },
    { "feature/migration-probe-get", UAPI "VFIO_DEVICE_FEATURE: PROBE with GET asks for GET",
      migration_probe_get },
    { "feature/migration-set", UAPI "VFIO_DEVICE_FEATURE_MIGRATION: GET only", migration_set },
    { "feature/state-get", UAPI "VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE: RUNNING when opened",
      state_get },
    { "feature/state-probe", UAPI "VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE: GET and SET",
      state_probe },
    { "feature/state-8", UAPI "enum vfio_device_mig_state: no such state", state_beyond },
    { "feature/state-max", UAPI "enum vfio_device_mig_state: no such state", state_far_beyond },
    { "feature/state-data-fd", UAPI "MIG_DEVICE_STATE: data_fd is -1 when none comes",
      state_data_fd },
    { "feature/unknown-index", UAPI "VFIO_DEVICE_FEATURE: ENOTTY for what is not there",
      unknown_index },
    { "feature/get-and-set", UAPI "VFIO_DEVICE_FEATURE: GET and SET exclude each other",
      get_and_set },
    { "feature/short-payload", UAPI "VFIO_DEVICE_FEATURE: argsz covers head and payload",
      short_payload },
    { "feature/short-head", UAPI "VFIO_DEVICE_FEATURE: argsz is at least 8", short_head },
    { "feature/unknown-flag", UAPI "VFIO_DEVICE_FEATURE: only known flag bits", unknown_flag },
    { "feature/data-size", UAPI "VFIO_DEVICE_FEATURE_MIG_DATA_SIZE", data_size },
    { "feature/precopy-info-v2",
      UAPI "VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2: SET opts in; EINVAL without PRE_COPY",
      info_v2 },
    { "feature/dma-logging", UAPI "VFIO_DEVICE_FEATURE_DMA_LOGGING_START", dma_logging },
};
const size_t conform_n_feature_checks = G_N_ELEMENTS(conform_feature_checks);
