/* Timers, in the order of their moments (timers.c). */
#ifndef MARATHON_CORE_TIMERS_H
#define MARATHON_CORE_TIMERS_H

#include "base/clock.h"

struct core;
struct timer;

void timer_set(struct core *c, struct timer *t, mono_ms at); /* sets or moves; NEVER_MS clears */
void timer_clear(struct core *c, struct timer *t);
void timers_fire(struct core *c); /* all that are due */

#endif
