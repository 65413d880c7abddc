#include "wire/layout.h"

#include <assert.h>
#include <math.h>

static enum err read_bytes(const msgpack_object *o, struct bytes *ret_bytes)
{
    if (o->type != MSGPACK_OBJECT_BIN) {
        return ERR_PROTOCOL;
    }
    *ret_bytes = bytes_of(o->via.bin.ptr, o->via.bin.size);
    return ERR_OK;
}

static enum err read_unsigned(const msgpack_object *o, uint64_t max, uint64_t *ret_value)
{
    if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER || o->via.u64 > max) {
        return ERR_PROTOCOL;
    }
    *ret_value = o->via.u64;
    return ERR_OK;
}

static enum err read_signed(const msgpack_object *o, int64_t min, int64_t max, int64_t *ret_value)
{
    if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= (uint64_t)max) {
        *ret_value = (int64_t)o->via.u64;
        return ERR_OK;
    }
    if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && o->via.i64 >= min) {
        *ret_value = o->via.i64;
        return ERR_OK;
    }
    return ERR_PROTOCOL;
}

static enum err read_list(const struct field *f, const msgpack_object *o, struct arena *arena,
                          uint8_t *to)
{
    if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size > f->limit) {
        return ERR_PROTOCOL;
    }
    uint32_t count = o->via.array.size;
    size_t size = f->kind == FIELD_TEXTS ? sizeof(struct bytes) : f->of->size;
    uint8_t *items = count > 0 ? arena_alloc(arena, count * size) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        const msgpack_object *item = &o->via.array.ptr[i];
        void *slot = items + i * size;
        enum err e =
            f->kind == FIELD_TEXTS ? read_bytes(item, slot) : layout_read(f->of, item, arena, slot);
        if (e != ERR_OK) {
            return e;
        }
    }
    *(void **)(void *)(to + f->offset) = items;
    *(uint32_t *)(void *)(to + f->count_offset) = count;
    return ERR_OK;
}

static enum err read_number(const struct field *f, const msgpack_object *o, void *at)
{
    bool is_signed = f->kind == FIELD_I32 || f->kind == FIELD_I64;
    uint64_t max = f->kind == FIELD_U64 ? UINT64_MAX : UINT32_MAX;
    uint64_t u = 0;
    int64_t i = 0;
    enum err e = ERR_OK;
    if (is_signed) {
        bool narrow = f->kind == FIELD_I32;
        e = read_signed(o, narrow ? INT32_MIN : INT64_MIN, narrow ? INT32_MAX : INT64_MAX, &i);
    } else {
        e = read_unsigned(o, f->kind == FIELD_ENUM ? f->limit - 1 : max, &u);
    }
    if (e != ERR_OK) {
        return e;
    }
    if (f->kind == FIELD_I32) {
        *(int32_t *)at = (int32_t)i;
    } else if (f->kind == FIELD_I64) {
        *(int64_t *)at = i;
    } else if (f->kind == FIELD_U64) {
        *(uint64_t *)at = u;
    } else {
        *(uint32_t *)at = (uint32_t)u;
    }
    return ERR_OK;
}

static enum err read_double(const msgpack_object *o, double *ret_value)
{
    /* A NaN would pass every later comparison unseen. */
    if ((o->type != MSGPACK_OBJECT_FLOAT64 && o->type != MSGPACK_OBJECT_FLOAT32) ||
        !isfinite(o->via.f64)) {
        return ERR_PROTOCOL;
    }
    *ret_value = o->via.f64;
    return ERR_OK;
}

static enum err read_token(const msgpack_object *o, uint8_t *to)
{
    if (o->type != MSGPACK_OBJECT_BIN || o->via.bin.size != TOKEN_BYTES) {
        return ERR_PROTOCOL;
    }
    memcpy(to, o->via.bin.ptr, TOKEN_BYTES);
    return ERR_OK;
}

static enum err read_field(const struct field *f, const msgpack_object *o, struct arena *arena,
                           uint8_t *to)
{
    void *at = to + f->offset;
    if (o->type == MSGPACK_OBJECT_NIL) { /* a retired field reads as a missing one */
        return ERR_OK;
    }
    switch (f->kind) {
    case FIELD_BOOL:
        if (o->type != MSGPACK_OBJECT_BOOLEAN) {
            return ERR_PROTOCOL;
        }
        *(bool *)at = o->via.boolean;
        return ERR_OK;
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_I32:
    case FIELD_I64:
    case FIELD_ENUM:
        return read_number(f, o, at);
    case FIELD_DOUBLE:
        return read_double(o, at);
    case FIELD_BYTES:
        return read_bytes(o, at);
    case FIELD_PARTS:
        return read_bytes(o, &((struct parts *)at)->whole);
    case FIELD_TOKEN:
        return read_token(o, at);
    case FIELD_INSIDE:
        return layout_read(f->of, o, arena, at);
    case FIELD_LIST:
    case FIELD_TEXTS:
        return read_list(f, o, arena, to);
    }
    assert(false && "a kind of field without a case");
    return ERR_INVALID;
}

enum err layout_read(const struct layout *l, const msgpack_object *array, struct arena *arena,
                     void *to)
{
    if (array->type != MSGPACK_OBJECT_ARRAY) {
        return ERR_PROTOCOL;
    }
    /* Fewer elements: an older peer, the rest stays zero. More: a newer one, what we do not know is
     * passed over. */
    uint32_t count = array->via.array.size < l->count ? array->via.array.size : l->count;
    for (uint32_t i = 0; i < count; i++) {
        enum err e = read_field(&l->fields[i], &array->via.array.ptr[i], arena, to);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}
