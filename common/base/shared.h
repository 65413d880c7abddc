/* Immutable reference-counted bytes. Holders may be on different threads; the last one frees
 * them. */
#ifndef MARATHON_BASE_SHARED_H
#define MARATHON_BASE_SHARED_H

#include <stdatomic.h>

#include "base/bytes.h"

/* Shorter slices are copied instead of lent: a copy costs less than one more element in a vectored
 * write. At this size both cost the same, measured with W1's results of 1 KiB (tests/bench). */
#define LENT_BYTES_MIN 1024u

struct shared {
    struct buf bytes;               /* cap: all memory that is kept alive by it */
    void (*free)(struct shared *s); /* called on the thread of the last holder */
    _Atomic unsigned holders;
};

/* Takes ownership of the buffer's memory and leaves an empty buffer. One reference. */
struct shared *shared_take(struct buf *bytes);
/* One allocation for header and bytes; write the bytes before anybody else gets a reference. One
 * reference. */
struct shared *shared_make(size_t len);
struct shared *shared_copy(struct bytes b); /* the same, with a copy of b */
/* Initialises one that is embedded in an object of the caller's, which `free` releases. One
 * reference. */
void shared_init(struct shared *s, struct buf bytes, void (*free)(struct shared *s));
struct shared *shared_hold(struct shared *s); /* adds a reference; returns s */
void shared_drop(struct shared *s);           /* releases one; NULL is allowed */

/* NULL gives no bytes. */
static inline struct bytes shared_bytes(const struct shared *s)
{
    return s != NULL ? buf_bytes(&s->bytes) : BYTES_NONE;
}

/* Does the slice lie in s? NULL: no. */
static inline bool shared_has(const struct shared *s, struct bytes slice)
{
    if (s == NULL) {
        return false;
    }
    uintptr_t from = (uintptr_t)s->bytes.ptr, at = (uintptr_t)slice.ptr;
    return at >= from && at - from <= s->bytes.len && slice.len <= s->bytes.len - (at - from);
}

/* Are slices of len bytes worth keeping the whole buffer alive for as long as they wait? If they
 * are less than a quarter of it, copy them instead, unless they are known to leave soon: a slow
 * receiver would otherwise pin more than four times what it waits for. */
static inline bool shared_lends(const struct shared *s, size_t len)
{
    return len >= s->bytes.cap / 4;
}

/* The buffers in which slices of a message may lie. {0}: none. */
struct lenders {
    struct shared *const *items;
    uint32_t count;
    /* where the next search begins: slices mostly come in the order of the lenders */
    uint32_t next;
    struct lenders *more; /* searched after these; NULL: no more */
};

/* The buffer in which the slice lies, or NULL. */
struct shared *lenders_find(struct lenders *l, struct bytes slice);

/* Adds a reference that the arena releases when its pieces are freed; returns the bytes. NULL gives
 * no bytes. */
struct bytes arena_hold(struct arena *a, struct shared *text);
/* the same for all texts that `of` holds */
void arena_hold_all(struct arena *a, const struct arena *of);

/* arena_text: a buffer with room for cap bytes that lives as long as the arena and must not grow.
 * arena_take: moves a finished buffer into the arena and leaves it empty. A long text
 * (LENT_BYTES_MIN) becomes a shared text that the arena holds, so that slices of it can be lent. */
struct buf arena_text(struct arena *a, size_t cap);
struct bytes arena_take(struct arena *a, struct buf *made);

/* The texts that the arena holds, without the first `from`. */
static inline struct lenders arena_lenders(const struct arena *a, uint32_t from)
{
    return (struct lenders){.items = from < a->held_count ? a->held + from : NULL,
                            .count = a->held_count - from};
}

#endif
