#include "transport/sheet.h"

#include <assert.h>
#include <stdlib.h>

struct sheet *sheet_create(size_t bytes)
{
    struct sheet *s = mem_zalloc(sizeof *s);
    atomic_init(&s->refs, 1);
    buf_reserve(&s->text.own, bytes);
    return s;
}

void sheet_release(struct sheet *s)
{
    if (s != NULL && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        slices_free(&s->text);
        free(s);
    }
}

bool sheet_is_free(const struct sheet *s)
{
    return atomic_load_explicit(&s->refs, memory_order_acquire) == 1;
}

struct held_frame frame_hold(struct sheet *s, struct slices_place at)
{
    struct held_frame h = {.sheet = s,
                           .at = at,
                           .len = slices_len_from(&s->text, at),
                           .memory = slices_memory_from(&s->text, at)};
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    s->holders++;
    s->held += h.memory;
    return h;
}

void held_frame_add(const struct held_frame *h, struct slices *out)
{
    slices_add(out, &h->sheet->text, h->at, h->len);
}

size_t held_frame_release(struct held_frame *h)
{
    struct sheet *s = h->sheet;
    size_t gone = 0;
    if (s == NULL) {
        return 0;
    }
    assert(s->holders > 0);
    if (--s->holders == 0) {
        gone = s->held;
        s->held = 0;
    }
    *h = (struct held_frame){0};
    sheet_release(s);
    return gone;
}
