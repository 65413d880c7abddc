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
/* An attempt failed for good, or may be tried again: counted, told, made durable. */
void step_fail(struct core *c, struct step *s, enum code code, struct bytes message);
void step_worker_died(struct core *c, struct step *s, struct bytes why);

#endif
