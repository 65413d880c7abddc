/* One atomic change of one task: what a handler alters in memory between change_begin and
 * change_commit becomes one store row. Events get their seq here. Steps that the change makes ready
 * stay in PHASE_HELD until the row is durable. */
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
    struct changed_item *changed; /* items of fan-out steps that are in the row already */
    uint32_t changed_count;
    uint32_t held; /* by the effects' arena before: what it holds since may be lent to the row */
};

void change_begin(struct core *c, struct task *t, struct change *ret_change);
/* The step's blob joins the row, with the state that the step has at commit. */
void change_step(struct change *ch, struct step *s);
/* Appends an event about a step. Its seq, time, task state and progress are filled in here: change
 * the task first. */
struct task_event *change_event(struct change *ch, enum event_type type, uint32_t step);
/* An event that a person asked for: with who it was, and why. */
struct task_event *change_deed(struct change *ch, enum event_type type, uint32_t step,
                               const struct deed *deed);
/* The event of the step's progress checkpoint, which the row stores: change_step. */
void change_tell_checkpoint(struct change *ch, struct step *s);
/* A change of all items of a step at once: made, dropped, or to be run again. */
void change_items(struct change *ch, const struct items_change *items);
/* The item's blob joins the row, and this result. */
void change_item_result(struct change *ch, struct step *item, struct bytes result);
/* The step's result joins the checkpoint document; sets the step's offset and length. At most one
 * per change. Where result.ptr is NULL, the store puts the result together from its items'
 * results. */
void change_result(struct change *ch, struct step *s, const struct parts *result);
/* Replaces the document as a whole, with these results (document_begin); NULL: without any. */
void change_document(struct change *ch, struct shared *results);
/* The step may run (from retry_at on) when this change is durable; of a task that rests, once it
 * rests no more. */
void change_ready(struct change *ch, struct step *s);
/* change_ready for all pending steps whose needs are met. */
void change_ready_all(struct change *ch);
/* The task has ended (its state is set already): its TTL starts; error:<id> is written where it
 * failed. */
void change_end(struct change *ch);
void change_revive(struct change *ch);
struct pending_write *change_commit(struct change *ch);
/* Commits the first row of a task. The write owns the task until the answer. */
struct pending_write *change_admit(struct change *ch, const struct start_request *request,
                                   struct shared *results);

#endif
