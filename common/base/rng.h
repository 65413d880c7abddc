/* A small seeded random generator (xoshiro256**), for jitter and ids in pure code. Not for secrets:
 * use crypto/random.h. */
#ifndef MARATHON_BASE_RNG_H
#define MARATHON_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* Uniform in [0, below); below > 0. */
uint64_t rng_below(struct rng *r, uint64_t below);
/* Uniform in [0, 1). */
double rng_unit(struct rng *r);
/* value times a uniform random factor in [1-spread, 1+spread]. */
int64_t rng_jitter(struct rng *r, int64_t value, double spread);

#endif
