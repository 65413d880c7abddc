#include "wire/layout.h"

#include <assert.h>

/* The packer writes into a struct buf, which cannot fail: results of pack calls carry nothing. */

static const void *member(const void *base, uint32_t offset)
{
    return (const uint8_t *)base + offset;
}

static void write_bytes(struct bytes b, msgpack_packer *pk)
{
    msgpack_pack_bin(pk, b.len);
    msgpack_pack_bin_body(pk, b.ptr, b.len);
}

static void write_parts(const struct parts *p, msgpack_packer *pk)
{
    size_t len = 0;
    if (p->count == 0) {
        write_bytes(p->whole, pk);
        return;
    }
    for (uint32_t i = 0; i < p->count; i++) {
        len += p->items[i].len;
    }
    msgpack_pack_bin(pk, len);
    for (uint32_t i = 0; i < p->count; i++) {
        msgpack_pack_bin_body(pk, p->items[i].ptr, p->items[i].len);
    }
}

static enum err write_list(const struct field *f, const void *from, msgpack_packer *pk)
{
    uint32_t count = *(const uint32_t *)member(from, f->count_offset);
    const void *const *items = member(from, f->offset);
    if (count > f->limit) {
        return ERR_TOO_LARGE;
    }
    assert(count == 0 || *items != NULL);
    msgpack_pack_array(pk, count);
    for (uint32_t i = 0; i < count; i++) {
        if (f->kind == FIELD_TEXTS) {
            write_bytes(((const struct bytes *)*items)[i], pk);
            continue;
        }
        enum err e = layout_write(f->of, (const uint8_t *)*items + (size_t)i * f->of->size, pk);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

static enum err write_field(const struct field *f, const void *from, msgpack_packer *pk)
{
    const void *at = member(from, f->offset);
    switch (f->kind) {
    case FIELD_BOOL:
        *(const bool *)at ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
        return ERR_OK;
    case FIELD_ENUM:
        assert(*(const uint32_t *)at < f->limit);
        msgpack_pack_uint32(pk, *(const uint32_t *)at);
        return ERR_OK;
    case FIELD_U32:
        msgpack_pack_uint32(pk, *(const uint32_t *)at);
        return ERR_OK;
    case FIELD_U64:
        msgpack_pack_uint64(pk, *(const uint64_t *)at);
        return ERR_OK;
    case FIELD_I32:
        msgpack_pack_int32(pk, *(const int32_t *)at);
        return ERR_OK;
    case FIELD_I64:
        msgpack_pack_int64(pk, *(const int64_t *)at);
        return ERR_OK;
    case FIELD_DOUBLE:
        msgpack_pack_double(pk, *(const double *)at);
        return ERR_OK;
    case FIELD_BYTES:
        write_bytes(*(const struct bytes *)at, pk);
        return ERR_OK;
    case FIELD_PARTS:
        write_parts(at, pk);
        return ERR_OK;
    case FIELD_TOKEN:
        write_bytes(bytes_of(at, TOKEN_BYTES), pk);
        return ERR_OK;
    case FIELD_INSIDE:
        return layout_write(f->of, at, pk);
    case FIELD_LIST:
    case FIELD_TEXTS:
        return write_list(f, from, pk);
    }
    assert(false && "a kind of field without a case");
    return ERR_INVALID;
}

enum err layout_write(const struct layout *l, const void *from, msgpack_packer *pk)
{
    msgpack_pack_array(pk, l->count);
    for (uint32_t i = 0; i < l->count; i++) {
        enum err e = write_field(&l->fields[i], from, pk);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}
