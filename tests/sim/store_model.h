/* A store as coordinator/core/storage.h describes it, in memory and without a loop: executes rows
 * and reads at once, when its owner says so. For the simulator and the core's unit tests, which add
 * delays and faults around it. */
#ifndef MARATHON_SIM_STORE_MODEL_H
#define MARATHON_SIM_STORE_MODEL_H

#include "base/map.h"
#include "core/storage.h"
#include "store/limit_book.h"

/* Small, so that loading a few tasks already takes several pages. */
#define STORE_MODEL_PAGE 2u

struct stored_event {
    uint64_t seq;
    struct buf blob;
};

struct stored_cell {
    struct buf value, blob, result;
};

/* The items of a fan-out step. */
struct stored_fan {
    uint32_t step, count;
    struct stored_cell *cells;
};

struct stored_task {
    struct bytes id; /* owned */
    uint64_t version;
    uint32_t run;
    bool ended;
    mono_ms expires_at; /* NEVER_MS while it lives */
    bool unlisted;      /* somebody took it out of the live index */
    bool stray;         /* somebody put it there although it has ended */
    bool meddled;       /* somebody set a TTL on it while it lives */
    unix_ms created_at;
    struct buf spec, head, input, doc, error, dead;
    unix_ms dead_at;
    struct buf *steps; /* by index; an empty one was never written */
    uint32_t step_count;
    struct stored_fan *fans;
    size_t fan_count, fan_cap;
    struct stored_event *events;
    size_t event_count, event_cap;
    uint64_t doc_bytes; /* its length after the last row */
    uint8_t idempotency_key[32];
    bool keyed;
    bool key_brief; /* its time runs from the admission on */
    uint32_t idempotency_ttl_s;
};

struct stored_key {
    uint8_t key[32], body_hash[32];
    struct buf task_id;
    mono_ms expires_at;
};

struct stored_owner {
    bool exists;
    struct fence fence;
    struct buf owner;
    bool wished;
    uint8_t wish[NONCE_BYTES];
    uint64_t beat;
};

struct stored_pipeline_version {
    struct buf source, by;
    uint8_t hash[32];
    unix_ms at;
};

struct stored_pipeline {
    struct buf name;
    struct stored_pipeline_version *versions;
    size_t count, cap;
    uint64_t change; /* position of its newest version in the order of changes */
};

struct store_model {
    struct stored_owner owners[PARTITION_COUNT];
    struct stored_task **tasks; /* in the order of their first admission */
    size_t task_count, task_cap;
    struct map by_id;
    struct map keys;
    struct limit_book limits;
    bool full; /* at maxmemory: no admissions */
    struct stored_pipeline *pipelines;
    size_t pipeline_count, pipeline_cap;
    uint64_t pipeline_changes;
};

/* Planted bugs, for all models of the program: any fence is accepted; an ended task that lives
 * again keeps its TTL; or keeps its dead letter. */
void store_model_plant(bool ignore_fence, bool ttl_on_live, bool dead_kept);

/* Copies everything, into memory of its own. */
void store_model_copy(const struct store_model *from, struct store_model *to);
void store_model_free(struct store_model *m);
/* Applies a row or refuses it. The answer's texts live in arena. */
struct store_written store_model_write(struct store_model *m, const struct store_row *row,
                                       mono_ms now, struct arena *arena);
/* The answer lives in arena. */
struct store_answer *store_model_read(struct store_model *m, const struct store_read *read,
                                      mono_ms now, struct arena *arena);
/* NULL if there is none, or it has expired. */
struct stored_task *store_model_find(struct store_model *m, struct bytes task_id, mono_ms now);

/* store_model_pipelines.c */
struct store_published store_model_publish(struct store_model *m,
                                           const struct store_publish *publish);
/* The source of a version; *version 0 stands for the newest, and is set to it. Empty: no such
 * version. */
struct bytes store_model_pipeline(const struct store_model *m, struct bytes name,
                                  uint32_t *version);
void store_model_read_pipeline(const struct store_model *m, const struct store_read *read,
                               struct store_answer *a, struct arena *arena);
void store_model_copy_pipelines(const struct store_model *from, struct store_model *to);
void store_model_free_pipelines(struct store_model *m);

/* store_model_items.c */
void fans_clear(struct stored_task *t);
void fans_change(struct stored_task *t, const struct store_row *row);
/* The value of doc[1], if the row leaves it to the store. */
void fans_array(const struct stored_task *t, const struct store_row *row, struct buf *out);
void fans_record(const struct stored_task *t, struct task_record *record, struct arena *arena);
void fans_read(const struct stored_task *t, const struct store_read *read, struct store_answer *a,
               struct arena *arena);
struct bytes fans_value(const struct stored_task *t, uint32_t step, uint32_t item);
struct items_change *items_copy(const struct store_row *row, struct arena *arena);

/* Deep copies, for rows and reads that are executed later. */
struct store_row *store_row_copy(const struct store_row *row, struct arena *arena);
struct store_read *store_read_copy(const struct store_read *read, struct arena *arena);
struct store_publish *store_publish_copy(const struct store_publish *publish, struct arena *arena);

#endif
