#include "migrate/saved-sum.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <gnutls/crypto.h>

#include "base/error.h"
#include "base/file.h"

#define ALGORITHM       "sha256"
#define DIGEST_BYTES    32
#define BLOCK_BYTES     ((size_t)1 << 20)
#define TELL_BYTES      ((uint64_t)16 << 20)
#define MIN_PIECE_BYTES ((uint64_t)1 << 20)
#define MAX_PIECES      4096
#define MAX_BYTES       ((uint64_t)1 << 50)

void
ferry_saved_sum_free(FerrySavedSum *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->digests);
    g_free(self);
}

static FerrySavedSum *
sum_new(uint64_t bytes, uint64_t piece_bytes)
{
    FerrySavedSum *self = g_new0(FerrySavedSum, 1);

    self->bytes = bytes;
    self->piece_bytes = piece_bytes;
    self->digests = g_ptr_array_new_with_free_func(g_free);
    return self;
}

static uint64_t
choose_piece(uint64_t bytes)
{
    uint64_t piece_bytes = MIN_PIECE_BYTES;

    while (bytes / piece_bytes >= MAX_PIECES)
        piece_bytes *= 2;
    return piece_bytes;
}

static uint64_t
n_pieces(uint64_t bytes, uint64_t piece_bytes)
{
    return bytes / piece_bytes + (bytes % piece_bytes != 0);
}

/* ---- reading a file ---- */

typedef struct {
    int fd;
    const char *path;
    FerrySavedSumTold told;
    void *data;
    char *block;
    gnutls_hash_hd_t hash;
    uint64_t at, told_at;
    FerrySavedSum *sum;
} Reading;

static void
reading_clear(Reading *self)
{
    ferry_fd_clear(&self->fd);
    g_free(self->block);
    if (self->hash != NULL)
        gnutls_hash_deinit(self->hash, NULL);
    ferry_saved_sum_free(self->sum);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reading, reading_clear)

static void
end_piece(Reading *self)
{
    unsigned char digest[DIGEST_BYTES];
    GString *hex = g_string_sized_new(2 * DIGEST_BYTES);

    gnutls_hash_output(self->hash, digest); /* and begins anew */
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        g_string_append_printf(hex, "%02x", digest[i]);
    g_ptr_array_add(self->sum->digests, g_string_free(hex, FALSE));
}

static bool
tell(Reading *self, GError **error)
{
    if (self->told == NULL || self->at - self->told_at < TELL_BYTES)
        return true;
    self->told_at = self->at;
    if (self->told(self->data, self->at, self->sum->bytes))
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_CANCELLED, "reading %s was cancelled", self->path);
    return false;
}

/* @ret_bytes: (out): 0 at the end */
static bool
read_block(Reading *self, size_t *ret_bytes, GError **error)
{
    const uint64_t left = self->sum->piece_bytes - self->at % self->sum->piece_bytes;
    ssize_t n = 0;

    do
        n = read(self->fd, self->block, MIN(BLOCK_BYTES, left));
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        g_autofree char *what = g_strdup_printf("read byte %" PRIu64 " of", self->at);

        return ferry_error_set_errno(error, errno, what, self->path);
    }
    *ret_bytes = (size_t)n;
    return true;
}

static bool
read_all(Reading *self, GError **error)
{
    size_t n = 1;

    while (n > 0 && self->at < MAX_BYTES) {
        if (!read_block(self, &n, error))
            return false;
        if (n > 0 && gnutls_hash(self->hash, self->block, n) != 0) {
            g_set_error(error, FERRY_ERROR, FERRY_ERROR_IO, "cannot take a checksum of %s",
                        self->path);
            return false;
        }
        self->at += n;
        if (n > 0 ? self->at % self->sum->piece_bytes == 0 : self->at % self->sum->piece_bytes != 0)
            end_piece(self);
        if (!tell(self, error))
            return false;
    }
    self->sum->bytes = self->at;
    return true;
}

bool
ferry_saved_sum_take(const char *path,
                     const FerrySavedSum *like,
                     FerrySavedSumTold told,
                     void *data,
                     FerrySavedSum **ret,
                     GError **error)
{
    g_auto(Reading) reading = { .fd = -1, .path = path, .told = told, .data = data };
    struct stat status;

    reading.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (reading.fd < 0 || fstat(reading.fd, &status) < 0)
        return ferry_error_set_errno(error, errno, "read", path);
    (void)posix_fadvise(reading.fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* only makes it faster */
    reading.sum =
        sum_new((uint64_t)status.st_size,
                like != NULL ? like->piece_bytes : choose_piece((uint64_t)status.st_size));
    reading.block = g_malloc(BLOCK_BYTES);
    if (gnutls_hash_init(&reading.hash, GNUTLS_DIG_SHA256) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "GnuTLS has no SHA-256: nothing can be verified");
        return false;
    }
    if (!read_all(&reading, error))
        return false;
    *ret = g_steal_pointer(&reading.sum);
    return true;
}

/* ---- comparing ---- */

char *
ferry_saved_sum_differ(const FerrySavedSum *then, const FerrySavedSum *now)
{
    const guint n = MIN(then->digests->len, now->digests->len);

    if (now->bytes < then->bytes)
        return g_strdup_printf("it ends at byte %" PRIu64 "; when it was saved it had %" PRIu64
                               " bytes: it was cut off",
                               now->bytes, then->bytes);
    if (now->bytes > then->bytes)
        return g_strdup_printf("it has %" PRIu64 " bytes; when it was saved it had %" PRIu64,
                               now->bytes, then->bytes);
    for (guint i = 0; i < n; i++)
        if (strcmp(g_ptr_array_index(then->digests, i), g_ptr_array_index(now->digests, i)) != 0)
            return g_strdup_printf("bytes %" PRIu64 " to %" PRIu64 " are not what was saved",
                                   i * then->piece_bytes,
                                   MIN((i + 1) * then->piece_bytes, then->bytes) - 1);
    return NULL;
}

/* ---- as JSON ---- */

json_t *
ferry_saved_sum_format(const FerrySavedSum *self)
{
    json_t *digests = json_array();

    for (guint i = 0; i < self->digests->len; i++)
        json_array_append_new(digests, json_string(g_ptr_array_index(self->digests, i)));
    return json_pack("{s:s, s:I, s:I, s:o}", "algorithm", ALGORITHM, "bytes",
                     (json_int_t)self->bytes, "piece_bytes", (json_int_t)self->piece_bytes,
                     "digests", digests);
}

static bool
is_digest(const char *text)
{
    return text != NULL && strlen(text) == (size_t)2 * DIGEST_BYTES &&
           strspn(text, "0123456789abcdef") == (size_t)2 * DIGEST_BYTES;
}

static bool
refuse(const char *what, GError **error)
{
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID, "its checksums: %s", what);
    return false;
}

bool
ferry_saved_sum_parse(const json_t *json, FerrySavedSum **ret, GError **error)
{
    const char *algorithm = json_string_value(json_object_get(json, "algorithm"));
    const json_int_t bytes = json_integer_value(json_object_get(json, "bytes"));
    const json_int_t piece_bytes = json_integer_value(json_object_get(json, "piece_bytes"));
    const json_t *digests = json_object_get(json, "digests");
    g_autoptr(FerrySavedSum) sum = NULL;

    if (algorithm != NULL && strcmp(algorithm, ALGORITHM) != 0) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_UNSUPPORTED,
                    "its checksums are %s; this ferry knows " ALGORITHM " only", algorithm);
        return false;
    }
    if (algorithm == NULL || bytes < 1 || (uint64_t)bytes > MAX_BYTES || piece_bytes < 1)
        return refuse("\"algorithm\", \"bytes\" or \"piece_bytes\" is missing or wrong", error);
    if (!json_is_array(digests) || json_array_size(digests) > MAX_PIECES ||
        json_array_size(digests) != n_pieces((uint64_t)bytes, (uint64_t)piece_bytes))
        return refuse("\"digests\" are not as many as there are pieces", error);
    sum = sum_new((uint64_t)bytes, (uint64_t)piece_bytes);
    for (size_t i = 0; i < json_array_size(digests); i++) {
        const char *digest = json_string_value(json_array_get(digests, i));

        if (!is_digest(digest))
            return refuse("one of \"digests\" is not 64 hexadecimal digits", error);
        g_ptr_array_add(sum->digests, g_strdup(digest));
    }
    *ret = g_steal_pointer(&sum);
    return true;
}
