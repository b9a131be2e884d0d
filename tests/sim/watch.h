#pragma once

#include <stdint.h>

/** Returns: the decision tables' rows that were ever asked for, one bit a row, S1 the lowest */
uint64_t sim_watch_rows(void);

unsigned sim_watch_n_rows(void);

/** Returns: (transfer full): " S2 T3", the names of those that are not in @rows */
char *sim_watch_missing(uint64_t rows);

/** Returns: the reasons that a job ever ended for, one bit each */
uint64_t sim_watch_reasons(void);

/** Returns: (transfer full): " not-loaded", those that are not in @bits */
char *sim_watch_missing_reasons(uint64_t bits);
