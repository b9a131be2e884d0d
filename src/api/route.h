#pragma once

#include "api/handler.h"

/** Rows and what their handlers are given. */
typedef struct {
    const FerryRoute *routes;
    void *data;
} FerryRouteTable;

/** Where a request goes; exactly one of @route and @problem is set. */
typedef struct {
    const FerryRoute *route;
    void *data;
    char **segments; /* for each {} of the path */
    json_t *problem; /* 404, 405 or 403 */
    char *allow;     /* with a 405: the methods that there are, "GET, POST" */
} FerryMatch;

void ferry_match_clear(FerryMatch *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FerryMatch, ferry_match_clear)

/**
 * Finds the row for a request.
 *
 * @tables: of FerryRouteTable
 * @path: as it came, percent-encoded, without query
 * @ret: (out): cleared by the caller
 */
void ferry_route_find(const GArray *tables,
                      const char *method,
                      const char *path,
                      const FerryPeerName *caller,
                      FerryMatch *ret);
