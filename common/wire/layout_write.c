#include "wire/layout.h"

#include <assert.h>

static const void *member(const void *base, uint32_t offset)
{
    return (const uint8_t *)base + offset;
}

static void write_parts(const struct parts *p, struct buf *out)
{
    size_t len = 0;
    if (p->count == 0) {
        put_bin(out, p->whole);
        return;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        len += p->items[i].len;
    }
    put_bin_head(out, len);
    for (uint32_t i = 0; i < p->count; i++) {
        buf_add_bytes(out, p->items[i]);
    }
}

static enum err write_list(const struct field *f, const void *from, struct buf *out)
{
    uint32_t count = *(const uint32_t *)member(from, f->count_offset);
    const void *const *items = member(from, f->offset);
    if (count > f->limit) {
        return ERR_TOO_LARGE;
    }
    assert(count == 0 || *items != NULL);
    put_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        if (f->kind == FIELD_TEXTS) {
            put_bin(out, ((const struct bytes *)*items)[i]);
            continue;
        }
        enum err e = layout_write(f->of, (const uint8_t *)*items + (size_t)i * f->of->size, out);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

static enum err write_field(const struct field *f, const void *from, struct buf *out)
{
    const void *at = member(from, f->offset);
    switch (f->kind) {
    case FIELD_BOOL:
        put_bool(out, *(const bool *)at);
        return ERR_OK;
    case FIELD_ENUM:
        assert(*(const uint32_t *)at < f->limit);
        put_uint(out, *(const uint32_t *)at);
        return ERR_OK;
    case FIELD_U32:
        put_uint(out, *(const uint32_t *)at);
        return ERR_OK;
    case FIELD_U64:
        put_uint(out, *(const uint64_t *)at);
        return ERR_OK;
    case FIELD_I32:
        put_int(out, *(const int32_t *)at);
        return ERR_OK;
    case FIELD_I64:
        put_int(out, *(const int64_t *)at);
        return ERR_OK;
    case FIELD_DOUBLE:
        put_double(out, *(const double *)at);
        return ERR_OK;
    case FIELD_BYTES:
        put_bin(out, *(const struct bytes *)at);
        return ERR_OK;
    case FIELD_PARTS:
        write_parts(at, out);
        return ERR_OK;
    case FIELD_TOKEN:
        put_bin(out, bytes_of(at, TOKEN_BYTES));
        return ERR_OK;
    case FIELD_INSIDE:
        return layout_write(f->of, at, out);
    case FIELD_LIST:
    case FIELD_TEXTS:
        return write_list(f, from, out);
    }
    assert(false && "a kind of field without a case");
    return ERR_INVALID;
}

enum err layout_write(const struct layout *l, const void *from, struct buf *out)
{
    put_array(out, l->count);
    for (uint32_t i = 0; i < l->count; i++) {
        enum err e = write_field(&l->fields[i], from, out);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}
