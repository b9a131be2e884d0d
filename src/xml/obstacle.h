#pragma once

#include <glib.h>

/** libxml2's xmlDoc, named here so that who reads guests need not include libxml2. */
struct _xmlDoc;

/** What of a guest neither moves nor is saved while it runs, whatever the hosts are. */
typedef struct {
    char *alias;        /* (nullable): of the device; NULL: it is no device, or has no alias */
    const char *what;   /* "a transient disk" */
    const char *remedy; /* "take it off" */
} FerryObstacle;

/** Returns: (transfer full): of FerryObstacle, those that @document, a domain XML, has */
GPtrArray *ferry_obstacles_find(struct _xmlDoc *document);
