/* The table of live tasks, and their clocks (tasks.c). */
#ifndef MARATHON_CORE_TASKS_H
#define MARATHON_CORE_TASKS_H

#include "base/bytes.h"

struct core;
struct task;

struct task *task_find(const struct core *c, struct bytes id);
void task_insert(struct core *c, struct task *t);
void task_remove(struct core *c, struct task *t); /* out of all tables and timers, and freed */
void task_bury(void *task);                       /* for fx_bury */
void task_loaded(struct core *c, struct task *t); /* what was running is pending again */
/* max_task_duration counts from now on; not while the task rests. */
void task_start_clock(struct core *c, struct task *t);
void task_hold_news(struct core *c, struct task *t);     /* another event tells them */
void task_hold_clock(struct core *c, struct task *t);    /* it no longer counts */
void task_stop_clock(struct core *c, struct task *t);    /* the task has ended: nor is it told of */
void task_restart_clock(struct core *c, struct task *t); /* what it ran does not count */

#endif
