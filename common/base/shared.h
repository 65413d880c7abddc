/* Bytes that several hold, on whichever threads: they stay as they are while anybody does, and go
 * with the last one. */
#ifndef MARATHON_BASE_SHARED_H
#define MARATHON_BASE_SHARED_H

#include <stdatomic.h>

#include "base/bytes.h"

struct shared {
    struct buf bytes;
    _Atomic unsigned holders;
};

/* Takes ownership of the buffer's memory and leaves an empty one. Held once. */
struct shared *shared_take(struct buf *bytes);
struct shared *shared_hold(struct shared *s); /* returns it */
void shared_drop(struct shared *s);           /* NULL is fine */

/* The slice lies in it; NULL has none. */
static inline bool shared_has(const struct shared *s, struct bytes slice)
{
    if (s == NULL) {
        return false;
    }
    uintptr_t from = (uintptr_t)s->bytes.ptr, at = (uintptr_t)slice.ptr;
    return at >= from && at - from <= s->bytes.len && slice.len <= s->bytes.len - (at - from);
}

#endif
