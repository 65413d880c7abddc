/* What can be done with the checkpoint of an ended task: RECOVER revives the task, REQUEUE does so
 * for a dead letter, FORK starts another task from it. Each first reads the task from the store
 * (ASK_TASK), then, where the document is written anew, the results that stay (ASK_REVIVE,
 * ASK_FORK). */
#ifndef MARATHON_CORE_RECOVER_H
#define MARATHON_CORE_RECOVER_H

#include "core/core.h"
#include "core/task.h"

struct ask;
struct change;
struct peer;

/* ---- on_recover.c ---- */

/* Asks the store for the task that a RECOVER or a FORK is about. */
void recover_read_task(struct core *c, struct peer *p, const struct message *m);
/* The task that was read for ask (ASK_TASK); the caller owns it. NULL after a refusal. */
struct task *recover_task_read(struct core *c, const struct ask *ask, const struct store_answer *a);
void recover_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);
void recover_on_parts(struct core *c, struct ask *ask, const struct store_answer *a);
/* For the detail of a refusal: says which tasks can be recovered. */
const char *recover_who_may(const struct task *t);

/* ---- rerun.c ---- */

/* Sets keep[i] for each step whose result stays, by what the request wishes (ask->recover). False
 * after a refusal. */
bool recover_choose_kept(struct core *c, const struct ask *ask, const struct task *t, bool *keep);
/* Makes all steps pending anew as part of this change, except those that keep names (NULL: none).
 * how: the request's wishes; NULL where keep is. */
void task_rerun(struct change *ch, const bool *keep, const struct recover_request *how);
/* A task found at a takeover: fails where recovery is switched off, begins anew where it has no
 * checkpoints. */
void task_taken_over(struct core *c, struct task *t);

/* ---- on_dead.c ---- */

/* Has it failed by a dead letter? That is the step of its error. */
bool task_is_dead(const struct task *t);
/* t: as it is stored. May its dead letter be requeued? False after a refusal. */
bool requeue_allowed(struct core *c, const struct ask *ask, const struct task *t);

/* ---- fork.c ---- */

void fork_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);
void fork_on_parts(struct core *c, struct ask *ask, const struct store_answer *a);
/* Are the steps that the fork takes over a possible state of the pipeline, with something left to
 * run? */
bool fork_kept_good(const struct start_request *r, const struct pipeline *p, struct arena *arena);
/* Completes the steps that a fork takes over; returns their results, for change_admit. */
struct shared *fork_take_kept(struct change *ch, const struct start_request *r);

#endif
