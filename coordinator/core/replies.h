/* Answers to peers, and refusals of what they ask (replies.c). An answer that tells of a task waits
 * for the task's newest write; a refusal because of what was asked leaves at once. */
#ifndef MARATHON_CORE_REPLIES_H
#define MARATHON_CORE_REPLIES_H

#include "core/core.h"

struct ask;
struct peer;
struct pending_write;
struct pipeline;
struct task;

/* ---- answers ---- */

/* An answer that waits for the newest write of a task. Use: reply_begin, fill r.message with texts
 * from r.arena, reply_send. t may be NULL: the answer leaves at once. */
struct reply {
    struct core *core;
    struct pending_write *write; /* NULL: leaves at once */
    struct arena *arena;
    struct message *message;
    peer_id peer;
};

void reply_begin(struct core *c, const struct task *t, peer_id peer, uint64_t request,
                 struct reply *ret_reply);
void reply_send(struct reply *r, enum message_type type);

/* ---- refusals ---- */

/* Why a request is refused. Texts are copied. */
struct refusal {
    enum code code;
    const char *detail;
    const char *pointer;   /* JSON pointer to the field at fault; NULL: none */
    enum task_state state; /* of the task, where it is about one */
};

struct refusal refusal_at(const char *pointer, enum code code, const char *detail);

/* These leave at once; where peer is 0 there is nobody to be told. */
void refuse_with(struct core *c, peer_id peer, uint64_t request, struct refusal r);
void refuse(struct core *c, peer_id peer, uint64_t request, enum code code, const char *detail);
void refuse_unavailable(struct core *c, peer_id peer, uint64_t request);
void refuse_writes_full(struct core *c, peer_id peer, uint64_t request);
/* The same for whoever asked for the read. */
void ask_refuse(struct core *c, const struct ask *ask, struct refusal r);
void ask_refuse_no_task(struct core *c, const struct ask *ask);
/* The task is in no state for the request: held behind its newest write, names its state. */
void refuse_for(struct core *c, const struct task *t, const struct peer *p,
                const struct message *request, enum code code);
/* The detail of a refusal of a step that the pipeline does not have: names those that it has. Lives
 * in the arena of the turn. */
const char *no_such_step(struct core *c, const struct pipeline *p);

#endif
