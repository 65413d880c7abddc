/* A row as the keys and arguments that marathon.lua takes for it. Pure. */
#ifndef MARATHON_STORE_REDIS_ROWS_H
#define MARATHON_STORE_REDIS_ROWS_H

#include "core/storage.h"
#include "store/redis_names.h"

/* Encoded arguments of one call of the library: many rows, one behind the other. */
struct redis_rows {
    struct buf keys;
    struct buf args;
    uint32_t key_count;
    uint32_t arg_count;
};

void rows_add(struct redis_rows *rows, const struct redis_names *names,
              const struct store_row *row);
void rows_clear(struct redis_rows *rows);
void rows_free(struct redis_rows *rows);

#endif
