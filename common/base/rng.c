#include "base/rng.h"

#include <assert.h>

static uint64_t rotate_left(uint64_t v, unsigned by)
{
    return (v << by) | (v >> (64 - by));
}

/* Fills the state with splitmix64: every seed, 0 included, gives a good state. */
void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->s[i] = z ^ (z >> 31);
    }
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t below)
{
    assert(below > 0);
    /* 2^64 mod below: that many values are rejected, else some results would be more likely */
    uint64_t uneven = (0 - below) % below;
    for (;;) {
        uint64_t v = rng_next(r);
        if (v >= uneven) {
            return v % below;
        }
    }
}

double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1.0p-53;
}

int64_t rng_jitter(struct rng *r, int64_t value, double spread)
{
    double factor = 1 - spread + 2 * spread * rng_unit(r);
    double v = (double)value * factor;
    return (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
}
