#pragma once

#include <stdbool.h>

/** What the wrapped decision tables saw in all schedules so far. */
typedef struct {
    unsigned rows_used, n_rows;
    const char *unused; /* (transfer none): names, until the next call */
} SimRows;

SimRows sim_watch_rows(void);
