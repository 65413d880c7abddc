/* Steps with `concurrency` or `rate_limit`: what all coordinators share lies in the store, is taken
 * there before such a step is sent out, and given back when its attempt is over.
 *
 * lanes.c: the ready steps of one function and one pair of keys are a lane. It offers its best one
 * to the function's ready order, and nothing while the store is asked for that one, or has said no:
 * so that one full key is in nobody's way, is asked for by each coordinator once in a while only,
 * and its steps keep their order. A refused lane has its place in line in the store: who waits for
 * longer is first. It asks again when this coordinator gives a place of that key back, or after a
 * while.
 *
 * holds.c: a place that was taken is a hold. It belongs to the question on its way, then to the
 * attempt that the worker runs, until the worker says that it is over, or is dead. It is renewed
 * all the time, and passes by itself a lease after its coordinator's death; whoever takes over
 * renews those of the attempts that workers claim. */
#ifndef MARATHON_CORE_LANES_H
#define MARATHON_CORE_LANES_H

#include "core/task.h"

struct ask;
struct core;
struct function;
struct hold;
struct lane;
struct limit_op;
struct store_answer;
struct worker;

/* A place without a living coordinator is free after this: three takeovers fit in, so that one that
 * works is not lost. */
#define LIMIT_LEASE_MS 15000
#define LIMIT_RENEW_MS (LIMIT_LEASE_MS / 3)
/* A lane that does not ask for so long (its workers are busy) loses its place in line: three times
 * the longest pause between two questions. */
#define LANE_PATIENCE_MS 3000
/* Pause after a refusal, doubled up to the most: what a free place may wait for a coordinator that
 * did not see it go. */
#define LANE_PAUSE_MS     100
#define LANE_PAUSE_MS_MAX 1000
/* Coordinators that wait for the same moment of a rate: who is first is chance */
#define RATE_JITTER_MS_MAX 50
#define HOLDS_PER_ASK      256u /* renewed in one call: about a millisecond of Redis */

/* What a step has of this, once it was ready; its keys, where they are known. */
struct step_shared {
    struct lane *lane; /* READY: where it waits, or is offered */
    char *concurrency, *rate;
};

static inline bool step_shares(const struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    return def->concurrency.key != NULL || def->rate.key != NULL;
}

/* ---- lanes.c ---- */

/* Its shared part, with the keys that are plain text. */
struct step_shared *step_shared(struct step *s);
void lane_push(struct core *c, struct function *f, struct step *s);
/* It is in no order any more; the lane is settled (or asked for) by the caller. */
struct lane *lane_leave(struct function *f, struct step *s);
/* Offers the best one, where it may; frees the lane where it is empty. NULL is allowed. */
void lane_settle(struct core *c, struct lane *l);
/* s was offered and taken, w's credit is reserved. False where too many reads wait. */
bool lane_ask(struct core *c, struct lane *l, struct step *s, struct worker *w);
void lane_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
void lane_due(struct core *c, struct timer *t);
/* A place of this key is free. */
void lanes_wake(struct core *c, const char *concurrency);
/* Why a ready step waits for its lane; NULL where it does not. */
const char *lane_lack(const struct step *s, struct arena *arena);
void lanes_free(struct core *c);

/* ---- holds.c ---- */

/* Of the step's next order; not granted yet. */
struct hold *hold_create(struct core *c, const struct step *s);
void hold_granted(struct hold *h);
/* Key, holder, epoch and lease, in the arena of the turn. */
void hold_fill(struct core *c, const struct hold *h, struct limit_op *op);
/* Gives it back, where it is still ours to give. NULL is allowed. */
void hold_release(struct core *c, struct hold *h);
void hold_drop(struct core *c, struct hold *h); /* without a word; NULL is allowed */
/* The order that it was taken for is not sent: gives it back. Where the attempt was claimed
 * meanwhile by a worker that runs it, the place is that one's. */
void hold_return(struct core *c, const struct ask *ask);
/* The worker runs s: it was claimed. */
void hold_claim(struct core *c, struct worker *w, struct step *s);
/* Its keys were found out. */
void hold_claimed(struct core *c, struct worker *w, struct step *s);
void holds_tick(struct core *c);
void holds_renew(struct core *c);
size_t holds_count(const struct core *c); /* granted, of partitions that are ours */
void holds_free(struct core *c);

#endif
