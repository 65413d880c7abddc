/* A text that lies in parts: `items`, one behind the other, where there are any, and else the
 * whole. All of it is borrowed. */
#ifndef MARATHON_BASE_PARTS_H
#define MARATHON_BASE_PARTS_H

#include "base/bytes.h"

struct parts {
    struct bytes whole;
    const struct bytes *items;
    uint32_t count;
};

static inline struct parts parts_whole(struct bytes whole)
{
    return (struct parts){.whole = whole};
}

size_t parts_len(const struct parts *p);
void parts_put(const struct parts *p, struct buf *out); /* appends it */
/* The whole; where it lies in more than one part, put together in the arena (arena_text). */
struct bytes parts_join(const struct parts *p, struct arena *arena);
/* All of it, put together in the arena. */
struct parts parts_copy(const struct parts *p, struct arena *arena);

#endif
