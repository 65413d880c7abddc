/* The callbacks of outstanding answers, in the order of their commands: a growing ring.
 * Zero-initialise it, waiting_free when done. Bounded by what the store has in flight. */
#ifndef MARATHON_STORE_REDIS_WAITING_H
#define MARATHON_STORE_REDIS_WAITING_H

#include <stdlib.h>

#include "base/bytes.h"

struct redisReply;

struct redis_waiter {
    void (*fn)(void *user, const struct redisReply *reply);
    void *user;
    uint64_t end; /* where its command ends, counted in bytes given to the connection */
};

struct redis_waiting {
    struct redis_waiter *items;
    size_t first;
    size_t count;
    size_t cap; /* a power of two, or 0 */
};

static inline void waiting_put(struct redis_waiting *w, struct redis_waiter waiter)
{
    if (w->count == w->cap) {
        size_t cap = w->cap == 0 ? 64 : w->cap * 2;
        struct redis_waiter *items = mem_alloc(cap * sizeof *items);
        for (size_t i = 0; i < w->count; i++) {
            items[i] = w->items[(w->first + i) & (w->cap - 1)];
        }
        free(w->items);
        w->items = items;
        w->first = 0;
        w->cap = cap;
    }
    w->items[(w->first + w->count++) & (w->cap - 1)] = waiter;
}

static inline struct redis_waiter waiting_take(struct redis_waiting *w)
{
    struct redis_waiter waiter = w->items[w->first];
    w->first = (w->first + 1) & (w->cap - 1);
    w->count--;
    return waiter;
}

/* How many bytes must have been written before the next answer can come; UINT64_MAX: none is
 * outstanding. */
static inline uint64_t waiting_next_end(const struct redis_waiting *w)
{
    return w->count > 0 ? w->items[w->first].end : UINT64_MAX;
}

/* The newest command was extended up to `end`. */
static inline void waiting_extend(struct redis_waiting *w, uint64_t end)
{
    if (w->count > 0) {
        w->items[(w->first + w->count - 1) & (w->cap - 1)].end = end;
    }
}

static inline void waiting_clear(struct redis_waiting *w)
{
    w->first = w->count = 0;
}

static inline void waiting_free(struct redis_waiting *w)
{
    free(w->items);
    *w = (struct redis_waiting){0};
}

#endif
