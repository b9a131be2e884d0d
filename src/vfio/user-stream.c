#include "vfio/user-stream.h"

#include <string.h>

static bool
ask_ahead(UserStream *self, GError **error)
{
    while (self->n_reads < self->depth) {
        uint32_t size = (uint32_t)self->read_bytes;
        FerryUserData ask = { .argsz = (uint32_t)sizeof ask + size, .size = size };
        struct iovec part = { &ask, sizeof ask };

        if (self->n_reads == 0)
            self->read_id = self->link->next_id;
        if (!user_link_send(self->link, self->link->next_id, FERRY_USER_MIG_DATA_READ, &part, 1,
                            error))
            return false;
        self->link->next_id++;
        self->n_reads++;
    }
    return true;
}

/* Takes the oldest answer and the first @size bytes of its data, in as few calls as can be: after
 * them @left bytes of data and @padding follow. */
static bool
begin_answer(UserStream *self,
             void *buf,
             size_t size,
             const FerryDeadline *deadline,
             FerryIo *ret,
             GError **error)
{
    FerryUserData data = { 0 };
    size_t payload = 0;

    if (!user_link_reply(self->link, self->read_id, FERRY_USER_MIG_DATA_READ,
                         sizeof data + self->read_bytes, deadline, &payload, &ret->code, error))
        return false;
    self->read_id++;
    self->n_reads--;
    if (ret->code != 0)
        return true;
    if (payload < sizeof data)
        return user_link_fail(self->link, error,
                              "answered MIG_DATA_READ with a payload of %zu bytes", payload);

    size_t n = MIN(size, payload - sizeof data);
    struct iovec parts[] = { { &data, sizeof data }, { buf, n } };
    if (!user_link_recv_parts(self->link, parts, 2, deadline, error))
        return false;
    if (!ferry_user_data_check(&data, payload, self->read_bytes, error)) {
        self->link->broken = true;
        return false;
    }
    ret->n = MIN(n, data.size);
    self->left = data.size - ret->n;
    self->padding = payload - sizeof data - n - self->left;
    return self->left > 0 || user_link_skip(self->link, self->padding, deadline, error);
}

static bool
take_left(UserStream *self, void *buf, size_t size, const FerryDeadline *deadline, GError **error)
{
    if (!user_link_recv(self->link, buf, size, deadline, error))
        return false;
    self->left -= size;
    return self->left > 0 || user_link_skip(self->link, self->padding, deadline, error);
}

/* All reads under way end here; what they brought is given out later.  An error answer to a read
 * that nobody waits for any more is dropped: the state change that follows decides. */
static bool
settle_reads(UserStream *self, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->link->timeout_ms);

    while (self->left > 0 || self->n_reads > 0) {
        FerryIo io = { 0 };

        if (self->left == 0 && !begin_answer(self, NULL, 0, &deadline, &io, error))
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
take_stash(UserStream *self, void *buf, size_t size)
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

bool
user_stream_read(UserStream *self, void *buf, size_t size, FerryIo *ret, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->link->timeout_ms);
    FerryIo io = { 0 };

    if (!user_link_check(self->link, error))
        return false;
    if (self->stash->len > 0) {
        *ret = (FerryIo){ .n = take_stash(self, buf, size) };
        return true;
    }
    if (!ask_ahead(self, error))
        return false;
    if (self->left == 0) {
        if (!begin_answer(self, buf, size, &deadline, &io, error))
            return false;
    } else {
        io.n = MIN(size, self->left);
        if (!take_left(self, buf, io.n, &deadline, error))
            return false;
    }
    *ret = io;
    return true;
}

static bool
take_write_answer(UserStream *self, GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->link->timeout_ms);
    size_t payload = 0;
    int code = 0;

    if (!user_link_reply(self->link, self->write_id, FERRY_USER_MIG_DATA_WRITE,
                         sizeof(FerryUserData), &deadline, &payload, &code, error) ||
        !user_link_skip(self->link, payload, &deadline, error))
        return false;
    self->write_id++;
    self->n_writes--;
    if (self->write_code == 0)
        self->write_code = code;
    return true;
}

static bool
settle_writes(UserStream *self, GError **error)
{
    while (self->n_writes > 0)
        if (!take_write_answer(self, error))
            return false;
    return true;
}

static bool
write_piece(UserStream *self, const void *buf, size_t size, GError **error)
{
    FerryUserData head = { .argsz = (uint32_t)(sizeof head + size), .size = (uint32_t)size };
    struct iovec parts[] = { { &head, sizeof head }, { (void *)buf, size } };

    if (self->n_writes >= self->depth && !take_write_answer(self, error))
        return false;
    if (self->n_writes == 0)
        self->write_id = self->link->next_id;
    if (!user_link_send(self->link, self->link->next_id, FERRY_USER_MIG_DATA_WRITE, parts, 2,
                        error))
        return false;
    self->link->next_id++;
    self->n_writes++;
    return true;
}

bool
user_stream_settle(UserStream *self, GError **error)
{
    return settle_reads(self, error) && settle_writes(self, error);
}

bool
user_stream_write(UserStream *self, const void *buf, size_t size, FerryIo *ret, GError **error)
{
    size_t done = 0;

    if (!user_link_check(self->link, error) || !settle_reads(self, error))
        return false;
    while (done < size && self->write_code == 0) {
        size_t n = MIN(size - done, self->write_bytes);

        if (!write_piece(self, (const char *)buf + done, n, error))
            return false;
        done += n;
    }
    *ret = (FerryIo){ .n = done, .code = self->write_code };
    return true;
}

bool
user_stream_settle_writes(UserStream *self, int *ret_code, GError **error)
{

    if (!user_link_check(self->link, error) || !settle_writes(self, error))
        return false;
    *ret_code = self->write_code;
    self->write_code = 0;
    return true;
}

void
user_stream_drop(UserStream *self)
{

    if (!self->link->broken)
        (void)settle_reads(self, NULL); /* broken then, which the next call reports */
    g_byte_array_set_size(self->stash, 0);
    self->stash_used = 0;
    self->write_code = 0;
}
