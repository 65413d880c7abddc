/* A mirror on a redis-server of its own: each coordinator has a store on it, as in life. What it
 * leaves out, because Redis goes by its own clock there: limits. The sums of usage are not in the
 * model. Time does not pass for Redis: the mirror takes away what has expired in the world. */
#ifndef MARATHON_SIM_REDIS_MIRROR_H
#define MARATHON_SIM_REDIS_MIRROR_H

#include "sim/mirror.h"

struct mirror *redis_mirror_open(void);
void redis_mirror_close(struct mirror *m);

#endif
