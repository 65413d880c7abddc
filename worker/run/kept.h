/* Buffer growth for a function's output, which stays where it was read to until it has been
 * reported: it should not be moved when more arrives. */
#ifndef MARATHON_RUN_KEPT_H
#define MARATHON_RUN_KEPT_H

#include "base/bytes.h"

/* Larger than most output that does not arrive in one piece. Untouched pages take no memory, and
 * whoever keeps the bytes cuts the rest off (agent/keep.c). */
#define KEPT_BYTES_LARGE (256u << 10)

/* Reserves room for `more` bytes; if the buffer is not empty, for many more than that. */
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
