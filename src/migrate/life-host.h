#pragma once

#include "guest/connection.h"
#include "host/watch.h"
#include "migrate/life.h"
#include "migrate/migrator.h"

/** What this host's guests are reached through; all of it the caller's. */
typedef struct {
    FerryGuests *guests;
    FerryMigrator *migrator;
    FerryWatch *watch;
    const char *marker_dir;
} FerryLifeHost;

/** The real ones; @data is a FerryLifeHost. */
extern const FerryLifeOps ferry_life_host_ops;
