#include "parallel.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#define MAX_WORKERS 64

SimTally
sim_in_parallel(void (*work)(unsigned worker, unsigned n_workers, void *data, SimTally *tally),
                void *data)
{
    unsigned n = MIN(g_get_num_processors(), MAX_WORKERS);
    SimTally *tallies = mmap(NULL, sizeof(*tallies) * MAX_WORKERS, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SimTally sum = { 0 };

    g_assert_true(tallies != MAP_FAILED);
    fflush(stdout);
    for (unsigned i = 0; i < n; i++) {
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
            work(i, n, data, &tallies[i]);
            fflush(stdout);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        int status = 0;

        g_assert_cmpint(wait(&status), >, 0);
        sum.failed += status != 0;
    }
    for (unsigned i = 0; i < n; i++) {
        sum.ran += tallies[i].ran;
        sum.failed += tallies[i].failed;
        sum.rows_used |= tallies[i].rows_used;
        sum.reasons_given |= tallies[i].reasons_given;
    }
    (void)munmap(tallies, sizeof(*tallies) * MAX_WORKERS);
    return sum;
}
