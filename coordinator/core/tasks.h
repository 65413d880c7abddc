/* The table of live tasks, and their clocks (tasks.c). */
#ifndef MARATHON_CORE_TASKS_H
#define MARATHON_CORE_TASKS_H

#include "base/bytes.h"

struct core;
struct task;

struct task *task_find(const struct core *c, struct bytes id);
void task_insert(struct core *c, struct task *t);
/* removes it from all tables and timers, and frees it */
void task_remove(struct core *c, struct task *t);
void task_bury(void *task); /* for fx_bury */
/* sets up a task that was read: what was running is pending again */
void task_loaded(struct core *c, struct task *t);
/* max_task_duration counts from now on; it does not while the task rests. */
void task_start_clock(struct core *c, struct task *t);
/* progress news are not sent: another event tells them */
void task_hold_news(struct core *c, struct task *t);
void task_hold_clock(struct core *c, struct task *t); /* max_task_duration stops counting */
void task_stop_clock(struct core *c, struct task *t); /* the task has ended: no duration, no news */
void task_restart_clock(struct core *c, struct task *t); /* counts from 0 again */

#endif
