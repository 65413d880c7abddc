/* News of running steps, told together after a while, and their progress checkpoints
 * (on_progress.c).
 */
#ifndef MARATHON_CORE_ON_PROGRESS_H
#define MARATHON_CORE_ON_PROGRESS_H

#include "base/bytes.h"

struct core;
struct peer;
struct step;
struct step_progress;
struct task;

void on_progress(struct core *c, struct peer *p, const struct step_progress *n);
/* Something about a step is worth telling: with the next progress event. */
void task_news(struct core *c, const struct step *s, struct bytes message);
void task_step_started(struct core *c, struct step *s);
/* Its timers: */
void task_progress_due(struct core *c, struct task *t);
void task_save_due(struct core *c, struct task *t);

#endif
