/* Retry arithmetic. The wait before attempt n+1 is initial * factor^(n-1), at most max, within
 * ±jitter; by default 2, 4, 8, ... 60 s within ±10 %. After a worker's first death it is 0-50 ms,
 * after the second 2 s ±10 %; the third is final. */
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
    double jitter; /* 0..1, as a part of the wait */
};

extern const struct retry_policy retry_policy_default;

bool retry_policy_eq(const struct retry_policy *a, const struct retry_policy *b);
/* The wait without jitter. failures >= 1: attempts that have failed so far. */
mono_ms retry_wait_middle_ms(const struct retry_policy *p, uint32_t failures);
mono_ms retry_wait_ms(const struct retry_policy *p, uint32_t failures, struct rng *rng);
/* deaths 1 or 2. */
mono_ms redelivery_wait_ms(uint32_t deaths, struct rng *rng);

#endif
