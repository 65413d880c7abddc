/* Limits as a store keeps them: who holds a key, until when; who waits for it; when the next of a
 * rate may pass. What limits.lua does in Redis, in memory: for store_memory and for models of a
 * store. The time is the store's. */
#ifndef MARATHON_STORE_LIMIT_BOOK_H
#define MARATHON_STORE_LIMIT_BOOK_H

#include "base/map.h"
#include "core/storage.h"

struct limit_book {
    struct map keys;  /* key -> struct limit_key */
    struct map rates; /* key -> struct limit_rate */
    size_t sweep_at;  /* at so many rates */
};

void limit_book_free(struct limit_book *b);
/* Carries it out; ret_answer is for TAKE. */
void limit_book_do(struct limit_book *b, const struct limit_op *op, int64_t now_us,
                   struct limit_answer *ret_answer);
/* A deep copy. */
struct limit_op *limit_ops_copy(const struct limit_op *ops, uint32_t count, struct arena *arena);
/* Those whose lease has not passed: what a test of whoever takes and gives back can count. */
uint32_t limit_book_holders(const struct limit_book *b, struct bytes key, int64_t now_us);

#endif
