#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/** A pool as it was defined; what is in it now is not stored. */
typedef struct {
    char *name;
    char *definition; /* JSON text, kept as it is */
    int64_t created_us;
} FerryPoolRow;

void ferry_pool_row_free(FerryPoolRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryPoolRow, ferry_pool_row_free)

/** Returns: false with FERRY_ERROR_EXISTS when the name is taken, else as store.h */
bool ferry_store_pool_add(FerryStore *self, const FerryPoolRow *pool, GError **error);

/** Returns: false with FERRY_ERROR_NOT_FOUND when there is none of that name, else as store.h */
bool ferry_store_pool_remove(FerryStore *self, const char *name, GError **error);

/** @ret: (out) (nullable) (transfer full): the pool, or NULL when there is none of that name */
bool ferry_store_pool_find(FerryStore *self, const char *name, FerryPoolRow **ret, GError **error);

/** @ret: (out) (transfer full): array of FerryPoolRow, sorted by name, freeing its elements */
bool ferry_store_pool_list(FerryStore *self, GPtrArray **ret, GError **error);
