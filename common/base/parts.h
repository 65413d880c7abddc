/* A text in parts: if count > 0 the concatenation of `items`, else `whole`. All borrowed. */
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
void parts_put(const struct parts *p, struct buf *out); /* appends all of it */
/* The text in one piece: borrowed if it is in one part, else concatenated in the arena
 * (arena_text). */
struct bytes parts_join(const struct parts *p, struct arena *arena);
/* A copy of all of it, concatenated in the arena. */
struct parts parts_copy(const struct parts *p, struct arena *arena);

#endif
