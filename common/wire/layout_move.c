#include "wire/layout.h"

static void slice_move(struct bytes *slice, struct bytes from, const uint8_t *to)
{
    uintptr_t at = (uintptr_t)slice->ptr, start = (uintptr_t)from.ptr;
    if (at >= start && at <= start + from.len) {
        slice->ptr = to + (at - start);
    }
}

static void list_move(const struct field *f, struct bytes from, const uint8_t *to, uint8_t *base)
{
    uint8_t *items = *(void **)(void *)(base + f->offset);
    uint32_t count = *(uint32_t *)(void *)(base + f->count_offset);
    for (uint32_t i = 0; i < count; i++) {
        if (f->kind == FIELD_TEXTS) {
            slice_move((struct bytes *)(void *)items + i, from, to);
        } else {
            layout_move(f->of, from, to, items + (size_t)i * f->of->size);
        }
    }
}

void layout_move(const struct layout *l, struct bytes from, const uint8_t *to, void *base)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const struct field *f = &l->fields[i];
        void *at = (uint8_t *)base + f->offset;
        switch (f->kind) {
        case FIELD_BYTES:
            slice_move(at, from, to);
            break;
        case FIELD_PARTS:
            slice_move(&((struct parts *)at)->whole, from, to);
            break;
        case FIELD_INSIDE:
            layout_move(f->of, from, to, at);
            break;
        case FIELD_LIST:
        case FIELD_TEXTS:
            list_move(f, from, to, base);
            break;
        case FIELD_BOOL:
        case FIELD_U32:
        case FIELD_U64:
        case FIELD_I32:
        case FIELD_I64:
        case FIELD_DOUBLE:
        case FIELD_TOKEN:
        case FIELD_ENUM:
        case FIELD_RETIRED:
            break;
        }
    }
}
