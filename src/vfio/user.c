/*
 * The vfio-user client.
 *
 *   read   stream_read asks ahead: up to `depth` MIG_DATA_READ are under way, the oldest answer is
 *          received straight into the caller's buffer (`left` bytes of it may remain in the socket,
 *          then `padding`)
 *   write  stream_write sends up to `depth` MIG_DATA_WRITE before it waits for the oldest answer
 *   other  settles both first: data that was read ahead goes to `stash`, a failed write's errno
 *          to `write_code`
 *
 * After the first GError the connection is out of step and `broken` answers all later calls.
 */
#include "vfio/user.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "vfio/uapi.h"
#include "vfio/user-socket.h"
#include "vfio/user-wire.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_DEPTH      4
#define MAX_DEPTH          16
#define MAX_REGION_BYTES   4096
#define MAX_PAYLOAD        8192
#define SKIP_BYTES         4096
#define MAX_COMMANDS       1000 /* of the server's own, between a request and its reply */

typedef struct {
    int fd;
    char *name;
    FerryUserOptions options;
    uint16_t next_id;
    bool broken;

    unsigned n_reads; /* under way; ids count up, so the oldest is known */
    uint16_t read_id;
    size_t left;
    size_t padding;
    GByteArray *stash;
    size_t stash_used;

    unsigned n_writes;
    uint16_t write_id;
    int write_code; /* first errno of a write since the last settle */
} User;

static bool
check_usable(User *self, GError **error)
{
    if (!self->broken)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                "%s cannot be used any more: the connection failed before", self->name);
    return false;
}

static bool
recv_exact(User *self, void *buf, size_t size, const FerryDeadline *deadline, GError **error)
{
    if (ferry_user_recv(self->fd, buf, size, deadline, self->name, error))
        return true;
    self->broken = true;
    return false;
}

static bool
skip_bytes(User *self, size_t size, const FerryDeadline *deadline, GError **error)
{
    char scratch[SKIP_BYTES];

    while (size > 0) {
        size_t n = MIN(size, sizeof scratch);

        if (!recv_exact(self, scratch, n, deadline, error))
            return false;
        size -= n;
    }
    return true;
}

static bool
send_message(User *self,
             uint16_t id,
             FerryUserCommand command,
             struct iovec *payload,
             size_t n_payload,
             GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->options.timeout_ms);
    FerryUserHeader header = { .id = id, .command = (uint16_t)command, .size = sizeof header };
    struct iovec parts[3] = { { &header, sizeof header } };

    g_assert(n_payload < G_N_ELEMENTS(parts));
    for (size_t i = 0; i < n_payload; i++) {
        parts[i + 1] = payload[i];
        header.size += (uint32_t)payload[i].iov_len;
    }
    if (ferry_user_send(self->fd, parts, n_payload + 1, &deadline, self->name, error))
        return true;
    self->broken = true;
    return false;
}

/* A command from the server (DMA_READ, DMA_WRITE): no memory of ours was mapped, so none can be
 * granted.  Its body is skipped; without No_reply the answer is an error. */
static bool
refuse_command(User *self,
               const FerryUserHeader *header,
               const FerryDeadline *deadline,
               GError **error)
{
    FerryUserHeader reply = { .id = header->id,
                              .command = header->command,
                              .size = sizeof reply,
                              .flags = FERRY_USER_TYPE_REPLY | FERRY_USER_ERROR,
                              .error_no = EINVAL };
    struct iovec part = { &reply, sizeof reply };

    if (header->size < sizeof *header || header->size > FERRY_USER_MAX_XFER + MAX_PAYLOAD) {
        self->broken = true;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s sent a command of %u bytes",
                    self->name, header->size);
        return false;
    }
    if (!skip_bytes(self, header->size - sizeof *header, deadline, error))
        return false;
    if (header->flags & FERRY_USER_NO_REPLY)
        return true;
    if (ferry_user_send(self->fd, &part, 1, deadline, self->name, error))
        return true;
    self->broken = true;
    return false;
}

/* The header of the reply to (@id, @command); the payload is still to be received. */
static bool
recv_reply(User *self,
           uint16_t id,
           FerryUserCommand command,
           size_t max_payload,
           const FerryDeadline *deadline,
           size_t *ret_payload,
           int *ret_code,
           GError **error)
{
    for (unsigned i = 0; i < MAX_COMMANDS; i++) {
        FerryUserHeader header;

        if (!recv_exact(self, &header, sizeof header, deadline, error))
            return false;
        if ((header.flags & FERRY_USER_TYPE_MASK) == FERRY_USER_TYPE_COMMAND) {
            if (!refuse_command(self, &header, deadline, error))
                return false;
            continue;
        }
        if (!ferry_user_reply_check(&header, id, (uint16_t)command, sizeof header + max_payload,
                                    ret_code, error)) {
            self->broken = true;
            return false;
        }
        *ret_payload = header.size - sizeof header;
        return true;
    }
    self->broken = true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                "%s sent %d commands of its own where a reply was due", self->name, MAX_COMMANDS);
    return false;
}

/* --- reading --- */

static bool
ask_ahead(User *self, GError **error)
{
    while (self->n_reads < self->options.depth) {
        uint32_t size = (uint32_t)self->options.read_bytes;
        FerryUserData ask = { .argsz = (uint32_t)sizeof ask + size, .size = size };
        struct iovec part = { &ask, sizeof ask };

        if (self->n_reads == 0)
            self->read_id = self->next_id;
        if (!send_message(self, self->next_id, FERRY_USER_MIG_DATA_READ, &part, 1, error))
            return false;
        self->next_id++;
        self->n_reads++;
    }
    return true;
}

/* Takes the oldest answer up to its data: then @left bytes of data and @padding follow. */
static bool
begin_answer(User *self, const FerryDeadline *deadline, int *ret_code, GError **error)
{
    FerryUserData data = { 0 };
    size_t payload = 0;

    if (!recv_reply(self, self->read_id, FERRY_USER_MIG_DATA_READ,
                    sizeof data + self->options.read_bytes, deadline, &payload, ret_code, error))
        return false;
    self->read_id++;
    self->n_reads--;
    if (*ret_code != 0)
        return true;
    if (payload < sizeof data) {
        self->broken = true;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "%s answered MIG_DATA_READ with a payload of %zu bytes", self->name, payload);
        return false;
    }
    if (!recv_exact(self, &data, sizeof data, deadline, error))
        return false;
    if (!ferry_user_data_check(&data, payload, self->options.read_bytes, error)) {
        self->broken = true;
        return false;
    }
    self->left = data.size;
    self->padding = payload - sizeof data - data.size;
    return self->left > 0 || skip_bytes(self, self->padding, deadline, error);
}

static bool
take_left(User *self, void *buf, size_t size, const FerryDeadline *deadline, GError **error)
{
    if (!recv_exact(self, buf, size, deadline, error))
        return false;
    self->left -= size;
    return self->left > 0 || skip_bytes(self, self->padding, deadline, error);
}

/* All reads under way end here; what they brought is given out later.  An error answer to a read
 * that nobody waits for any more is dropped: the state change that follows decides. */
static bool
settle_reads(User *self, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->options.timeout_ms);

    while (self->left > 0 || self->n_reads > 0) {
        int code = 0;

        if (self->left == 0 && !begin_answer(self, &deadline, &code, error))
            return false;
        if (self->left > 0) {
            unsigned old = self->stash->len;
            size_t size = self->left;

            g_byte_array_set_size(self->stash, old + (unsigned)size);
            if (!take_left(self, self->stash->data + old, size, &deadline, error))
                return false;
        }
    }
    return true;
}

static size_t
take_stash(User *self, void *buf, size_t size)
{
    size_t n = MIN(size, self->stash->len - self->stash_used);

    memcpy(buf, self->stash->data + self->stash_used, n);
    self->stash_used += n;
    if (self->stash_used == self->stash->len) {
        g_byte_array_set_size(self->stash, 0);
        self->stash_used = 0;
    }
    return n;
}

static bool
user_stream_read(void *data, void *buf, size_t size, FerryIo *ret, GError **error)
{
    User *self = data;
    FerryDeadline deadline = ferry_deadline_in(self->options.timeout_ms);
    FerryIo io = { 0 };

    if (!check_usable(self, error))
        return false;
    if (self->stash->len > 0) {
        *ret = (FerryIo){ .n = take_stash(self, buf, size) };
        return true;
    }
    if (!ask_ahead(self, error))
        return false;
    if (self->left == 0 && !begin_answer(self, &deadline, &io.code, error))
        return false;
    io.n = MIN(size, self->left);
    if (io.n > 0 && !take_left(self, buf, io.n, &deadline, error))
        return false;
    *ret = io;
    return true;
}

/* --- writing --- */

static bool
take_write_answer(User *self, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->options.timeout_ms);
    size_t payload = 0;
    int code = 0;

    if (!recv_reply(self, self->write_id, FERRY_USER_MIG_DATA_WRITE, sizeof(FerryUserData),
                    &deadline, &payload, &code, error) ||
        !skip_bytes(self, payload, &deadline, error))
        return false;
    self->write_id++;
    self->n_writes--;
    if (self->write_code == 0)
        self->write_code = code;
    return true;
}

static bool
settle_writes(User *self, GError **error)
{
    while (self->n_writes > 0)
        if (!take_write_answer(self, error))
            return false;
    return true;
}

static bool
write_piece(User *self, const void *buf, size_t size, GError **error)
{
    FerryUserData head = { .argsz = (uint32_t)(sizeof head + size), .size = (uint32_t)size };
    struct iovec parts[] = { { &head, sizeof head }, { (void *)buf, size } };

    if (self->n_writes >= self->options.depth && !take_write_answer(self, error))
        return false;
    if (self->n_writes == 0)
        self->write_id = self->next_id;
    if (!send_message(self, self->next_id, FERRY_USER_MIG_DATA_WRITE, parts, 2, error))
        return false;
    self->next_id++;
    self->n_writes++;
    return true;
}

static bool
user_stream_write(void *data, const void *buf, size_t size, FerryIo *ret, GError **error)
{
    User *self = data;
    size_t done = 0;

    if (!check_usable(self, error) || !settle_reads(self, error))
        return false;
    while (done < size && self->write_code == 0) {
        size_t n = MIN(size - done, self->options.write_bytes);

        if (!write_piece(self, (const char *)buf + done, n, error))
            return false;
        done += n;
    }
    *ret = (FerryIo){ .n = done, .code = self->write_code };
    return true;
}

static bool
user_stream_settle(void *data, int *ret_code, GError **error)
{
    User *self = data;

    if (!check_usable(self, error) || !settle_writes(self, error))
        return false;
    *ret_code = self->write_code;
    self->write_code = 0;
    return true;
}

static void
user_stream_drop(void *data)
{
    User *self = data;

    if (!self->broken)
        (void)settle_reads(self, NULL); /* broken then, which the next call reports */
    g_byte_array_set_size(self->stash, 0);
    self->stash_used = 0;
    self->write_code = 0;
}

/* --- everything else --- */

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
    uint16_t id = 0;

    if (!check_usable(self, error) || !settle_reads(self, error) || !settle_writes(self, error))
        return false;
    id = self->next_id++;
    if (!send_message(self, id, command, payload, n_payload, error))
        return false;

    FerryDeadline deadline = ferry_deadline_in(self->options.timeout_ms);
    return recv_reply(self, id, command, max_reply, &deadline, ret_n, ret_code, error) &&
           recv_exact(self, reply, *ret_n, &deadline, error);
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
    if (n < sizeof head + feature->payload_size) {
        self->broken = true;
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                    "%s answered feature %u with %zu bytes where %zu are due", self->name,
                    feature->flags & 0xffff, n, sizeof head + feature->payload_size);
        return false;
    }
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
    if (*ret_code == 0 && n < sizeof head + size)
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

    return call(data, FERRY_USER_REGION_WRITE, parts, 2, reply, sizeof reply, &n, ret_code, error);
}

static void
user_free(void *data)
{
    User *self = data;

    ferry_fd_clear(&self->fd);
    g_byte_array_unref(self->stash);
    g_free(self->name);
    g_free(self);
}

static const FerryTransportOps user_ops = {
    .feature = user_feature,
    .stream_read = user_stream_read,
    .stream_write = user_stream_write,
    .stream_settle = user_stream_settle,
    .stream_drop = user_stream_drop,
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
                    self->name, FERRY_USER_MAJOR, FERRY_USER_MINOR, g_strerror(code));
        return false;
    }
    if (!ferry_user_version_parse(reply, n, &version, error))
        return false;
    limit = MIN(version.max_xfer_bytes, FERRY_USER_MAX_XFER);
    if (self->options.read_bytes == 0)
        self->options.read_bytes = limit;
    if (self->options.write_bytes == 0)
        self->options.write_bytes = FERRY_USER_SAFE_WRITE;
    self->options.read_bytes = MIN(self->options.read_bytes, limit);
    self->options.write_bytes = MIN(self->options.write_bytes, limit);
    return true;
}

FerryTransport *
ferry_user_open_fd(int fd, const char *name, const FerryUserOptions *options, GError **error)
{
    g_autoptr(FerryTransport) transport = g_new0(FerryTransport, 1);
    User *self = g_new0(User, 1);

    self->fd = fd;
    self->name = g_strdup_printf("vfio-user server %s", name);
    self->options = *options;
    self->options.timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    self->options.depth = options->depth > 0 ? MIN(options->depth, MAX_DEPTH) : DEFAULT_DEPTH;
    self->stash = g_byte_array_new();
    transport->ops = &user_ops;
    transport->data = self;
    transport->kind = FERRY_TRANSPORT_USER;
    transport->name = g_strdup_printf("vfio-user:%s", name);
    if (!negotiate(self, error))
        return NULL;
    transport->max_read = self->options.read_bytes;
    return g_steal_pointer(&transport);
}

FerryTransport *
ferry_user_open(const char *path, const FerryUserOptions *options, GError **error)
{
    FerryDeadline deadline =
        ferry_deadline_in(options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS);
    int fd = ferry_user_connect(path, &deadline, error);

    return fd < 0 ? NULL : ferry_user_open_fd(fd, path, options, error);
}
