/* Retry arithmetic, as product.md says: before attempt n+1 wait 2^n seconds (2, 4, 8, ...) within
 * ±10 %, at most 60 s before jitter. After a worker's death: the 1st 0-50 ms, the 2nd 2 s ±10 %,
 * the 3rd is final. */
#ifndef MARATHON_MODEL_RETRY_H
#define MARATHON_MODEL_RETRY_H

#include "base/clock.h"
#include "base/rng.h"

#define DEATHS_MAX 3 /* the third death makes a dead letter */

/* failures >= 1: attempts that have failed so far. */
mono_ms retry_wait_ms(uint32_t failures, struct rng *rng);
/* deaths 1 or 2. */
mono_ms redelivery_wait_ms(uint32_t deaths, struct rng *rng);

#endif
