#include "base/shared.h"

#include <stdlib.h>

struct shared *shared_take(struct buf *bytes)
{
    struct shared *s = mem_zalloc(sizeof *s);
    s->bytes = *bytes;
    atomic_init(&s->holders, 1);
    *bytes = (struct buf){0};
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
        buf_free(&s->bytes);
        free(s);
    }
}
