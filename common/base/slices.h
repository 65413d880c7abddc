/* An outgoing text: bytes of its own, interleaved with lent slices, which are written from where
 * they lie. It holds the lenders until it is cleared. Zero-initialise it ({0}); slices_free when
 * done. */
#ifndef MARATHON_BASE_SLICES_H
#define MARATHON_BASE_SLICES_H

#include "base/shared.h"

struct lent_slice {
    size_t at; /* how many of the text's own bytes come before it */
    struct bytes what;
    struct shared *lender;
};

struct slices {
    struct buf own;
    struct lent_slice *lent;
    size_t lent_count, lent_cap;
    size_t lent_bytes;   /* sum over the slices */
    size_t lender_bytes; /* memory of their lenders; consecutive slices of one lender count once */
};

/* A position in a text: how much is before it. */
struct slices_place {
    size_t own;  /* own bytes */
    size_t lent; /* complete slices */
    size_t part; /* bytes of the slice after these */
};

static inline size_t slices_len(const struct slices *s)
{
    return s->own.len + s->lent_bytes;
}

/* Memory that it keeps alive, its own bytes included. */
static inline size_t slices_memory(const struct slices *s)
{
    return s->own.len + s->lender_bytes;
}

/* The part of the lenders' memory that is not in the slices: pinned only because they are lent. */
static inline size_t slices_beside(const struct slices *s)
{
    return s->lender_bytes > s->lent_bytes ? s->lender_bytes - s->lent_bytes : 0;
}

static inline struct slices_place slices_end(const struct slices *s)
{
    return (struct slices_place){.own = s->own.len, .lent = s->lent_count};
}

/* The same for what comes after a position that is between slices. */
size_t slices_len_from(const struct slices *s, struct slices_place at);
size_t slices_memory_from(const struct slices *s, struct slices_place at);

/* Appends a slice of the lender, to which it adds a reference; `what` is not empty. */
void slices_lend(struct slices *s, struct bytes what, struct shared *lender);
/* Returns the contiguous piece at the position, and advances the position past it. False at the
 * end. */
bool slices_next(const struct slices *s, struct slices_place *at, struct bytes *ret_piece);
/* Advances the position by so many bytes. */
void slices_pass(const struct slices *s, struct slices_place *at, size_t bytes);
/* Appends to out a copy of the len bytes from the position on. */
void slices_copy(const struct slices *s, struct slices_place at, size_t len, struct buf *out);
/* The same, but lent slices stay lent, unless they are only a small part of their lender. */
void slices_add(struct slices *s, const struct slices *from, struct slices_place at, size_t len);
/* Truncates the text at the position, which must be between slices. */
void slices_cut(struct slices *s, struct slices_place end);
void slices_clear(struct slices *s); /* empties it; keeps memory up to the usual size */
void slices_free(struct slices *s);

#endif
