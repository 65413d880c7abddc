/* What a task may spend: cost, tokens, attempts. A step is sent out while what was spent and what
 * those under way are expected to spend yet leave room, were it for a part of it only; so all that
 * is under way passes the budget by less than one step's cost. A step is expected to cost what its
 * definition says, else the mean of its (or its items') attempts so far, else nothing.
 *
 * At 80 per cent spent there is an event; at 100 no further step begins, and the task rests in
 * TASK_BUDGET_EXCEEDED until its budget is raised. The finally steps of a task that fails run
 * whatever was spent. */
#ifndef MARATHON_CORE_BUDGET_H
#define MARATHON_CORE_BUDGET_H

#include "base/pack.h"
#include "core/task.h"

struct change;
struct core;

/* As they are stored; reading makes a struct spending only where there is something. */
void budget_record_put(const struct spending *x, struct buf *out);
void budget_record_get(struct unpack *u, struct task *t);
/* May it be sent out now? */
bool budget_admits(const struct step *s);
/* It may not: PHASE_BUDGET until something under way has ended, or its task rests, which takes the
 * others of the task out of their queues. */
void budget_put_aside(struct core *c, struct step *s);
/* A step of the task that was under way is ready again, and no row says so: those that were put
 * aside may have its room. */
void budget_room(struct core *c, struct task *t);
/* An attempt of the step is over. */
void budget_count(struct step *s);
/* What this change has made of the budget: its events, its end, who may go on. */
void budget_settle(struct change *ch);
/* Would these limits change nothing? */
bool budget_same(const struct budget *of, const struct budget *limits);
/* Limits that are named replace those of the task; told, with who wanted it. False: they are what
 * they were. */
bool budget_set(struct change *ch, const struct budget *limits, const struct deed *deed);
/* The same on a task that is not there yet. */
void budget_merge(struct budget *of, const struct budget *limits);
bool budget_spent(const struct task *t); /* all of it */
/* Would these limits leave it spent? "0.5 of 0.5 dollars" into text for the answer. */
bool budget_short(const struct task *t, const struct budget *limits, struct arena *arena,
                  const char **ret_text);
/* Is something of it under way? For those that wait for its end. */
bool budget_moves(const struct task *t);

#endif
