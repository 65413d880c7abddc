/* Concurrency and rate limits in memory: who holds a place of a key and until when, who is in line
 * for one, and when a rate lets the next pass. Does what limits.lua does in Redis; for store_memory
 * and for models of a store. The caller passes the time. */
#ifndef MARATHON_STORE_LIMIT_BOOK_H
#define MARATHON_STORE_LIMIT_BOOK_H

#include "base/map.h"
#include "core/storage.h"

struct limit_book {
    struct map keys;  /* key -> struct limit_key */
    struct map rates; /* key -> struct limit_rate */
    size_t sweep_at;  /* number of rates at which expired ones are removed */
};

void limit_book_free(struct limit_book *b);
/* Carries out one operation; ret_answer is filled in for LIMIT_TAKE. */
void limit_book_do(struct limit_book *b, const struct limit_op *op, int64_t now_us,
                   struct limit_answer *ret_answer);
/* A deep copy. */
struct limit_op *limit_ops_copy(const struct limit_op *ops, uint32_t count, struct arena *arena);
/* Counts the holders whose lease has not expired, for tests that take and release places. */
uint32_t limit_book_holders(const struct limit_book *b, struct bytes key, int64_t now_us);

#endif
