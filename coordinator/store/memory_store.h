/* Internals of store_memory: its data, and the functions its files share.
 *
 * Calls are queued and carried out in order in the turn after the flush, so that answers never come
 * from within a call; answers borrow from the data itself. */
#ifndef MARATHON_STORE_MEMORY_STORE_H
#define MARATHON_STORE_MEMORY_STORE_H

#include "base/map.h"
#include "crypto/hash.h"
#include "store/limit_book.h"
#include "store/store.h"

struct memory_item {
    struct bytes value, blob, result; /* owned */
};

struct memory_items {
    struct memory_items *next;
    uint32_t step, count;
    struct memory_item *items;
};

struct memory_task {
    uint32_t slot; /* index in memory_store.slots */
    struct bytes id;
    uint64_t version;
    uint32_t run;
    unix_ms created_at;
    bool ended;
    mono_ms expires_at; /* NEVER_MS while the task lives */
    struct buf spec, head, input, doc, error;
    struct buf dead; /* blob of its dead letter, empty = none */
    unix_ms dead_at;
    struct step_blob *steps; /* ascending by index, blobs owned */
    uint32_t step_count, step_cap;
    struct memory_items *items; /* one per fan-out step */
    struct event_blob *events;  /* a ring of the newest EVENTS_KEPT_MAX, blobs owned */
    uint32_t event_first, event_count, event_cap;
    uint64_t last_seq, doc_bytes;
    struct bytes idem; /* key of its memory_idem, empty = none */
    uint32_t idem_ttl_s;
};

struct memory_idem {
    struct bytes key; /* partition and idempotency key */
    struct bytes body_hash, task_id;
    mono_ms expires_at;
    struct arena arena;
};

struct memory_version {
    struct bytes source, by; /* owned */
    uint8_t hash[SHA256_BYTES];
    unix_ms at;
};

struct memory_pipeline {
    struct memory_pipeline *next;
    char *name;
    struct memory_version *versions;
    uint32_t count, cap;
};

/* A publish whose answer is delivered in the next turn. */
struct memory_publish {
    struct memory_publish *next;
    const struct memory_pipeline *pipeline; /* NULL: nothing was stored */
    struct store_published published;
};

struct memory_owner {
    struct owner_record record;
    char *name;
};

struct memory_call; /* a queued row or read */

struct memory_store {
    struct store base; /* must be first: cast from struct store */
    struct loop *loop;
    struct store_handler handler;
    struct loop_timer *turn;  /* carries out what was flushed */
    struct loop_timer *sweep; /* frees expired tasks and keys, some per tick */
    struct memory_call *first, *last;
    uint64_t calls_given, calls_flushed, calls_done;
    bool is_up;
    uint64_t rows_done, reads_done;
    uint8_t secret[SECRET_BYTES];
    struct memory_owner owners[PARTITION_COUNT];
    struct map tasks;           /* by id */
    struct memory_task **slots; /* for iteration; free slots are NULL */
    uint32_t slot_count, slot_cap;
    uint32_t *holes; /* indexes of free slots */
    uint32_t hole_count, hole_cap;
    uint32_t swept; /* where the next sweep begins */
    size_t idems_swept;
    struct map idems;
    struct memory_pipeline *pipelines;
    struct memory_publish *publishes; /* answers to be delivered, in order */
    struct memory_usage *usage;
    uint32_t usage_count, usage_cap;
    struct limit_book limits;
};

/* ---- memory_tasks.c ---- */

/* The task with this id, or NULL. Frees it first where it has expired. */
struct memory_task *memory_task_find(struct memory_store *s, struct bytes id);
struct memory_task *memory_task_add(struct memory_store *s, struct bytes id);
void memory_task_free(struct memory_store *s, struct memory_task *t);
void memory_task_put_step(struct memory_task *t, const struct row_step *step);
void memory_task_put_event(struct memory_task *t, const struct row_event *event);
/* key: the partition followed by the idempotency key. */
struct memory_idem *memory_idem_find(struct memory_store *s, struct bytes key);
struct memory_idem *memory_idem_add(struct memory_store *s, struct bytes key);
void memory_idem_free(struct memory_store *s, struct memory_idem *i);
/* Frees some of the expired tasks and idempotency keys. */
void memory_sweep(struct memory_store *s);
mono_ms memory_now(const struct memory_store *s);

/* ---- memory_items.c ---- */

void memory_items_free(struct memory_task *t);
/* Replaces the row's item changes by a deep copy in arena. */
void memory_items_copy(struct store_row *row, struct arena *arena);
void memory_items_change(struct memory_task *t, const struct items_change *change);
/* Appends the array of a step's item results as it will be once the row's changes are applied. */
void memory_items_array(const struct memory_task *t, const struct store_row *row, struct buf *out);
void memory_items_read(const struct memory_task *t, const struct store_read *read,
                       struct store_answer *answer, struct arena *arena);
/* Adds what a task record carries about items. */
void memory_items_record(const struct memory_task *t, struct task_record *record,
                         struct arena *arena);
struct bytes memory_item_value(const struct memory_task *t, uint32_t step, uint32_t item);

/* ---- memory_pipelines.c ---- */

void memory_publish(struct memory_store *s, const struct store_publish *publish);
/* calls handler.pipeline and handler.published */
void memory_pipelines_tell(struct memory_store *s);
void memory_pipelines_read(const struct memory_store *s, const struct store_read *read,
                           struct store_answer *answer, struct arena *arena);
void memory_pipelines_free(struct memory_store *s);

/* ---- memory_usage.c ---- */

void memory_usage_add(struct memory_store *s, const struct store_row *row);
void memory_usage_copy(struct store_row *row, struct arena *arena);
void memory_usage_read(const struct memory_store *s, const struct store_read *read,
                       struct store_answer *answer, struct arena *arena);
void memory_usage_free(struct memory_store *s);

/* ---- memory_rows.c, memory_reads.c ---- */

void memory_apply(struct memory_store *s, const struct store_row *row,
                  struct store_written *ret_written);
/* Carries out the read and delivers the answer to the handler. */
void memory_read(struct memory_store *s, const struct store_read *read);
void memory_read_list(struct memory_store *s, const struct store_read *read,
                      struct store_answer *answer, struct arena *arena);
/* The task's record as reads return it: without items, and without steps for lists. Borrows from
 * t. */
struct task_record memory_record(const struct memory_task *t, bool steps);

#endif
