/* Runs worlds from seeds, in several processes: the command line of sim and sim_redis. */
#ifndef MARATHON_SIM_RUN_H
#define MARATHON_SIM_RUN_H

#include "sim/mirror.h"

struct run_kind {
    const char *name;
    const char *usage;
    uint64_t seeds;               /* if the command line names none */
    struct mirror *(*open)(void); /* called once per process. NULL: no mirror */
    void (*close)(struct mirror *m);
};

/* The current seed of each process, in memory shared with the parent, which reports the seed of a
 * process that dies without a message. */
uint64_t *run_share_seeds(uint64_t processes);

/* The exit status: 0 all invariants held, 1 some did not, 2 bad arguments. */
int run_main(int argc, char **argv, const struct run_kind *kind);

#endif
