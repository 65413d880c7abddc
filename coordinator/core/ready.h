/* The ready order: which steps may be sent to a worker now, and which of them is the next. By age,
 * to which priority adds; a function, with the labels that its steps require, has a heap of its own
 * (struct function), those with limits stand there behind their lane (lanes.h). */
#ifndef MARATHON_CORE_READY_H
#define MARATHON_CORE_READY_H

#include "core/task.h"

struct core;
struct function;
struct lane;
struct pending_write;

struct step *step_of_ready(struct heap_node *ready);
bool ready_before(const struct heap_node *a, const struct heap_node *b); /* a heap's */

/* Its place in the order of age; the first call counts, and it never changes. */
void step_take_place(struct core *c, struct step *s);
/* The step's needs are met: READY now, or what it has to wait for first (DELAYED until its retry, a
 * condition that is read for, a wait, its items). Nothing while its task rests. */
void step_make_ready(struct core *c, struct step *s);
/* READY, in its place; where nobody offers its function, that is told once. */
void step_enqueue(struct core *c, struct step *s);
/* f: its function. Out of the ready order, to be sent. Its lane, which the caller settles; NULL
 * where it has none. */
struct lane *ready_leave(struct core *c, struct function *f, struct step *s);
/* Out of whatever it waits in, and its timer cleared; phase NONE. */
void step_unqueue(struct core *c, struct step *s);
/* Tells whoever runs the step to stop, once w is durable; the step is in no queue afterwards. */
void step_stop_run(struct core *c, struct step *s, enum stop_reason reason,
                   struct pending_write *w);

#endif
