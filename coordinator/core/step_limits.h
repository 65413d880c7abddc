/* Time limits of a step over all its attempts (step_limits.c): timeout_total counts from the first
 * order, queue_timeout from being ready. */
#ifndef MARATHON_CORE_STEP_LIMITS_H
#define MARATHON_CORE_STEP_LIMITS_H

#include "base/clock.h"

struct core;
struct step;

void step_clock_start(struct core *c, struct step *s);
/* updates spent_ms, before its blob is written */
void step_clock_note(struct core *c, struct step *s);
void step_clock_hold(struct core *c, struct step *s); /* stops it: its task rests */
void step_clock_reset(struct step *s);
mono_ms step_total_left(const struct core *c, const struct step *s);  /* NEVER_MS: no limit */
mono_ms step_ready_until(const struct core *c, const struct step *s); /* NEVER_MS: no limit */
void step_expire(struct core *c, struct step *s);

#endif
