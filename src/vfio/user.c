/* The vfio-user client: the transport's calls as requests.  user-link.c is the connection,
 * user-stream.c the state data. */
#include "vfio/user.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "vfio/uapi.h"
#include "vfio/user-stream.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_DEPTH      4
#define MAX_DEPTH          16
#define MAX_REGION_BYTES   4096
#define MAX_PAYLOAD        8192

typedef struct {
    UserLink link;
    UserStream stream;
} User;

static bool
call(User *self,
     FerryUserCommand command,
     struct iovec *payload,
     size_t n_payload,
     uint8_t *reply,
     size_t max_reply,
     size_t *ret_n,
     int *ret_code,
     GError **error)
{
    UserLink *link = &self->link;
    uint16_t id = 0;

    if (!user_link_check(link, error) || !user_stream_settle(&self->stream, error))
        return false;
    id = link->next_id++;
    if (!user_link_send(link, id, command, payload, n_payload, error))
        return false;

    FerryDeadline deadline = ferry_deadline_in(link->timeout_ms);
    return user_link_reply(link, id, command, max_reply, &deadline, ret_n, ret_code, error) &&
           user_link_recv(link, reply, *ret_n, &deadline, error);
}

static bool
user_feature(void *data, FerryFeatureCall *feature, GError **error)
{
    User *self = data;
    FerryUapiFeature head = { .argsz = feature->argsz != 0
                                           ? feature->argsz
                                           : (uint32_t)(sizeof head + feature->payload_size),
                              .flags = feature->flags };
    struct iovec parts[] = { { &head, sizeof head }, { feature->payload, feature->payload_size } };
    bool sends = (feature->flags & (FERRY_FEATURE_SET | FERRY_FEATURE_PROBE)) == FERRY_FEATURE_SET;
    uint8_t reply[MAX_PAYLOAD];
    size_t n = 0;

    if (!call(self, FERRY_USER_FEATURE, parts, sends ? 2 : 1, reply, sizeof reply, &n,
              &feature->code, error))
        return false;
    if (feature->code != 0 || (feature->flags & FERRY_FEATURE_GET) == 0 ||
        (feature->flags & FERRY_FEATURE_PROBE) != 0)
        return true;
    if (n < sizeof head + feature->payload_size)
        return user_link_fail(&self->link, error,
                              "answered feature %u with %zu bytes where %zu are due",
                              feature->flags & 0xffff, n, sizeof head + feature->payload_size);
    if (feature->payload_size > 0)
        memcpy(feature->payload, reply + sizeof head, feature->payload_size);
    return true;
}

/* The protocol has no such call ("Unused VFIO ioctl() commands"): what a kernel says to that. */
static bool
user_precopy_info(void *data, uint32_t argsz, FerryPrecopyInfo *ret, GError **error)
{
    (void)data;
    (void)argsz;
    (void)error;
    *ret = (FerryPrecopyInfo){ .code = ENOTTY };
    return true;
}

static bool
user_reset(void *data, int *ret_code, GError **error)
{
    uint8_t reply[MAX_PAYLOAD];
    size_t n = 0;

    return call(data, FERRY_USER_RESET, NULL, 0, reply, sizeof reply, &n, ret_code, error);
}

/* The reply says how much was moved, and brings @n_data bytes of it along. */
static bool
moved_all(const uint8_t *reply, size_t n_reply, size_t n_data, size_t size)
{
    FerryUserRegion head = { 0 };

    if (n_reply < sizeof head + n_data)
        return false;
    memcpy(&head, reply, sizeof head);
    return head.count >= size;
}

static bool
user_region_read(void *data,
                 uint32_t region,
                 uint64_t offset,
                 void *buf,
                 size_t size,
                 int *ret_code,
                 GError **error)
{
    User *self = data;
    FerryUserRegion head = { .offset = offset, .region = region, .count = (uint32_t)size };
    struct iovec part = { &head, sizeof head };
    uint8_t reply[sizeof head + MAX_REGION_BYTES];
    size_t n = 0;

    g_assert(size <= MAX_REGION_BYTES);
    if (!call(self, FERRY_USER_REGION_READ, &part, 1, reply, sizeof reply, &n, ret_code, error))
        return false;
    if (*ret_code == 0 && !moved_all(reply, n, size, size))
        *ret_code = EIO; /* shorter than asked for: no register is there */
    if (*ret_code == 0)
        memcpy(buf, reply + sizeof head, size);
    return true;
}

static bool
user_region_write(void *data,
                  uint32_t region,
                  uint64_t offset,
                  const void *buf,
                  size_t size,
                  int *ret_code,
                  GError **error)
{
    FerryUserRegion head = { .offset = offset, .region = region, .count = (uint32_t)size };
    struct iovec parts[] = { { &head, sizeof head }, { (void *)buf, size } };
    uint8_t reply[MAX_PAYLOAD];
    size_t n = 0;

    if (!call(data, FERRY_USER_REGION_WRITE, parts, 2, reply, sizeof reply, &n, ret_code, error))
        return false;
    if (*ret_code == 0 && !moved_all(reply, n, 0, size))
        *ret_code = EIO;
    return true;
}

static bool
user_stream_read_op(void *data, void *buf, size_t size, FerryIo *ret, GError **error)
{
    return user_stream_read(&((User *)data)->stream, buf, size, ret, error);
}

static bool
user_stream_write_op(void *data, const void *buf, size_t size, FerryIo *ret, GError **error)
{
    return user_stream_write(&((User *)data)->stream, buf, size, ret, error);
}

static bool
user_stream_settle_op(void *data, int *ret_code, GError **error)
{
    return user_stream_settle_writes(&((User *)data)->stream, ret_code, error);
}

static void
user_stream_drop_op(void *data)
{
    user_stream_drop(&((User *)data)->stream);
}

static void
user_free(void *data)
{
    User *self = data;

    ferry_fd_clear(&self->link.fd);
    g_byte_array_unref(self->stream.stash);
    g_free(self->link.name);
    g_free(self);
}

static const FerryTransportOps user_ops = {
    .feature = user_feature,
    .stream_read = user_stream_read_op,
    .stream_write = user_stream_write_op,
    .stream_settle = user_stream_settle_op,
    .stream_drop = user_stream_drop_op,
    .precopy_info = user_precopy_info,
    .reset = user_reset,
    .region_read = user_region_read,
    .region_write = user_region_write,
    .free = user_free,
};

/* "Version": the first message; the smaller of both transfer limits holds from then on. */
static bool
negotiate(User *self, GError **error)
{
    UserStream *stream = &self->stream;
    g_autoptr(GByteArray) request = ferry_user_version_request();
    struct iovec part = { request->data, request->len };
    FerryUserVersion version = { 0 };
    uint8_t reply[MAX_PAYLOAD];
    size_t n = 0;
    size_t limit = 0;
    int code = 0;

    if (!call(self, FERRY_USER_VERSION, &part, 1, reply, sizeof reply, &n, &code, error))
        return false;
    if (code != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s refused version %d.%d: %s",
                    self->link.name, FERRY_USER_MAJOR, FERRY_USER_MINOR, g_strerror(code));
        return false;
    }
    if (!ferry_user_version_parse(reply, n, &version, error))
        return false;
    limit = MIN(version.max_xfer_bytes, FERRY_USER_MAX_XFER);
    if (stream->read_bytes == 0)
        stream->read_bytes = limit;
    if (stream->write_bytes == 0)
        stream->write_bytes = FERRY_USER_SAFE_WRITE;
    stream->read_bytes = MIN(stream->read_bytes, limit);
    stream->write_bytes = MIN(stream->write_bytes, limit);
    return true;
}

static int
timeout_of(const FerryUserOptions *options)
{
    return options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
}

FerryTransport *
ferry_user_open_fd(int fd, const char *name, const FerryUserOptions *options, GError **error)
{
    g_autoptr(FerryTransport) transport = g_new0(FerryTransport, 1);
    User *self = g_new0(User, 1);

    self->link = (UserLink){ .fd = fd,
                             .name = g_strdup_printf("vfio-user server %s", name),
                             .timeout_ms = timeout_of(options) };
    self->stream =
        (UserStream){ .link = &self->link,
                      .depth = options->depth > 0 ? MIN(options->depth, MAX_DEPTH) : DEFAULT_DEPTH,
                      .read_bytes = options->read_bytes,
                      .write_bytes = options->write_bytes,
                      .stash = g_byte_array_new() };
    transport->ops = &user_ops;
    transport->data = self;
    transport->kind = FERRY_TRANSPORT_USER;
    transport->name = g_strdup_printf("vfio-user:%s", name);
    if (!negotiate(self, error))
        return NULL;
    transport->max_read = self->stream.read_bytes;
    return g_steal_pointer(&transport);
}

FerryTransport *
ferry_user_open(const char *path, const FerryUserOptions *options, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(timeout_of(options));
    int fd = ferry_user_connect(path, &deadline, error);

    return fd < 0 ? NULL : ferry_user_open_fd(fd, path, options, error);
}
