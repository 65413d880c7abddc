#include "store/redis_lending.h"

void lending_add(struct redis_lending *l, struct shared *from, size_t len)
{
    if (len < LENT_BYTES_MIN || (l->count > 0 && l->items[l->count - 1] == from)) {
        return;
    }
    if (l->count == l->cap) {
        uint32_t cap = l->cap < 4 ? 4 : 2 * l->cap;
        struct shared **items = arena_alloc(l->arena, cap * sizeof(struct shared *));
        if (l->count > 0) {
            memcpy(items, l->items, l->count * sizeof(struct shared *));
        }
        l->items = items;
        l->cap = cap;
    }
    l->items[l->count++] = from;
}

struct lenders lending_end(const struct redis_lending *l)
{
    return (struct lenders){.items = l->items, .count = l->count};
}
