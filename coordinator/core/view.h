/* A task as it is shown (view.c). */
#ifndef MARATHON_CORE_VIEW_H
#define MARATHON_CORE_VIEW_H

struct arena;
struct core;
struct task;
struct task_view;

struct task_view *view_of(struct core *c, const struct task *t, struct arena *arena);

#endif
