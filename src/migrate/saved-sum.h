#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

/**
 * The checksums of a file: its length, and a SHA-256 of each piece of it, so that damage has a
 * place.  A plain value.
 *
 *   0          piece_bytes            2 * piece_bytes         bytes
 *   ├── digest 0 ──┼────── digest 1 ──────┼──── digest 2 ───────┤
 */
typedef struct {
    uint64_t bytes;
    uint64_t piece_bytes;
    GPtrArray *digests; /* of char *: 64 hexadecimal digits each */
} FerrySavedSum;

void ferry_saved_sum_free(FerrySavedSum *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerrySavedSum, ferry_saved_sum_free)

/** Told how far it is, about every 16 MiB.  Returns: false to give up. */
typedef bool (*FerrySavedSumTold)(void *data, uint64_t done_bytes, uint64_t total_bytes);

/**
 * Reads a whole file, 1 MiB at a time.
 *
 * @like: (nullable): in pieces as this one has them; NULL: at most 4096 of them
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_CANCELLED when @told gave up; FERRY_ERROR_NOT_FOUND, _DENIED,
 *          _IO, naming @path and where it could not be read
 */
bool ferry_saved_sum_take(const char *path,
                          const FerrySavedSum *like,
                          FerrySavedSumTold told,
                          void *data,
                          FerrySavedSum **ret,
                          GError **error);

/**
 * What tells two files apart.
 *
 * Returns: (nullable) (transfer full): a sentence that names the place; NULL when they are alike
 */
char *ferry_saved_sum_differ(const FerrySavedSum *then, const FerrySavedSum *now);

/** Returns: (transfer full): {algorithm, bytes, piece_bytes, digests[]} */
json_t *ferry_saved_sum_format(const FerrySavedSum *self);

/**
 * Reads that again; hostile until then.
 *
 * @ret: (out) (transfer full)
 *
 * Returns: false with FERRY_ERROR_INVALID, or FERRY_ERROR_UNSUPPORTED for another algorithm
 */
bool ferry_saved_sum_parse(const json_t *json, FerrySavedSum **ret, GError **error);
