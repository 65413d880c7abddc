/* The values of a body, one behind the other, as msgpack writes them: what layouts are read from.
 * Any bytes are survived: a length or count beyond the bytes that are left is an error where it
 * stands, before anything is reserved for it. */
#ifndef MARATHON_WIRE_ITEM_H
#define MARATHON_WIRE_ITEM_H

#include "base/bytes.h"
#include "base/err.h"

#define NESTING_MAX 16u
/* Items in one body, all levels together: the largest status (STEPS_MAX steps) has about half of
 * it. */
#define ELEMENTS_MAX (1u << 18)

enum item_kind {
    ITEM_NIL,
    ITEM_BOOL,     /* number: 0 or 1 */
    ITEM_UNSIGNED, /* number */
    ITEM_NEGATIVE, /* number, as the int64_t that it is */
    ITEM_FRACTION, /* fraction */
    ITEM_BIN,      /* content */
    ITEM_ARRAY,    /* number: of the items that follow and are inside it */
    ITEM_MAP,      /* the same; no field of ours is one, but a newer peer's may be */
    ITEM_OTHER,    /* text, ext: likewise */
};

struct item {
    enum item_kind kind;
    union {
        uint64_t number;
        double fraction;
    };
    struct bytes content; /* borrowed from the body */
};

/* Where in a body its reader is. */
struct items {
    struct bytes rest;
    uint32_t seen;
    uint32_t depth; /* arrays and maps around the next item: counted by who goes into them */
};

/* ERR_PROTOCOL where no whole item is left. */
enum err MUST_CHECK item_next_long(struct items *from, struct item *ret_item);
/* The same; small numbers, which half of all are, in place. */
static inline enum err MUST_CHECK item_next(struct items *from, struct item *ret_item)
{
    if (from->rest.len == 0 || from->rest.ptr[0] > 0x7f || from->seen == ELEMENTS_MAX) {
        return item_next_long(from, ret_item);
    }
    ret_item->kind = ITEM_UNSIGNED;
    ret_item->number = from->rest.ptr[0];
    from->rest = bytes_of(from->rest.ptr + 1, from->rest.len - 1);
    from->seen++;
    return ERR_OK;
}

/* Goes past `count` items and all that is inside them. */
enum err MUST_CHECK items_skip(struct items *from, uint64_t count);

#endif
