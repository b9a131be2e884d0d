#pragma once

#include <stdbool.h>
#include <stdint.h>

/** What the workers of one run counted; all of it only ever grows. */
typedef struct {
    uint64_t ran;
    unsigned failed;
    uint64_t rows_used, reasons_given; /* bits, see watch.h */
} SimTally;

/**
 * Does the parts of a work in as many processes as there are processors: schedules share nothing,
 * and the decision tables' watch is the process's own.
 *
 * @work: called in each process with its number and how many there are; prints what it finds
 *
 * Returns: the sum; a process that dies is a failure
 */
SimTally
sim_in_parallel(void (*work)(unsigned worker, unsigned n_workers, void *data, SimTally *tally),
                void *data);
