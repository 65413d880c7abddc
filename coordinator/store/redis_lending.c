#include "store/redis_lending.h"

void lending_add(struct redis_lending *l, struct shared *from, size_t len)
{
    if (len < LENT_BYTES_MIN || (l->count > 0 && l->items[l->count - 1] == from)) {
        return;
    }
    l->items = arena_grow(l->arena, l->items, l->count, &l->cap, sizeof(struct shared *));
    l->items[l->count++] = from;
}

struct lenders lending_end(const struct redis_lending *l)
{
    return (struct lenders){.items = l->items, .count = l->count};
}
