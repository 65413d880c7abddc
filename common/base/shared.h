/* Bytes that several hold, on whichever threads: they stay as they are while anybody does, and go
 * with the last one. */
#ifndef MARATHON_BASE_SHARED_H
#define MARATHON_BASE_SHARED_H

#include <stdatomic.h>

#include "base/bytes.h"

/* Shorter slices are copied into a text on its way out: that costs less than a place in a write.
 * Measured with W1's results of 1 KiB (tests/bench): there it costs as much. */
#define LENT_BYTES_MIN 1024u

struct shared {
    struct buf bytes;               /* cap: all memory that goes with it */
    void (*free)(struct shared *s); /* on the thread of its last holder */
    _Atomic unsigned holders;
};

/* Takes ownership of the buffer's memory and leaves an empty one. Held once. */
struct shared *shared_take(struct buf *bytes);
/* In one piece with its bytes, which are to be written before anybody else holds it. Held once. */
struct shared *shared_make(size_t len);
struct shared *shared_copy(struct bytes b); /* the same, of these bytes */
/* One that is part of something of the caller's, which goes by `free`. Held once. */
void shared_init(struct shared *s, struct buf bytes, void (*free)(struct shared *s));
struct shared *shared_hold(struct shared *s); /* returns it */
void shared_drop(struct shared *s);           /* NULL is fine */

/* NULL has none. */
static inline struct bytes shared_bytes(const struct shared *s)
{
    return s != NULL ? buf_bytes(&s->bytes) : BYTES_NONE;
}

/* The slice lies in it; NULL has none. */
static inline bool shared_has(const struct shared *s, struct bytes slice)
{
    if (s == NULL) {
        return false;
    }
    uintptr_t from = (uintptr_t)s->bytes.ptr, at = (uintptr_t)slice.ptr;
    return at >= from && at - from <= s->bytes.len && slice.len <= s->bytes.len - (at - from);
}

/* Are slices of so many bytes worth keeping all of it for, however long? A small part is copied
 * instead, where it is not known to go soon: who waits for it would keep four times as much. */
static inline bool shared_lends(const struct shared *s, size_t len)
{
    return len >= s->bytes.cap / 4;
}

/* Those in which slices of a message may lie. {0}: there are none. */
struct lenders {
    struct shared *const *items;
    uint32_t count;
    uint32_t next; /* where the next slice is looked for first: most come in the order of these */
    struct lenders *more; /* looked at after them; NULL: there are no more */
};

/* Has the slice; NULL: none does. */
struct shared *lenders_find(struct lenders *l, struct bytes slice);

/* The text's bytes, which stay for as long as the arena's pieces do. NULL has none. */
struct bytes arena_hold(struct arena *a, struct shared *text);
void arena_hold_all(struct arena *a, const struct arena *of); /* the texts that this one holds */

/* A buffer with room for so many bytes, which lasts as long as the arena's pieces and never grows;
 * or, where they are in a buffer already, what becomes of that: it is left empty. A long one is a
 * text that the arena holds. */
struct buf arena_text(struct arena *a, size_t cap);
struct bytes arena_take(struct arena *a, struct buf *made);

/* What it holds, but for the first `from`. */
static inline struct lenders arena_lenders(const struct arena *a, uint32_t from)
{
    return (struct lenders){.items = from < a->held_count ? a->held + from : NULL,
                            .count = a->held_count - from};
}

#endif
