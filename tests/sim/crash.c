/* Tests the runner itself: in place of real worlds, quiet ones, one that dies as in a crash, and
 * one that fails. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "world.h"

#define SEED_DIES  7
#define SEED_FAILS 9

void world_run(uint64_t seed, bool trace, struct mirror *mirror)
{
    (void)mirror;
    if (trace) {
        printf("the story of %llu\n", (unsigned long long)seed);
    }
    if (seed == SEED_DIES) {
        raise(SIGKILL); /* no handler and no sanitizer can report this one */
    }
    if (seed == SEED_FAILS) {
        abort();
    }
}

void store_model_plant(bool fence, bool ttl, bool dead_letter)
{
    (void)fence;
    (void)ttl;
    (void)dead_letter;
}
