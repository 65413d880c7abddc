/* The end of a step, what follows from it, the end of a task (step_end.c). */
#ifndef MARATHON_CORE_STEP_END_H
#define MARATHON_CORE_STEP_END_H

#include "base/parts.h"
#include "model/code.h"
#include "model/state.h"

struct change;
struct core;
struct deed;
struct step;
struct task;

/* Ends the task as part of this change (its error is set already) and stops all that runs. deed:
 * who asked for it, NULL where nobody did. */
void task_end(struct change *ch, enum task_state state, const struct deed *deed);
/* The task fails: now, or when its finally steps are over. */
void task_fail(struct change *ch, enum code code, struct bytes message, uint32_t step);
void task_timed_out(struct core *c, struct task *t); /* max_task_duration is over */
/* Completes the step with this result, and makes ready what needed it. At most one such call per
 * change. */
void step_complete(struct change *ch, struct step *s, struct parts result);
/* Corrects the step's times: clocks are set and differ from host to host, but nobody shall read
 * that a step began before what it needs had ended, or ended before it began. */
void step_keep_order(struct step *s);
bool step_result_fits(const struct step *s, struct bytes result);
/* The step will not run: it counts as done, without a result. */
void step_skip(struct change *ch, struct step *s);
/* The step has failed for good (its error is set, it is in no queue): does what its on_failure
 * says. */
void step_give_up(struct change *ch, struct step *s, enum code code, struct bytes message);

#endif
