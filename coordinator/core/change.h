/* One atomic change of one task: what a handler alters in memory between change_begin and
 * change_commit becomes one store row. Events get their seq here; steps that the change allows to
 * run are held until it is durable. */
#ifndef MARATHON_CORE_CHANGE_H
#define MARATHON_CORE_CHANGE_H

#include "base/pack.h"
#include "core/writes.h"

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
void change_result(struct change *ch, struct step *s, struct bytes result);
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

/* on_pause.c: the task rests as part of this change. */
void task_rest(struct change *ch, enum task_state state);
void task_pause(struct change *ch, const struct deed *deed);
/* step_end.c: the task ends as part of this change (its error is set): all that runs is stopped.
 * deed: whose doing it is, NULL where nobody's. */
void task_end(struct change *ch, enum task_state state, const struct deed *deed);
/* It fails, now or behind its finally steps. */
void task_fail(struct change *ch, enum code code, struct bytes message, uint32_t step);
/* The step is over with this result (at most one such call a change), and what needs it may run. */
void step_complete(struct change *ch, struct step *s, struct bytes result);
/* Clocks are set, and differ from host to host; but nobody is to read that a step began before what
 * it needs had ended, or ended before it began. */
void step_keep_order(struct step *s);
bool step_result_fits(const struct step *s, struct bytes result);
/* The step is not to run: it counts as done, without a result. */
void step_skip(struct change *ch, struct step *s);
/* The step has failed for good (its error is set, it is in no queue): what then follows is its
 * on_failure. */
void step_give_up(struct change *ch, struct step *s, enum code code, struct bytes message);

/* wait.c: the step's wait is over, or the signal is kept for it. */
void wait_take_signal(struct change *ch, struct step *s, struct bytes data,
                      struct request_mark mark);
/* A step that keeps a signal for which s waits; NULL: none. */
struct step *signal_kept(const struct step *s);

/* document.c */
#define DOCUMENT_LEAD "{\"results\":{"
/* Results that a new document begins with, put together where the row is written from: room for so
 * many bytes (document_result_bytes). Lasts as long as the effects do. */
struct shared *document_begin(struct core *c, size_t results_bytes_max);
size_t document_result_bytes(const struct pipeline_step *def, size_t result_bytes); /* at most */
/* The step's result joins them; sets the step's offset and length. */
void document_add_result(struct shared *results, struct step *s, struct bytes result);
/* The tail behind the results object, from its closing brace on, for a task with so
 * many completed steps. */
void document_put_tail(const struct core *c, const struct task *t, struct buf *out);

/* Who sends a signal, a recover or a requeue, and how its repetition is known. */
struct marked_ask {
    peer_id peer;
    uint64_t request;
    struct request_mark mark;
};
/* marks.c */
struct request_mark signal_mark_of(const struct signal_request *r);
/* The step has it, or keeps it. */
void signal_answer(struct core *c, const struct task *t, const struct step *s,
                   const struct marked_ask *from);
/* Has a step of the task, which may have ended, had a signal of this key? Then it is answered: as
 * the first one was where it says the same, else with a refusal. */
bool signal_repeated(struct core *c, const struct task *t, const struct marked_ask *from);

#endif
