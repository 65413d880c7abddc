#include "api/body_plan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/shared.h"

void body_plan_free(struct body_plan *plan)
{
    buf_free(&plan->text);
    free(plan->pieces);
    *plan = (struct body_plan){0};
}

static void piece_add(struct body_plan *plan, struct body_piece piece)
{
    if (piece.len == 0) {
        return;
    }
    MEM_GROW(plan->pieces, plan->count, plan->cap);
    plan->pieces[plan->count++] = piece;
    plan->total += piece.len;
}

/* Makes a piece of the text appended since the last piece. */
static void text_close(struct body_plan *plan)
{
    piece_add(plan, (struct body_piece){.from = BODY_TEXT,
                                        .offset = plan->text_done,
                                        .len = plan->text.len - plan->text_done});
    plan->text_done = plan->text.len;
}

void body_plan_doc(struct body_plan *plan, uint64_t offset, uint64_t len)
{
    text_close(plan);
    piece_add(plan, (struct body_piece){.from = BODY_DOC, .offset = offset, .len = len});
}

void body_plan_lend(struct body_plan *plan, struct bytes payload)
{
    if (payload.len < LENT_BYTES_MIN) {
        buf_add_bytes(&plan->text, payload);
        return;
    }
    text_close(plan);
    piece_add(plan,
              (struct body_piece){.from = BODY_LENT, .lent = payload.ptr, .len = payload.len});
}

void body_plan_moved(struct body_plan *plan, struct bytes from, const uint8_t *to)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct body_piece *piece = &plan->pieces[i];
        uintptr_t at = (uintptr_t)piece->lent - (uintptr_t)from.ptr;
        if (piece->from == BODY_LENT && at < from.len) {
            piece->lent = to + at;
        }
    }
}

void body_plan_finish(struct body_plan *plan)
{
    text_close(plan);
}

bool body_plan_next(const struct body_plan *plan, const struct body_cursor *cursor, size_t max,
                    struct body_want *ret_want)
{
    if (cursor->piece >= plan->count || max == 0) {
        return false;
    }
    const struct body_piece *piece = &plan->pieces[cursor->piece];
    uint64_t left = piece->len - cursor->done;
    size_t len = left < max ? (size_t)left : max;
    uint64_t at = piece->offset + cursor->done;
    *ret_want = (struct body_want){.from = piece->from, .offset = at, .len = len};
    if (piece->from == BODY_TEXT) {
        ret_want->text = bytes_part(buf_bytes(&plan->text), (size_t)at, len);
    } else if (piece->from == BODY_LENT) {
        ret_want->text = bytes_of(piece->lent + cursor->done, len);
    }
    return true;
}

void body_cursor_move(const struct body_plan *plan, struct body_cursor *cursor, size_t len)
{
    cursor->done += len;
    assert(cursor->done <= plan->pieces[cursor->piece].len);
    if (cursor->done == plan->pieces[cursor->piece].len) {
        cursor->piece++;
        cursor->done = 0;
    }
}

void body_plan_write(const struct body_plan *plan, struct bytes doc, uint64_t doc_offset,
                     struct buf *out)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct body_piece *piece = &plan->pieces[i];
        if (piece->from == BODY_LENT) {
            buf_add(out, piece->lent, (size_t)piece->len);
            continue;
        }
        struct bytes from = piece->from == BODY_DOC ? doc : buf_bytes(&plan->text);
        uint64_t base = piece->from == BODY_DOC ? doc_offset : 0;
        assert(piece->offset >= base && piece->offset - base + piece->len <= from.len);
        buf_add_bytes(out, bytes_part(from, (size_t)(piece->offset - base), (size_t)piece->len));
    }
}
