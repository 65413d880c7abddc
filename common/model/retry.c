#include "model/retry.h"

#include <assert.h>

#include "model/limits.h"

#define RETRY_SPREAD         0.1
#define FIRST_REDELIVERY_MS  50 /* spreads out the steps of one dead worker */
#define SECOND_REDELIVERY_MS 2000

const struct retry_policy retry_policy_default = {
    .initial_ms = 2000, .max_ms = RETRY_WAIT_MS_MAX, .factor = 2, .jitter = 0.1};

bool retry_policy_eq(const struct retry_policy *a, const struct retry_policy *b)
{
    return a->initial_ms == b->initial_ms && a->max_ms == b->max_ms && a->factor == b->factor &&
           a->jitter == b->jitter;
}

mono_ms retry_wait_middle_ms(const struct retry_policy *p, uint32_t failures)
{
    assert(failures >= 1);
    double wait = p->initial_ms;
    for (uint32_t n = 1; n < failures && wait < p->max_ms && p->factor > 1; n++) {
        wait *= p->factor;
    }
    return wait < p->max_ms ? (mono_ms)wait : (mono_ms)p->max_ms;
}

mono_ms retry_wait_ms(const struct retry_policy *p, uint32_t failures, struct rng *rng)
{
    return rng_jitter(rng, retry_wait_middle_ms(p, failures), p->jitter);
}

mono_ms redelivery_wait_ms(uint32_t deaths, struct rng *rng)
{
    assert(deaths >= 1 && deaths < DEATHS_MAX);
    if (deaths == 1) {
        return (mono_ms)rng_below(rng, FIRST_REDELIVERY_MS + 1);
    }
    return rng_jitter(rng, SECOND_REDELIVERY_MS, RETRY_SPREAD);
}
