/* A row as the keys and arguments that marathon.lua takes for it. Pure. */
#ifndef MARATHON_STORE_REDIS_ROWS_H
#define MARATHON_STORE_REDIS_ROWS_H

#include "base/slices.h"
#include "core/storage.h"
#include "store/redis_names.h"
#include "store/redis_text.h"

/* Encoded arguments of one call of the library: many rows, one behind the other. The partitions
 * that they write to, and their fences, are said once for all rows. */
struct redis_rows {
    struct buf plan; /* for each row its kind, which of the owners, and of a change its shape */
    struct buf owners, fences;
    struct buf keys;
    struct slices args;
    uint32_t key_count;
    uint32_t arg_count;
    bool more_than_steps; /* rows whose functions make or delete keys, or name others */
    uint8_t owner_count;
    uint8_t owner_of[PARTITION_COUNT]; /* the newest of the partition's owners, from 1 */
    struct fence fence_of[PARTITION_COUNT];
};

#define ROWS_PER_CALL_MAX 255u /* a byte says which owner a row has */

/* Bytes that the rows take. */
size_t rows_bytes(const struct redis_rows *rows);
void rows_add(struct redis_rows *rows, const struct redis_names *names, const struct store_row *row,
              const struct row_texts *texts);
/* How many keys, and how many arguments of the command in all behind the function's name. */
uint32_t rows_keys(const struct redis_rows *rows);
uint32_t rows_words(const struct redis_rows *rows);
void rows_clear(struct redis_rows *rows); /* empties them, keeps the memory */
void rows_free(struct redis_rows *rows);

#endif
