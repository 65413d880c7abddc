/* Repeated signals, recovers and requeues are recognized (marks.c), and answered as the first
 * time. */
#ifndef MARATHON_CORE_MARKS_H
#define MARATHON_CORE_MARKS_H

#include "core/core.h"
#include "core/task.h"

struct unpack;

/* A signal, recover or requeue: who sent it, and what identifies it. */
struct marked_ask {
    peer_id peer;
    uint64_t request;
    struct request_mark mark;
};

/* ---- signals ---- */

struct request_mark signal_mark_of(const struct signal_request *r);
/* Answers that the step has the signal, or keeps it. */
void signal_answer(struct core *c, const struct task *t, const struct step *s,
                   const struct marked_ask *from);
/* Did a step of the task (which may have ended) get a signal with this key already? Then this
 * answers it: like the first one where it says the same, else with a refusal. */
bool signal_repeated(struct core *c, const struct task *t, const struct marked_ask *from);

/* ---- recovers and requeues ---- */

struct request_mark recover_mark_of(const struct recover_request *r);
struct request_mark requeue_mark_of(const struct requeue_request *r);
/* Was the task recovered or requeued by a request with this key already? Then this answers it: like
 * the first one where it says the same, else with a refusal. */
bool recover_repeated(struct core *c, const struct task *t, const struct marked_ask *from);
/* Remembers the request by which the task was revived; without a key there is nothing to
 * remember. */
void recover_remember(struct task *t, struct request_mark mark);
/* Stored form: the last part of the head blob, absent where there are none. */
void recovers_record_put(const struct task *t, struct buf *out);
void recovers_record_get(struct unpack *u, struct task *t);

#endif
