#include "model/retry.h"

#include <assert.h>

#include "model/limits.h"

#define RETRY_SPREAD         0.1
#define FIRST_REDELIVERY_MS  50 /* spreads the steps of one dead worker over a moment */
#define SECOND_REDELIVERY_MS 2000

mono_ms retry_wait_ms(uint32_t failures, struct rng *rng)
{
    assert(failures >= 1);
    mono_ms wait = RETRY_WAIT_MS_MAX;
    if (failures <= 5) { /* 2^6 s is past the longest wait already */
        wait = (mono_ms)1000 << failures;
    }
    return rng_jitter(rng, wait, RETRY_SPREAD);
}

mono_ms redelivery_wait_ms(uint32_t deaths, struct rng *rng)
{
    assert(deaths >= 1 && deaths < DEATHS_MAX);
    if (deaths == 1) {
        return (mono_ms)rng_below(rng, FIRST_REDELIVERY_MS + 1);
    }
    return rng_jitter(rng, SECOND_REDELIVERY_MS, RETRY_SPREAD);
}
