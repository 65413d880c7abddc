/* Room for what a function gives, which stays where it is gathered until it has been told: it must
 * not move when more comes. */
#ifndef MARATHON_RUN_KEPT_H
#define MARATHON_RUN_KEPT_H

#include "base/bytes.h"

/* More than most of what does not come at once. What is not touched of it takes no memory, and
 * whoever keeps the bytes cuts it off (agent/keep.c). */
#define KEPT_BYTES_LARGE (256u << 10)

/* For `more` bytes; where some were gathered before, for many more than those. */
static inline void kept_reserve(struct buf *b, size_t more)
{
    if (more <= b->cap - b->len) {
        return;
    }
    size_t len = b->len + more;
    buf_reserve(b, b->len == 0               ? more
                   : len <= KEPT_BYTES_LARGE ? KEPT_BYTES_LARGE - b->len
                                             : len * 4 - b->len);
}

#endif
