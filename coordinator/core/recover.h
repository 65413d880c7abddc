/* What is done with the checkpoint of an ended task: RECOVER lets it live again, REQUEUE too (a
 * dead letter), FORK starts another one from it. Each reads the task from the store first
 * (ASK_TASK), and the results that stay (ASK_REVIVE, ASK_FORK) where their document is written
 * anew. */
#ifndef MARATHON_CORE_RECOVER_H
#define MARATHON_CORE_RECOVER_H

#include "core/core.h"
#include "core/task.h"

struct ask;
struct change;
struct peer;

/* ---- on_recover.c ---- */

/* The task that a RECOVER or a FORK is about. */
void recover_read_task(struct core *c, struct peer *p, const struct message *m);
void recover_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);
void recover_on_parts(struct core *c, struct ask *ask, const struct store_answer *a);
/* For a refusal, behind the state of the task: what can be recovered. */
const char *recover_who_may(const struct task *t);

/* ---- rerun.c ---- */

/* Sets keep[i] for each step: its result stays, by what is wished (ask->recover). False after a
 * refusal. */
bool recover_choose_kept(struct core *c, const struct ask *ask, const struct task *t, bool *keep);
/* All steps but those that keep names (NULL: all) are pending anew, as part of this change. how:
 * what is wished; NULL where keep is. */
void task_rerun(struct change *ch, const bool *keep, const struct recover_request *how);
/* A task that was found at a takeover fails where recovery is switched off, and begins anew where
 * it has no checkpoints. */
void task_taken_over(struct core *c, struct task *t);

/* ---- on_dead.c ---- */

/* Has it failed by a dead letter? That is its error's step. */
bool task_is_dead(const struct task *t);
/* t: as it is stored. False after a refusal. */
bool requeue_allowed(struct core *c, const struct ask *ask, const struct task *t);

/* ---- fork.c ---- */

void fork_on_task(struct core *c, const struct ask *ask, const struct store_answer *a);
void fork_on_parts(struct core *c, struct ask *ask, const struct store_answer *a);
/* Is what it takes over a part of the pipeline that could have run so, with something left to run?
 */
bool fork_kept_good(const struct start_request *r, const struct pipeline *p, struct arena *arena);
/* The steps that a fork takes over are completed; its results, for change_admit. */
struct shared *fork_take_kept(struct change *ch, const struct start_request *r);

#endif
