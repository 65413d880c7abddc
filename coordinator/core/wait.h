/* Wait steps: for a time, for a signal, for both (wait.c). */
#ifndef MARATHON_CORE_WAIT_H
#define MARATHON_CORE_WAIT_H

#include "core/task.h"

struct change;
struct core;
struct scope;

bool step_waits(const struct step *s); /* its wait has begun */
void wait_make_ready(struct core *c, struct step *s);
/* Evaluates the time of a wait where it is an expression. False with the fault in ret_why. */
bool wait_resolve(struct core *c, struct step *s, struct scope *x, struct bytes *ret_why);
void wait_due(struct core *c, struct step *s);
void wait_reset(struct step *s, bool anew);
void waits_look_at_clock(struct core *c);
/* Sets whether the task is `waiting`, and stops or starts its clock; to be called after each change
 * of its steps. */
void task_review(struct core *c, struct task *t);
/* The signal ends the step's wait, or is kept for it where its turn has not come. */
void wait_take_signal(struct change *ch, struct step *s, struct bytes data,
                      struct request_mark mark);
/* A step that keeps a signal of the name for which s waits; NULL: none. */
struct step *signal_kept(const struct step *s);

#endif
