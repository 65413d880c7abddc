/* Encodes rows as the keys and arguments that marathon.lua expects. Pure. */
#ifndef MARATHON_STORE_REDIS_ROWS_H
#define MARATHON_STORE_REDIS_ROWS_H

#include "base/slices.h"
#include "core/storage.h"
#include "store/redis_names.h"
#include "store/redis_text.h"

/* Encoded arguments of one call of the library, for many rows. The partitions that they write to
 * are listed once per call, and each distinct fence once: a coordinator's partitions share a fence
 * unless they have changed hands. */
struct redis_rows {
    struct buf plan;   /* for each row its kind, its owner's number and, for changes, their shape */
    struct buf owners; /* head of the plan: for each owner its partition and its fence's number */
    struct buf fences;
    struct buf keys;
    struct slices args;
    uint32_t key_count;
    uint32_t arg_count;
    bool more_than_steps; /* it has rows other than plain steps: these may create or delete keys, or
                             name further ones */
    uint8_t owner_count, fence_count;
    /* number (from 1) of the partition's newest owner; 0 = none */
    uint8_t owner_of[PARTITION_COUNT];
    uint8_t fence_no[PARTITION_COUNT]; /* number (from 1) of that owner's fence */
    struct fence fence_of[PARTITION_COUNT];
};

#define ROWS_PER_CALL_MAX 255u /* an owner's number is one byte */

/* Encoded bytes of the rows. */
size_t rows_bytes(const struct redis_rows *rows);
void rows_add(struct redis_rows *rows, const struct redis_names *names, const struct store_row *row,
              const struct row_texts *texts);
/* Appends the call's first argument, which describes all others. */
void rows_plan(const struct redis_rows *rows, bool in_cluster, struct buf *out);
void rows_clear(struct redis_rows *rows); /* empties it, keeps the memory */
void rows_free(struct redis_rows *rows);

#endif
