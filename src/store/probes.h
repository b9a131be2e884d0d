#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/** What a driver said of devices of one kind; texts are there. */
typedef struct {
    char *kind;   /* what devices it holds for; made of driver, version and type by the caller */
    char *answer; /* JSON text, kept as it is */
    int64_t probed_us;
} FerryProbeRow;

void ferry_probe_row_free(FerryProbeRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FerryProbeRow, ferry_probe_row_free)

/** Keeps an answer, in place of an older one for that kind. */
bool ferry_store_probe_set(FerryStore *self, const FerryProbeRow *probe, GError **error);

/** @ret: (out) (nullable) (transfer full): NULL when none was kept */
bool
ferry_store_probe_find(FerryStore *self, const char *kind, FerryProbeRow **ret, GError **error);
