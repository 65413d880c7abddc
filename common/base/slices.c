#include "base/slices.h"

#include <assert.h>
#include <stdlib.h>

#define OWN_KEPT_BYTES_MAX (1u << 20) /* a larger buffer is freed when it is empty */
#define LENT_KEPT_MAX      4096u      /* likewise for slices: 160 KiB */

/* Memory that slice i adds to lender_bytes. */
static size_t lender_bytes(const struct slices *s, size_t i)
{
    const struct shared *lender = s->lent[i].lender;
    return i > 0 && s->lent[i - 1].lender == lender ? 0 : lender->bytes.cap;
}

size_t slices_len_from(const struct slices *s, struct slices_place at)
{
    size_t len = s->own.len - at.own;
    for (size_t i = at.lent; i < s->lent_count; i++) {
        len += s->lent[i].what.len;
    }
    return len;
}

size_t slices_memory_from(const struct slices *s, struct slices_place at)
{
    size_t memory = s->own.len - at.own;
    for (size_t i = at.lent; i < s->lent_count; i++) {
        memory += lender_bytes(s, i);
    }
    return memory;
}

void slices_lend(struct slices *s, struct bytes what, struct shared *lender)
{
    assert(what.len > 0);
    MEM_GROW(s->lent, s->lent_count, s->lent_cap);
    s->lent[s->lent_count] =
        (struct lent_slice){.at = s->own.len, .what = what, .lender = shared_hold(lender)};
    s->lent_bytes += what.len;
    s->lender_bytes += lender_bytes(s, s->lent_count);
    s->lent_count++;
}

/* Is the next piece one of the text's own bytes? */
static bool own_is_next(const struct slices *s, const struct slices_place *at)
{
    return at->lent == s->lent_count || at->own < s->lent[at->lent].at;
}

bool slices_next(const struct slices *s, struct slices_place *at, struct bytes *ret_piece)
{
    if (own_is_next(s, at)) {
        size_t end = at->lent < s->lent_count ? s->lent[at->lent].at : s->own.len;
        if (at->own == end) {
            return false;
        }
        *ret_piece = bytes_of(s->own.ptr + at->own, end - at->own);
        at->own = end;
        return true;
    }
    struct bytes what = s->lent[at->lent].what;
    *ret_piece = bytes_of(what.ptr + at->part, what.len - at->part);
    at->lent++;
    at->part = 0;
    return true;
}

void slices_pass(const struct slices *s, struct slices_place *at, size_t bytes)
{
    while (bytes > 0) {
        struct slices_place from = *at;
        struct bytes piece;
        bool more = slices_next(s, at, &piece);
        assert(more && "passed the end");
        if (piece.len > bytes) {
            *at = from;
            *(own_is_next(s, &from) ? &at->own : &at->part) += bytes;
            return;
        }
        bytes -= piece.len;
    }
}

void slices_copy(const struct slices *s, struct slices_place at, size_t len, struct buf *out)
{
    struct bytes piece;
    buf_reserve(out, len);
    while (len > 0 && slices_next(s, &at, &piece)) {
        piece = bytes_part(piece, 0, len);
        buf_add_bytes(out, piece);
        len -= piece.len;
    }
}

void slices_add(struct slices *s, const struct slices *from, struct slices_place at, size_t len)
{
    struct bytes piece;
    while (len > 0) {
        struct shared *lender = own_is_next(from, &at) ? NULL : from->lent[at.lent].lender;
        if (!slices_next(from, &at, &piece)) {
            return;
        }
        piece = bytes_part(piece, 0, len);
        len -= piece.len;
        if (lender != NULL && shared_lends(lender, piece.len)) {
            slices_lend(s, piece, lender);
        } else {
            buf_add_bytes(&s->own, piece);
        }
    }
}

void slices_cut(struct slices *s, struct slices_place end)
{
    assert(end.part == 0 && end.own <= s->own.len && end.lent <= s->lent_count);
    while (s->lent_count > end.lent) {
        struct lent_slice *last = &s->lent[--s->lent_count];
        s->lent_bytes -= last->what.len;
        s->lender_bytes -= lender_bytes(s, s->lent_count);
        shared_drop(last->lender);
    }
    s->own.len = end.own;
}

void slices_clear(struct slices *s)
{
    slices_cut(s, (struct slices_place){0});
    if (s->own.cap > OWN_KEPT_BYTES_MAX) {
        buf_free(&s->own);
    }
    if (s->lent_cap > LENT_KEPT_MAX) {
        free(s->lent);
        s->lent = NULL;
        s->lent_cap = 0;
    }
}

void slices_free(struct slices *s)
{
    slices_clear(s);
    buf_free(&s->own);
    free(s->lent);
    *s = (struct slices){0};
}
