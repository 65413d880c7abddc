/* How far the next reply goes, before it is parsed: what has come of it is gone over once, however
 * many pieces it comes in. Pure. */
#ifndef MARATHON_STORE_REDIS_EXTENT_H
#define MARATHON_STORE_REDIS_EXTENT_H

#include "base/bytes.h"

/* Zero-initialise it for each reply. */
struct reply_extent {
    size_t len;        /* of its items that are whole, and were not left */
    size_t items;      /* how many are whole */
    size_t items_left; /* to come, as far as is known */
    size_t needs;      /* so long it is at least, behind what was left */
};

enum extent {
    EXTENT_PART,
    EXTENT_WHOLE, /* it is `len` long, and has `items` items: itself, and those of its arrays */
    EXTENT_BAD,   /* it is none */
};

/* came: all that has come from its first byte on; or, once that was left, from the first item
 * behind what was. */
enum extent extent_find(struct reply_extent *e, struct bytes came);
/* Items that are whole lie elsewhere from now on. Returns their length. */
size_t extent_leave(struct reply_extent *e);

#endif
