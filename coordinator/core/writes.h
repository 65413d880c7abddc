/* Writes on their way, and what waits for them: durable first, visible second. Every message that
 * tells of a change is held in the change's pending write and leaves when the store has said OK;
 * where it says anything else, it never leaves. */
#ifndef MARATHON_CORE_WRITES_H
#define MARATHON_CORE_WRITES_H

#include "core/core.h"

struct ask;
struct partition;
struct peer;
struct pipeline;
struct task;

/* Rows waiting for the store: beyond it starts are refused (503), what runs goes on */
#define WRITES_PENDING_MAX 16384
/* Beyond it clients' other changes are refused too (503): only cancels, and what workers bring, go
 * on; these are bounded by the live tasks and by what runs */
#define CHANGES_PENDING_MAX (2 * WRITES_PENDING_MAX)
/* Of these rows, their payloads in them. Beyond it starts are refused and no step is sent out: what
 * still comes are the outcomes of what runs, which are bounded by the workers' slots, and must be
 * taken */
#define WRITES_BYTES_MAX (64u << 20)

struct held {
    struct held *next;
    peer_id peer;
    struct message *message;
};

/* A step or an item of one, as unit_find takes it. */
struct unit {
    uint32_t step, item;
};

struct pending_write {
    uint64_t write_id;
    enum row_kind kind;
    partition_id partition;
    bool dropped; /* its partition was lost: the answer no longer matters */
    bool answered;
    uint64_t version;   /* UPDATE, ADMIT: of the task, with this write */
    uint64_t bytes;     /* of its row, counted in core.write_bytes until it is answered */
    struct arena arena; /* everything below */
    struct bytes task_id;
    struct held *sends, **sends_tail;
    struct task_event *events;
    uint32_t event_count;
    struct unit *ready; /* what may run once this is durable */
    uint32_t ready_count;
    struct task *admission; /* ADMIT: owned until the answer */
    peer_id peer;           /* ADMIT, or REVIVE: who asked */
    uint64_t request;
};

struct pending_write *write_create(struct core *c, enum row_kind kind, partition_id partition);
struct pending_write *write_find(struct core *c, uint64_t write_id); /* NULL where it is answered */
/* A message that leaves when the write is durable, to be filled with texts from w->arena. */
struct message *write_hold(struct pending_write *w, peer_id peer);
/* Is a start of this task on its way? O(writes): for rare requests. */
bool writes_admit(const struct core *c, struct bytes task_id);
/* The row leaves for the store: what it holds counts against WRITES_BYTES_MAX until the answer. */
void write_count_row(struct core *c, struct pending_write *w, const struct store_row *row);
bool writes_full(const struct core *c); /* no start may be taken */
void writes_check(const struct core *c);
void writes_on_answer(struct core *c, const struct store_written *written);
/* What waits for writes of a partition is told that the outcome is unknown; the answers to come are
 * ignored. */
void writes_drop(struct core *c, const struct partition *p);
void writes_free(struct core *c);

/* An answer to a peer that must not leave before the task's newest write is durable (t may be NULL:
 * at once). reply_begin; fill r.message with texts from r.arena; reply_send. */
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
/* Why a request is refused. Texts are copied. */
struct refusal {
    enum code code;
    const char *detail;
    const char *pointer;   /* to the field at fault; NULL: none */
    enum task_state state; /* of the task, where it is about one */
};

struct refusal refusal_at(const char *pointer, enum code code, const char *detail);

/* At once; nothing where peer is 0. */
void refuse_with(struct core *c, peer_id peer, uint64_t request, struct refusal r);
void refuse(struct core *c, peer_id peer, uint64_t request, enum code code, const char *detail);
void ask_refuse(struct core *c, const struct ask *ask, struct refusal r);
/* What is said of a step that is not there, with those that are. Lives in the arena of the turn. */
const char *no_such_step(struct core *c, const struct pipeline *p);
/* The task is in no state for it: held behind the task's newest write, with its state. */
void refuse_for(struct core *c, const struct task *t, const struct peer *p,
                const struct message *request, enum code code);
void refuse_unavailable(struct core *c, peer_id peer, uint64_t request);
void refuse_writes_full(struct core *c, peer_id peer, uint64_t request);

#endif
