/* Worlds from seeds, in several processes: the command line of sim and sim_redis. */
#ifndef MARATHON_SIM_RUN_H
#define MARATHON_SIM_RUN_H

#include "sim/mirror.h"

struct run_kind {
    const char *name;
    const char *usage;
    uint64_t seeds;               /* where the words name none */
    struct mirror *(*open)(void); /* one per process. NULL: without a mirror */
    void (*close)(struct mirror *m);
};

/* The seeds that so many processes run: shared with the one that starts them, which tells of
 * whoever dies without a word. */
uint64_t *run_share_seeds(uint64_t processes);

/* The exit status: 0 all invariants held, 1 some did not, 2 the words are not understood. */
int run_main(int argc, char **argv, const struct run_kind *kind);

#endif
