#include "store/redis_lending.h"

static void counted(struct redis_lending *l)
{
    if (l->from == NULL || !shared_lends(l->from, l->borrowed)) {
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
    l->items[l->count++] = l->from;
}

void lending_add(struct redis_lending *l, struct shared *from, size_t len)
{
    if (len < LENT_BYTES_MIN) {
        return;
    }
    if (l->from != from) {
        counted(l);
        l->from = from;
        l->borrowed = 0;
    }
    l->borrowed += len;
}

struct lenders lending_end(struct redis_lending *l)
{
    counted(l);
    l->from = NULL;
    return (struct lenders){.items = l->items, .count = l->count};
}
