/* A row as the keys and arguments that marathon.lua takes for it. Pure. */
#ifndef MARATHON_STORE_REDIS_ROWS_H
#define MARATHON_STORE_REDIS_ROWS_H

#include "base/slices.h"
#include "core/storage.h"
#include "store/redis_names.h"
#include "store/redis_text.h"

/* Encoded arguments of one call of the library: many rows, one behind the other. The partitions
 * that they write to are said once for all rows, and a fence once for all partitions that have it:
 * a coordinator's have the same, unless they have changed hands. */
struct redis_rows {
    struct buf plan;   /* for each row its kind, which of the owners, and of a change its shape */
    struct buf owners; /* the plan's head: for each its partition, and which of the fences */
    struct buf fences;
    struct buf keys;
    struct slices args;
    uint32_t key_count;
    uint32_t arg_count;
    bool more_than_steps; /* rows whose functions make or delete keys, or name others */
    uint8_t owner_count, fence_count;
    uint8_t owner_of[PARTITION_COUNT]; /* the newest of the partition's owners, from 1 */
    uint8_t fence_no[PARTITION_COUNT]; /* of that owner: which of the fences, from 1 */
    struct fence fence_of[PARTITION_COUNT];
};

#define ROWS_PER_CALL_MAX 255u /* a byte says which owner a row has */

/* Bytes that the rows take. */
size_t rows_bytes(const struct redis_rows *rows);
void rows_add(struct redis_rows *rows, const struct redis_names *names, const struct store_row *row,
              const struct row_texts *texts);
/* The call's first argument, which says what the others are. */
void rows_plan(const struct redis_rows *rows, bool in_cluster, struct buf *out);
void rows_clear(struct redis_rows *rows); /* empties them, keeps the memory */
void rows_free(struct redis_rows *rows);

#endif
