/* What a task may spend: cost, tokens, attempts.
 *
 * A step is dispatched while what was spent, and what the steps under way are expected to spend,
 * leave any room; so all that is under way exceeds the budget by less than one step's cost. A step
 * is expected to cost what its definition says, else the mean of its (or its items') attempts so
 * far, else nothing.
 *
 * At 80 per cent there is an event; at 100 no further step begins, and the task rests in
 * TASK_BUDGET_EXCEEDED until its budget is raised. The finally steps of a failing task run whatever
 * was spent. */
#ifndef MARATHON_CORE_BUDGET_H
#define MARATHON_CORE_BUDGET_H

#include "base/pack.h"
#include "core/task.h"

struct change;
struct core;

/* Stored form. Reading allocates a struct spending only where there is something. */
void budget_record_put(const struct spending *x, struct buf *out);
void budget_record_get(struct unpack *u, struct task *t);
/* Has the budget room for the step now? */
bool budget_admits(const struct step *s);
/* It has not: puts the step into PHASE_BUDGET until a step under way has ended, or makes the task
 * rest, which takes its other steps out of their queues. */
void budget_put_aside(struct core *c, struct step *s);
/* A step that was under way is ready again without a row that says so: steps that were put aside
 * may take its room. */
void budget_room(struct core *c, struct task *t);
/* Counts an attempt of the step that is over. */
void budget_count(struct step *s);
/* Applies what this change has spent: the budget's events, its end, and which steps may go on. */
void budget_settle(struct change *ch);
/* Would setting these limits change nothing? */
bool budget_same(const struct budget *of, const struct budget *limits);
/* Replaces those limits of the task that `limits` names, with an event that says who asked for it.
 * False where nothing changes. */
bool budget_set(struct change *ch, const struct budget *limits, const struct deed *deed);
/* The same before there is a task. */
void budget_merge(struct budget *of, const struct budget *limits);
bool budget_spent(const struct task *t); /* is the whole budget spent? */
/* Would it still be spent with these limits? Then ret_text says of what: "0.5 of 0.5 dollars". In
 * arena. */
bool budget_short(const struct task *t, const struct budget *limits, struct arena *arena,
                  const char **ret_text);
/* Is a step of the task under way, whose end may leave room? */
bool budget_moves(const struct task *t);

#endif
