/* The ready order: which steps may be sent to a worker now, and which of them is next. Ordered by
 * age, to which priority adds. Each function, together with the labels that its steps require, has
 * a heap of its own (struct function); steps with limits are offered to it by their lane
 * (lanes.h). */
#ifndef MARATHON_CORE_READY_H
#define MARATHON_CORE_READY_H

#include "core/task.h"

struct core;
struct function;
struct lane;
struct pending_write;

struct step *step_of_ready(struct heap_node *ready);
/* compares two nodes of such a heap */
bool ready_before(const struct heap_node *a, const struct heap_node *b);

/* Takes the step's rank in the order of age. Only the first call counts: the rank never changes. */
void step_take_place(struct core *c, struct step *s);
/* The step's needs are met: it becomes READY, or whatever it has to wait for first (DELAYED until
 * its retry, RESOLVING, a wait, its items). Does nothing while its task rests. */
void step_make_ready(struct core *c, struct step *s);
/* Makes it READY and puts it into its heap. That no worker offers its function is logged once. */
void step_enqueue(struct core *c, struct step *s);
/* Takes the step out of the ready order, to be dispatched. f: its function. Returns its lane, which
 * the caller must settle; NULL where it has none. */
struct lane *ready_leave(struct core *c, struct function *f, struct step *s);
/* Takes it out of every queue and clears its timer; its phase becomes NONE. */
void step_unqueue(struct core *c, struct step *s);
/* Tells the worker that runs the step to stop, once w is durable. The step is in no queue
 * afterwards. */
void step_stop_run(struct core *c, struct step *s, enum stop_reason reason,
                   struct pending_write *w);

#endif
