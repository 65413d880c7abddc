/* A mirror on a redis-server of its own; each coordinator has its own store on it, as in reality.
 * Not compared: limits, for which Redis uses its own clock, and the sums of usage, which the model
 * does not have. Time does not pass for Redis: the mirror deletes what has expired in the world. */
#ifndef MARATHON_SIM_REDIS_MIRROR_H
#define MARATHON_SIM_REDIS_MIRROR_H

#include "sim/mirror.h"

struct mirror *redis_mirror_open(void);
void redis_mirror_close(struct mirror *m);

#endif
