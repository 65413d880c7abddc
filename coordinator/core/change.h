/* One atomic change of one task: what a handler alters in memory between change_begin and
 * change_commit becomes one store row. Events get their seq here; steps that the change allows to
 * run are held until it is durable. */
#ifndef MARATHON_CORE_CHANGE_H
#define MARATHON_CORE_CHANGE_H

#include "core/storage.h"
#include "model/message.h"

struct core;
struct pending_write;
struct step;
struct task;

struct changed_item {
    struct step *item;
    struct bytes result; /* empty = none */
};

struct change {
    struct core *core;
    struct task *task;
    struct pending_write *write;
    struct store_row row;
    uint32_t step_cap, event_cap, ready_cap, items_cap, changed_cap;
    struct changed_item *changed; /* items of fan-out steps already in the row */
    uint32_t changed_count;
    uint32_t held; /* by the effects' arena before: what it holds since may be lent to the row */
};

void change_begin(struct core *c, struct task *t, struct change *ret_change);
/* The step's blob is written with its state at commit. */
void change_step(struct change *ch, struct step *s);
/* Appends an event about a step; seq, times, state and progress are filled at commit's state:
 * change the task first. */
struct task_event *change_event(struct change *ch, enum event_type type, uint32_t step);
/* An event of what a person asked for. */
struct task_event *change_deed(struct change *ch, enum event_type type, uint32_t step,
                               const struct deed *deed);
/* The items of a step change all together: made, dropped, to be begun again. */
void change_items(struct change *ch, const struct items_change *items);
/* The item's blob is written, and this result. */
void change_item_result(struct change *ch, struct step *item, struct bytes result);
/* The step's result joins the document; sets the step's offset and length. At most one a change.
 * One without bytes (ptr is NULL) is put together from its items' by the store. */
void change_result(struct change *ch, struct step *s, const struct parts *result);
/* The document as a whole, with these results (document_begin); NULL: none. */
void change_document(struct change *ch, struct shared *results);
/* The step may run (from retry_at on) when this is durable; of a task that rests, once it no longer
 * does. */
void change_ready(struct change *ch, struct step *s);
/* All pending steps whose needs are met. */
void change_ready_all(struct change *ch);
/* The task has ended (its state is set): the TTL starts; error:<id> is written where it failed. */
void change_end(struct change *ch);
void change_revive(struct change *ch);
struct pending_write *change_commit(struct change *ch);
/* The first row of a task; the write owns it until the answer. */
struct pending_write *change_admit(struct change *ch, const struct start_request *request,
                                   struct shared *results);

#endif
