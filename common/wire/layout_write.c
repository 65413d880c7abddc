#include "wire/layout.h"

#include <assert.h>
#include <msgpack.h>

/* msgpack-c's packer, instantiated to write directly into a struct buf. A message consists of a few
 * dozen short values, for each of which the usual packer would make a callback. */
#define msgpack_pack_inline_func(name)            static inline void pack##name
#define msgpack_pack_inline_func_cint(name)       static inline void pack##name
#define msgpack_pack_user                         struct buf *
#define msgpack_pack_append_buffer(out, bytes, n) buf_add(out, bytes, n)
#include <msgpack/pack_template.h>

static const void *member(const void *base, uint32_t offset)
{
    return (const uint8_t *)base + offset;
}

static void write_body(struct bytes b, struct lenders *lenders, struct slices *to)
{
    struct shared *lender = b.len >= LENT_BYTES_MIN ? lenders_find(lenders, b) : NULL;
    if (lender != NULL) {
        slices_lend(to, b, lender);
    } else {
        pack_bin_body(&to->own, b.ptr, b.len);
    }
}

static void write_bytes(struct bytes b, struct lenders *lenders, struct slices *to)
{
    pack_bin(&to->own, b.len);
    write_body(b, lenders, to);
}

static void write_parts(const struct parts *p, struct lenders *lenders, struct slices *to)
{
    if (p->count == 0) {
        write_bytes(p->whole, lenders, to);
        return;
    }
    pack_bin(&to->own, parts_len(p));
    for (uint32_t i = 0; i < p->count; i++) {
        write_body(p->items[i], lenders, to);
    }
}

static enum err write_list(const struct field *f, const void *from, struct lenders *lenders,
                           struct slices *to)
{
    uint32_t count = *(const uint32_t *)member(from, f->count_offset);
    const void *const *items = member(from, f->offset);
    if (count > f->limit) {
        return ERR_TOO_LARGE;
    }
    assert(count == 0 || *items != NULL);
    pack_array(&to->own, count);
    for (uint32_t i = 0; i < count; i++) {
        if (f->kind == FIELD_TEXTS) {
            write_bytes(((const struct bytes *)*items)[i], lenders, to);
            continue;
        }
        enum err e =
            layout_write(f->of, (const uint8_t *)*items + (size_t)i * f->of->size, lenders, to);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

static enum err write_field(const struct field *f, const void *from, struct lenders *lenders,
                            struct slices *to)
{
    struct buf *out = &to->own;
    const void *at = member(from, f->offset);
    switch (f->kind) {
    case FIELD_BOOL:
        *(const bool *)at ? pack_true(out) : pack_false(out);
        return ERR_OK;
    case FIELD_ENUM:
        assert(*(const uint32_t *)at < f->limit);
        pack_uint32(out, *(const uint32_t *)at);
        return ERR_OK;
    case FIELD_U32:
        pack_uint32(out, *(const uint32_t *)at);
        return ERR_OK;
    case FIELD_U64:
        pack_uint64(out, *(const uint64_t *)at);
        return ERR_OK;
    case FIELD_I32:
        pack_int32(out, *(const int32_t *)at);
        return ERR_OK;
    case FIELD_I64:
        pack_int64(out, *(const int64_t *)at);
        return ERR_OK;
    case FIELD_DOUBLE:
        pack_double(out, *(const double *)at);
        return ERR_OK;
    case FIELD_BYTES:
        write_bytes(*(const struct bytes *)at, lenders, to);
        return ERR_OK;
    case FIELD_PARTS:
        write_parts(at, lenders, to);
        return ERR_OK;
    case FIELD_TOKEN:
        write_bytes(bytes_of(at, TOKEN_BYTES), lenders, to);
        return ERR_OK;
    case FIELD_INSIDE:
        return layout_write(f->of, at, lenders, to);
    case FIELD_LIST:
    case FIELD_TEXTS:
        return write_list(f, from, lenders, to);
    case FIELD_RETIRED:
        pack_nil(out);
        return ERR_OK;
    }
    assert(false && "a kind of field without a case");
    return ERR_INVALID;
}

enum err layout_write(const struct layout *l, const void *from, struct lenders *lenders,
                      struct slices *to)
{
    pack_array(&to->own, l->count);
    for (uint32_t i = 0; i < l->count; i++) {
        enum err e = write_field(&l->fields[i], from, lenders, to);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}
