/* News of running steps, which are coalesced into few progress events, and their progress
 * checkpoints. */
#ifndef MARATHON_CORE_ON_PROGRESS_H
#define MARATHON_CORE_ON_PROGRESS_H

#include "base/bytes.h"

struct core;
struct peer;
struct step;
struct step_progress;
struct task;

void on_progress(struct core *c, struct peer *p, const struct step_progress *n);
/* Something about the step is worth telling watchers: with the next progress event. */
void task_news(struct core *c, const struct step *s, struct bytes message);
void task_step_started(struct core *c, struct step *s);
/* The task's timers have fired: */
void task_progress_due(struct core *c, struct task *t);
void task_save_due(struct core *c, struct task *t);

#endif
