#include "base/shared.h"

#include <stdlib.h>

static void free_taken(struct shared *s)
{
    buf_free(&s->bytes);
    free(s);
}

static void free_whole(struct shared *s)
{
    free(s);
}

void shared_init(struct shared *s, struct buf bytes, void (*free)(struct shared *s))
{
    s->bytes = bytes;
    s->free = free;
    atomic_init(&s->holders, 1);
}

struct shared *shared_take(struct buf *bytes)
{
    struct shared *s = mem_alloc(sizeof *s);
    shared_init(s, *bytes, free_taken);
    *bytes = (struct buf){0};
    return s;
}

struct shared *shared_make(size_t len)
{
    struct shared *s = mem_alloc(sizeof *s + len);
    shared_init(s, (struct buf){.ptr = (uint8_t *)(s + 1), .len = len, .cap = len}, free_whole);
    return s;
}

struct shared *shared_copy(struct bytes b)
{
    struct shared *s = shared_make(b.len);
    if (b.len > 0) {
        memcpy(s->bytes.ptr, b.ptr, b.len);
    }
    return s;
}

struct shared *shared_hold(struct shared *s)
{
    atomic_fetch_add_explicit(&s->holders, 1, memory_order_relaxed);
    return s;
}

void shared_drop(struct shared *s)
{
    if (s != NULL && atomic_fetch_sub_explicit(&s->holders, 1, memory_order_acq_rel) == 1) {
        s->free(s);
    }
}

struct shared *lenders_find(struct lenders *l, struct bytes slice)
{
    for (uint32_t i = 0; i < l->count; i++) {
        uint32_t at = l->next < l->count ? l->next : 0;
        if (shared_has(l->items[at], slice)) {
            l->next = at;
            return l->items[at];
        }
        l->next = at + 1;
    }
    return l->more != NULL ? lenders_find(l->more, slice) : NULL;
}
