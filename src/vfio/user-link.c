#include "vfio/user-link.h"

#include <errno.h>

#include "base/error.h"

#define SKIP_BYTES       4096
#define MAX_COMMAND_HEAD 8192
#define MAX_COMMANDS     1000 /* of the server's own, between a request and its reply */

bool
user_link_check(UserLink *self, GError **error)
{
    if (!self->broken)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER,
                "%s cannot be used any more: the connection failed before", self->name);
    return false;
}

bool
user_link_fail(UserLink *self, GError **error, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list arguments;

    va_start(arguments, format);
    what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    self->broken = true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_PEER, "%s %s", self->name, what);
    return false;
}

bool
user_link_recv_parts(UserLink *self,
                     struct iovec *parts,
                     size_t n_parts,
                     const FerryDeadline *deadline,
                     GError **error)
{
    if (ferry_user_recv(self->fd, parts, n_parts, deadline, self->name, error))
        return true;
    self->broken = true;
    return false;
}

bool
user_link_recv(UserLink *self,
               void *buf,
               size_t size,
               const FerryDeadline *deadline,
               GError **error)
{
    struct iovec part = { buf, size };

    return user_link_recv_parts(self, &part, 1, deadline, error);
}

bool
user_link_skip(UserLink *self, size_t size, const FerryDeadline *deadline, GError **error)
{
    char scratch[SKIP_BYTES];

    while (size > 0) {
        size_t n = MIN(size, sizeof scratch);

        if (!user_link_recv(self, scratch, n, deadline, error))
            return false;
        size -= n;
    }
    return true;
}

bool
user_link_send(UserLink *self,
               uint16_t id,
               FerryUserCommand command,
               struct iovec *payload,
               size_t n_payload,
               GError **error)
{
    FerryDeadline deadline = ferry_deadline_in(self->timeout_ms);
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
refuse_command(UserLink *self,
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

    if (header->size < sizeof *header || header->size > FERRY_USER_MAX_XFER + MAX_COMMAND_HEAD)
        return user_link_fail(self, error, "sent a command of %u bytes", header->size);

    if (!user_link_skip(self, header->size - sizeof *header, deadline, error))
        return false;
    if (header->flags & FERRY_USER_NO_REPLY)
        return true;
    if (ferry_user_send(self->fd, &part, 1, deadline, self->name, error))
        return true;
    self->broken = true;
    return false;
}

bool
user_link_reply(UserLink *self,
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

        if (!user_link_recv(self, &header, sizeof header, deadline, error))
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
    return user_link_fail(self, error, "sent %d commands of its own where a reply was due",
                          MAX_COMMANDS);
}
