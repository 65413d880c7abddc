/* What the attempts of a task have used, and each of them once.
 *
 * A worker tells the sum of an execution, with its news and with its outcome. What is known of it
 * is kept in a meter beside the step, so that the same told again, by whatever way and after
 * whatever takeover, adds nothing. A meter goes when its execution's outcome has been taken; one of
 * an attempt that was given up (its worker died, it was stopped, another one was faster) stays for
 * what may still come of it: that was spent too, and counts as long as the task lives. An item that
 * is over, or begins again after a recover, counts with what its attempts had said until then. */
#ifndef MARATHON_CORE_ACCOUNT_H
#define MARATHON_CORE_ACCOUNT_H

#include "core/task.h"

struct change;
struct core;
struct unpack;

/* Executions of one step or item whose outcome has not come: a few workers die, and more than that
 * is a dead letter. Beyond it the oldest is forgotten, and what it still brings is not counted. */
#define METERS_MAX 6u

struct meter {
    uint32_t generation, delivery;
    uint64_t execution; /* 0: whichever says so first */
    bool here; /* of the attempt under way, and not of one before by its name; not stored */
    struct usage used;
};

struct account {
    struct usage total; /* over all generations; of a fan-out step with its items; of an item none:
                           it is in its step's */
    struct meter meters[METERS_MAX];
    uint32_t meter_count;
    struct usage_sum over; /* of attempts that are over, and how many of them have used something:
                              for their mean */
    uint32_t used_by;
    bool dirty; /* its blob is to be written */
};

void account_free(struct account *a); /* NULL is allowed */
/* As it is stored. */
void account_put(const struct account *a, struct buf *out);
struct account *account_get(struct unpack *u); /* sets u->bad where it cannot be */

/* News of the running attempt. True: it said something new. */
bool account_news(struct core *c, struct step *s, const struct step_progress *n);
/* The outcome of an attempt, before it is applied. */
void account_outcome(struct core *c, struct step *s, const struct step_outcome *o);
/* An outcome that changes nothing else: true where there is something new to be written. */
bool account_late(struct core *c, struct step *s, const struct step_outcome *o);
/* No attempt is under way: what was said so far is no part of what the next one will say. */
void account_rest(struct step *s);
/* The attempt under way is given up, and may still say what it has used. */
void account_leave(struct step *s);
/* All that is new goes into this change: the steps' blobs, the sums over all tasks. */
void account_settle(struct change *ch);
/* Task's sum over all steps, counted anew: after a load. */
void account_sum(struct task *t);

#endif
