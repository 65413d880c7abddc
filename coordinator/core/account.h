/* The usage of a task's attempts, each counted once.
 *
 * A worker reports the running total of an execution, with its progress and with its outcome. What
 * is known of it is kept in a meter at the step, so that a repeated report adds nothing, whichever
 * way it comes and after whatever takeover. A meter is dropped when the outcome of its execution
 * has been applied. The meter of an attempt that was given up (its worker died, it was stopped,
 * another attempt was faster) stays, since more reports of it may come: that was spent too, and
 * counts as long as the task lives. An item that is over, or runs again after a recover, keeps
 * counting what its attempts had reported until then. */
#ifndef MARATHON_CORE_ACCOUNT_H
#define MARATHON_CORE_ACCOUNT_H

#include "core/task.h"

struct change;
struct core;
struct unpack;

/* Executions of one step or item whose outcome has not come. A few workers die; more deaths than
 * that are a dead letter. Beyond it the oldest is forgotten, and later reports of it are not
 * counted. */
#define METERS_MAX 6u

struct meter {
    uint32_t generation, delivery;
    uint64_t execution; /* 0: not known yet; that of the first report is taken */
    bool here; /* it is the current attempt, not an earlier one of the same delivery; not stored */
    struct usage used;
};

struct account {
    struct usage total; /* over all generations. A fan-out step's includes its items'; an item has
                           none of its own */
    struct meter meters[METERS_MAX];
    uint32_t meter_count;
    struct usage_sum over; /* usage of the attempts that are over, and how many of them used
                              anything: for their mean */
    uint32_t used_by;
    bool dirty; /* its blob must be written */
};

void account_free(struct account *a); /* NULL is allowed */
/* Stored form. */
void account_put(const struct account *a, struct buf *out);
struct account *account_get(struct unpack *u); /* sets u->bad where it cannot be */

/* A report with the progress of the running attempt. True: it had something new. */
bool account_news(struct core *c, struct step *s, const struct step_progress *n);
/* The report with an attempt's outcome; to be called before the outcome is applied. */
void account_outcome(struct core *c, struct step *s, const struct step_outcome *o);
/* The report of an outcome that comes too late to change anything else. True where it has something
 * new to be written. */
bool account_late(struct core *c, struct step *s, const struct step_outcome *o);
/* No attempt is under way: later reports are not continuations of the earlier ones. */
void account_rest(struct step *s);
/* The attempt under way is given up; more reports of it may come. */
void account_leave(struct step *s);
/* Puts all new usage into this change: the steps' blobs, the sums over all tasks. */
void account_settle(struct change *ch);
/* Computes the task's sum over all its steps: after a load. */
void account_sum(struct task *t);

#endif
