/* Writes that the store has not answered yet, and what waits for them: durable first, visible
 * second. Every message that tells of a change is held in that change's pending write and leaves
 * when the store has said OK; if the store says anything else, it never leaves. */
#ifndef MARATHON_CORE_WRITES_H
#define MARATHON_CORE_WRITES_H

#include "core/core.h"

struct partition;
struct task;

/* Rows that wait for the store. Beyond it starts are refused (503); what runs goes on. */
#define WRITES_PENDING_MAX 16384
/* Beyond it clients' other changes are refused too (503). Only cancels and messages from workers
 * are still taken: live tasks and running steps bound those. */
#define CHANGES_PENDING_MAX (2 * WRITES_PENDING_MAX)
/* Size of these rows with their payloads. Beyond it starts are refused and no step is dispatched:
 * what still comes are the outcomes of running steps, which must be taken, and which the workers'
 * slots bound. */
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
    bool dropped; /* its partition was lost: the answer is ignored */
    bool answered;
    uint64_t version;   /* UPDATE, ADMIT: the task's version after this write */
    uint64_t bytes;     /* size of its row, counted in core.write_bytes until it is answered */
    struct arena arena; /* everything below */
    struct bytes task_id;
    struct held *sends, **sends_tail;
    struct task_event *events;
    uint32_t event_count;
    struct unit *ready; /* steps that may run once this is durable */
    uint32_t ready_count;
    struct task *admission; /* ADMIT: owned until the answer */
    peer_id peer;           /* ADMIT, or REVIVE: who asked */
    uint64_t request;
};

struct pending_write *write_create(struct core *c, enum row_kind kind, partition_id partition);
struct pending_write *write_find(struct core *c, uint64_t write_id); /* NULL: it was answered */
/* A message that leaves when the write is durable; the caller fills it with texts from w->arena. */
struct message *write_hold(struct pending_write *w, peer_id peer);
/* Is an ADMIT of this task on its way? O(writes): for rare requests only. */
bool writes_admit(const struct core *c, struct bytes task_id);
/* The row leaves for the store: its size counts against WRITES_BYTES_MAX until the answer. */
void write_count_row(struct core *c, struct pending_write *w, const struct store_row *row);
bool writes_full(const struct core *c); /* no start may be accepted */
void writes_check(const struct core *c);
void writes_on_answer(struct core *c, const struct store_written *written);
/* Whoever waits for writes of this partition is told that their outcome is unknown; answers to
 * these writes are ignored. */
void writes_drop(struct core *c, const struct partition *p);
void writes_free(struct core *c);

#endif
