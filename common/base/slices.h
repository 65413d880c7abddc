/* A text on its way out: bytes of its own, and between them slices that were lent to it, which are
 * written from where they lie. What lends them is held until the text is cleared. Zero-initialise
 * it ({0}); slices_free when done. */
#ifndef MARATHON_BASE_SLICES_H
#define MARATHON_BASE_SLICES_H

#include "base/shared.h"

struct lent_slice {
    size_t at; /* of the text's own bytes, how many come before it */
    struct bytes what;
    struct shared *lender;
};

struct slices {
    struct buf own;
    struct lent_slice *lent;
    size_t lent_count, lent_cap;
    size_t lent_bytes;   /* of the slices */
    size_t lender_bytes; /* memory of what they lie in; counted once for those of one in a row */
};

/* A place in a text: what comes before it. */
struct slices_place {
    size_t own;  /* of its own bytes */
    size_t lent; /* whole slices */
    size_t part; /* of the slice behind those */
};

static inline size_t slices_len(const struct slices *s)
{
    return s->own.len + s->lent_bytes;
}

/* What it keeps from being freed, its own bytes included. */
static inline size_t slices_memory(const struct slices *s)
{
    return s->own.len + s->lender_bytes;
}

/* Of it, what was not lent: so much more stays for the sake of the slices. */
static inline size_t slices_beside(const struct slices *s)
{
    return s->lender_bytes > s->lent_bytes ? s->lender_bytes - s->lent_bytes : 0;
}

static inline struct slices_place slices_end(const struct slices *s)
{
    return (struct slices_place){.own = s->own.len, .lent = s->lent_count};
}

/* The same of what is behind a place between slices. */
size_t slices_len_from(const struct slices *s, struct slices_place at);
size_t slices_memory_from(const struct slices *s, struct slices_place at);

/* Of the lender, which is held; not empty. */
void slices_lend(struct slices *s, struct bytes what, struct shared *lender);
/* The piece at the place, as far as it lies in one, and moves the place behind it. False at the
 * end. */
bool slices_next(const struct slices *s, struct slices_place *at, struct bytes *ret_piece);
/* Moves the place on by so many bytes. */
void slices_pass(const struct slices *s, struct slices_place *at, size_t bytes);
/* Appends the len bytes from the place on, as a copy. */
void slices_copy(const struct slices *s, struct slices_place at, size_t len, struct buf *out);
/* The same, but what was lent is lent on; unless it is only a small part of its lender. */
void slices_add(struct slices *s, const struct slices *from, struct slices_place at, size_t len);
/* Takes back what is behind the place, which is between slices. */
void slices_cut(struct slices *s, struct slices_place end);
void slices_clear(struct slices *s); /* empties it, keeps usual memory */
void slices_free(struct slices *s);

#endif
