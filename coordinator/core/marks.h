/* Signals, recovers and requeues that are sent again are known again (marks.c). */
#ifndef MARATHON_CORE_MARKS_H
#define MARATHON_CORE_MARKS_H

#include "core/core.h"
#include "core/task.h"

struct unpack;

/* Who sends a signal, a recover or a requeue, and how its repetition is known. */
struct marked_ask {
    peer_id peer;
    uint64_t request;
    struct request_mark mark;
};

/* ---- signals ---- */

struct request_mark signal_mark_of(const struct signal_request *r);
/* The step has it, or keeps it. */
void signal_answer(struct core *c, const struct task *t, const struct step *s,
                   const struct marked_ask *from);
/* Has a step of the task, which may have ended, had a signal of this key? Then it is answered: as
 * the first one was where it says the same, else with a refusal. */
bool signal_repeated(struct core *c, const struct task *t, const struct marked_ask *from);

/* ---- recovers and requeues ---- */

struct request_mark recover_mark_of(const struct recover_request *r);
struct request_mark requeue_mark_of(const struct requeue_request *r);
/* Has the task, whatever it does by now, been recovered or requeued by this request? Then it is
 * answered: as the first one was where it says the same, else with a refusal. */
bool recover_repeated(struct core *c, const struct task *t, const struct marked_ask *from);
/* It lives again by this one; nothing without a key. */
void recover_remember(struct task *t, struct request_mark mark);
/* As they are stored: the last of the head, nothing where there are none. */
void recovers_record_put(const struct task *t, struct buf *out);
void recovers_record_get(struct unpack *u, struct task *t);

#endif
