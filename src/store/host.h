#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/** Another host that runs a ferryd and that we were told of. */
typedef struct {
    char *name;    /* as in its certificate */
    char *address; /* HOST:PORT of its ferryd */
    int64_t added_us;
} FerryHostRow;

void ferry_host_row_free(FerryHostRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryHostRow, ferry_host_row_free)

/** Returns: false with FERRY_ERROR_EXISTS when the name is taken, else as store.h */
bool ferry_store_host_add(FerryStore *self, const FerryHostRow *host, GError **error);

/** Returns: false with FERRY_ERROR_NOT_FOUND when there is none of that name, else as store.h */
bool ferry_store_host_remove(FerryStore *self, const char *name, GError **error);

/** @ret: (out) (nullable) (transfer full): the host, or NULL when there is none of that name */
bool ferry_store_host_find(FerryStore *self, const char *name, FerryHostRow **ret, GError **error);

/** @ret: (out) (transfer full): array of FerryHostRow, sorted by name, freeing its elements */
bool ferry_store_host_list(FerryStore *self, GPtrArray **ret, GError **error);
