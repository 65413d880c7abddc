/* Retry arithmetic: before attempt n+1 wait initial * factor^(n-1), at most
 * max, within ±jitter; by default 2, 4, 8, ... 60 s within ±10 %. After a worker's death: the 1st
 * 0-50 ms, the 2nd 2 s ±10 %, the 3rd is final. */
#ifndef MARATHON_MODEL_RETRY_H
#define MARATHON_MODEL_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rng.h"

#define DEATHS_MAX 3 /* the third death makes a dead letter */

struct retry_policy {
    uint32_t initial_ms, max_ms;
    double factor; /* >= 1 */
    double jitter; /* 0..1, of the wait */
};

extern const struct retry_policy retry_policy_default;

bool retry_policy_eq(const struct retry_policy *a, const struct retry_policy *b);
/* failures >= 1: attempts that have failed so far. Before jitter. */
mono_ms retry_wait_middle_ms(const struct retry_policy *p, uint32_t failures);
mono_ms retry_wait_ms(const struct retry_policy *p, uint32_t failures, struct rng *rng);
/* deaths 1 or 2. */
mono_ms redelivery_wait_ms(uint32_t deaths, struct rng *rng);

#endif
