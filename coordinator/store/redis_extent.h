/* Finds where the next reply ends, before it is parsed. Each received byte is scanned once, however
 * many pieces the reply comes in. Pure. */
#ifndef MARATHON_STORE_REDIS_EXTENT_H
#define MARATHON_STORE_REDIS_EXTENT_H

#include "base/bytes.h"

/* Zero-initialise it for each reply. */
struct reply_extent {
    size_t len;        /* bytes of its complete items, except those passed to extent_leave */
    size_t items;      /* number of complete items */
    size_t items_left; /* items still to come, as far as is known */
    size_t needs;      /* the reply is at least this long, not counting what was left */
};

enum extent {
    EXTENT_PART,
    EXTENT_WHOLE, /* complete: `len` bytes long, `items` items (itself, and those of its arrays) */
    EXTENT_BAD,   /* not a RESP2 reply */
};

/* came: all that was received from the reply's first byte on or, after extent_leave, from the first
 * item that was not left. */
enum extent extent_find(struct reply_extent *e, struct bytes came);
/* The complete items are elsewhere from now on: `came` begins behind them. Returns their length. */
size_t extent_leave(struct reply_extent *e);

#endif
