/* The outcome of an attempt, and what becomes of its step (on_outcome.c). */
#ifndef MARATHON_CORE_ON_OUTCOME_H
#define MARATHON_CORE_ON_OUTCOME_H

#include "base/bytes.h"
#include "model/code.h"

struct core;
struct peer;
struct step;
struct step_outcome;

void on_outcome(struct core *c, struct peer *p, const struct step_outcome *o);
/* An attempt failed: counts it and makes that durable, then tries again or gives the step up. */
void step_fail(struct core *c, struct step *s, enum code code, struct bytes message);
void step_worker_died(struct core *c, struct step *s, struct bytes why);

#endif
