/* Steps with `concurrency` or `rate_limit`. These limits are shared by all coordinators and lie in
 * the store: a place is taken there before such a step is dispatched, and given back when its
 * attempt is over.
 *
 * lanes.c: the ready steps of one function and one pair of keys form a lane. The lane offers its
 * best step to the function's ready order, and none while the store is being asked for a place or
 * has refused one. So a full key is in nobody's way, each coordinator asks for it only once in a
 * while, and its steps keep their order. A refused lane has a place in line in the store: who waits
 * longest is first. It asks again when this coordinator gives back a place of that key, or after a
 * pause.
 *
 * holds.c: a place that was taken is a hold. It belongs to the pending question, then to the
 * attempt that the worker runs, until the worker says that the attempt is over, or is dead. Holds
 * are renewed all the time; after the death of their coordinator they expire by their lease. The
 * next owner renews those of the attempts that workers claim. */
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

/* Lease of a place: it is free this long after its coordinator's death. Long enough for three
 * takeovers, so that a working attempt does not lose its place. */
#define LIMIT_LEASE_MS 15000
#define LIMIT_RENEW_MS (LIMIT_LEASE_MS / 3)
/* A refused lane that does not ask again for this long (its workers are busy) loses its place in
 * line. Three times the longest pause between two questions. */
#define LANE_PATIENCE_MS 3000
/* Pause after a refusal, doubled each time up to the maximum: a coordinator that does not notice
 * that a place is free takes it this late at most. */
#define LANE_PAUSE_MS     100
#define LANE_PAUSE_MS_MAX 1000
/* Spreads coordinators that wait for the same moment of a rate: which of them is first is chance */
#define RATE_JITTER_MS_MAX 50
#define HOLDS_PER_ASK      256u /* renewed in one call; costs Redis about a millisecond */

/* The part of a step that has limits, made when it is first ready. Its keys are set once they are
 * known. */
struct step_shared {
    struct lane *lane; /* READY: the lane that it is in */
    char *concurrency, *rate;
};

static inline bool step_shares(const struct step *s)
{
    const struct pipeline_step *def = step_def(s);
    return def->concurrency.key != NULL || def->rate.key != NULL;
}

/* ---- lanes.c ---- */

/* The step's shared part, made where it is missing, with those keys that are plain text (no
 * expression). */
struct step_shared *step_shared(struct step *s);
void lane_push(struct core *c, struct function *f, struct step *s);
/* Takes it out of its lane, and out of the function's order. The caller must settle the lane, or
 * ask for it. */
struct lane *lane_leave(struct function *f, struct step *s);
/* Offers the lane's best step, where it may; frees an empty lane. NULL is allowed. */
void lane_settle(struct core *c, struct lane *l);
/* s was offered and chosen, a credit of w is reserved: asks the store for its place. False where
 * too many reads wait. */
bool lane_ask(struct core *c, struct lane *l, struct step *s, struct worker *w);
void lane_on_answer(struct core *c, const struct ask *ask, const struct store_answer *a);
void lane_due(struct core *c, struct timer *t);
/* A place of this key was given back: its lanes may ask again. */
void lanes_wake(struct core *c, const char *concurrency);
/* Says why a ready step waits in its lane; NULL where it does not. */
const char *lane_lack(const struct step *s, struct arena *arena);
void lanes_free(struct core *c);

/* ---- holds.c ---- */

/* A hold for the step's next attempt; not granted yet. */
struct hold *hold_create(struct core *c, const struct step *s);
void hold_granted(struct hold *h);
/* Fills key, holder, epoch and lease of op, in the arena of the turn. */
void hold_fill(struct core *c, const struct hold *h, struct limit_op *op);
/* Gives the place back to the store, where it is still ours, and frees the hold. NULL is
 * allowed. */
void hold_release(struct core *c, struct hold *h);
/* frees it without telling the store; NULL is allowed */
void hold_drop(struct core *c, struct hold *h);
/* The order of this ask is not sent: gives its place back. If a worker has claimed that attempt
 * meanwhile, the run gets the place instead. */
void hold_return(struct core *c, const struct ask *ask);
/* A worker has claimed s: its run gets a hold. */
void hold_claim(struct core *c, struct worker *w, struct step *s);
/* The same, once the keys of s were evaluated. */
void hold_claimed(struct core *c, struct worker *w, struct step *s);
void holds_tick(struct core *c);
void holds_renew(struct core *c);
size_t holds_count(const struct core *c); /* granted ones, of partitions that are ours */
void holds_free(struct core *c);

#endif
