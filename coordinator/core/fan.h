/* The items of a fan-out step.
 *
 * An item that waits is one byte in memory. One that is under way is a struct step like any other,
 * with its number in `item`, so that all code that deals with attempts deals with it; when it is
 * over only its byte is left. At most max_parallel are under way at once, including those that wait
 * for their next attempt. Values, blobs and results are in the store. */
#ifndef MARATHON_CORE_FAN_H
#define MARATHON_CORE_FAN_H

#include "core/core.h"
#include "core/task.h"

struct change;

/* ---- in memory; used by task.c ---- */
struct fan *fan_create(uint32_t count, bool marks);
void fan_free(struct fan *f); /* NULL is allowed */
/* Stored form of the fan, without its items. */
struct unpack;
void fan_put(const struct fan *f, struct buf *out);
struct fan *fan_get(struct unpack *u); /* sets u->bad where it cannot be */
/* Makes the struct step of a waiting item; NULL where it is not waiting. */
struct step *fan_open(struct step *parent, uint32_t item);

/* The unit that an attempt belongs to, NULL where there is none.
 *
 * An item that still waits (the coordinator that dispatched it has died) gets its struct step,
 * where the attempt's token is good and current. Items begin in their order, so that those under
 * way are always the first ones that are not over, and there is room for it. Only where the store
 * went back to older data others may have taken its place: then it is accepted only if the attempt
 * `ends` the item with a success. */
struct step *fan_unit(struct core *c, struct task *t, const struct attempt_ref *ref, bool ends);
/* Is the item done, in the attempt's run and generation? */
bool fan_item_done_as(const struct task *t, const struct attempt_ref *ref);

/* The for_each list is known: makes the step's items, as a durable change. lender: the buffer in
 * which the list lies, or NULL. */
void fan_make(struct core *c, struct step *parent, struct bytes list, struct shared *lender);
/* The step may run (again): brings as many items under way as max_parallel allows. */
void fan_go(struct core *c, struct step *parent);
/* The step runs: makes its items that are in no queue ready, and opens further ones while there is
 * room. */
void fan_go_on(struct core *c, struct step *parent);
/* The same as part of a change, for a task that was paused. */
void fan_resume(struct change *ch, struct step *parent);
/* An item is over. The last one, or one failure more than `tolerate`, ends its step. */
void fan_item_done(struct change *ch, struct step *item, struct bytes result);
void fan_item_failed(struct change *ch, struct step *item, enum code code, struct bytes message);
/* Would the step's results and this one still fit the task's document? */
bool fan_fits(const struct step *parent, struct bytes result);
/* Stops the items that run and cancels those that have begun; to be called before the step's own
 * end. */
void fan_stop(struct change *ch, struct step *parent, enum stop_reason reason);
/* For a recover: items that are not done wait again. */
void fan_again(struct change *ch, struct step *parent);
/* For a recover: forgets all items. */
void fan_drop(struct change *ch, struct step *parent);
uint32_t fan_running(const struct fan *f);

#endif
