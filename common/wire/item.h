/* Tokenizer for message bodies: the sequence of msgpack values from which layouts are read. Safe
 * for any input: a length or count that exceeds the remaining bytes is an error at once, before
 * anything is allocated for it. */
#ifndef MARATHON_WIRE_ITEM_H
#define MARATHON_WIRE_ITEM_H

#include "base/bytes.h"
#include "base/err.h"

#define NESTING_MAX 16u
/* Items per body, on all levels together: the largest status (STEPS_MAX steps) has about half as
 * many. */
#define ELEMENTS_MAX (1u << 18)

enum item_kind {
    ITEM_NIL,
    ITEM_BOOL,     /* number: 0 or 1 */
    ITEM_UNSIGNED, /* number */
    ITEM_NEGATIVE, /* number, as an int64_t */
    ITEM_FRACTION, /* fraction */
    ITEM_BIN,      /* content */
    ITEM_ARRAY,    /* number: count of the items inside it, which follow */
    ITEM_MAP,      /* the same; none of our fields is a map, but a newer peer's may be */
    ITEM_OTHER,    /* str and ext values: likewise */
};

struct item {
    enum item_kind kind;
    union {
        uint64_t number;
        double fraction;
    };
    struct bytes content; /* borrowed from the body */
};

/* The reader's position in a body. */
struct items {
    struct bytes rest;
    uint32_t seen;
    uint32_t depth; /* arrays and maps around the next item; maintained by the caller */
};

/* ERR_PROTOCOL if no complete item is left. */
enum err MUST_CHECK item_next_long(struct items *from, struct item *ret_item);
/* The same, with small numbers inline: half of all items are. */
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

/* Skips `count` items with all that is inside them. */
enum err MUST_CHECK items_skip(struct items *from, uint64_t count);

#endif
