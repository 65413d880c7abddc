/* The items of a fan-out step.
 *
 * An item that waits is one byte here. Once it is under way it is a struct step like any other,
 * with its number in `item`, and all that deals with attempts deals with it; when it is over only
 * the byte is left. At most max_parallel are under way at once, those that wait for their next
 * attempt counted. Values, blobs and results lie in the store. */
#ifndef MARATHON_CORE_FAN_H
#define MARATHON_CORE_FAN_H

#include "core/core.h"
#include "core/task.h"

struct change;

/* task.c's */
struct fan *fan_create(uint32_t count, bool marks);
void fan_free(struct fan *f); /* NULL is allowed */
/* As it is stored, without its items. */
struct unpack;
void fan_put(const struct fan *f, struct buf *out);
struct fan *fan_get(struct unpack *u); /* sets u->bad where it cannot be */
/* An item that waits comes into memory; NULL where it does not wait. */
struct step *fan_open(struct step *parent, uint32_t item);

/* The unit that an attempt is of; an item that waits (its coordinator has died since) comes into
 * memory where the attempt's token is good and current. Items begin in their order, so that those
 * under way are the first ones that are not over, and there is a place for it; but where the store
 * went back others may have the places: then one that ends it (a success) is all that is taken.
 * NULL where there is none. */
struct step *fan_unit(struct core *c, struct task *t, const struct attempt_ref *ref, bool ends);
/* Is the item done, in this run and generation? */
bool fan_item_done_as(const struct task *t, const struct attempt_ref *ref);

/* The list is there: the step gets its items, once that is durable. lender: in which it lies; NULL
 * is fine. */
void fan_make(struct core *c, struct step *parent, struct bytes list, struct shared *lender);
/* The step with its items may run (again): as many as may be under way at once are. */
void fan_go(struct core *c, struct step *parent);
/* It runs: so do its items that are in no queue, and as many further ones as there is room for. */
void fan_go_on(struct core *c, struct step *parent);
/* The same within a change, for a task that was paused. */
void fan_resume(struct change *ch, struct step *parent);
/* An item is over; the last one, or one failure too many, ends its step. */
void fan_item_done(struct change *ch, struct step *item, struct bytes result);
void fan_item_failed(struct change *ch, struct step *item, enum code code, struct bytes message);
/* Its results and the new one fit the task. */
bool fan_fits(const struct step *parent, struct bytes result);
/* What runs is stopped, what has begun is cancelled. Before the step's own end. */
void fan_stop(struct change *ch, struct step *parent, enum stop_reason reason);
/* Recover: items that are not done wait again. */
void fan_again(struct change *ch, struct step *parent);
/* Recover: the items go. */
void fan_drop(struct change *ch, struct step *parent);
uint32_t fan_running(const struct fan *f);

#endif
