#include "wire/layout.h"

#include <assert.h>
#include <math.h>

static enum err read_struct(const struct layout *l, struct values *r, struct arena *arena,
                            const struct value *v, void *to);

static enum err read_bytes(const struct value *v, struct bytes *ret_bytes)
{
    if (v->kind != VALUE_BIN) {
        return ERR_PROTOCOL;
    }
    *ret_bytes = v->as.bin;
    return ERR_OK;
}

static enum err read_unsigned(const struct value *v, uint64_t max, uint64_t *ret_value)
{
    if (v->kind != VALUE_UINT || v->as.number > max) {
        return ERR_PROTOCOL;
    }
    *ret_value = v->as.number;
    return ERR_OK;
}

static enum err read_signed(const struct value *v, int64_t min, int64_t max, int64_t *ret_value)
{
    if (v->kind == VALUE_UINT && v->as.number <= (uint64_t)max) {
        *ret_value = (int64_t)v->as.number;
        return ERR_OK;
    }
    if (v->kind == VALUE_NEGATIVE && v->as.negative >= min) {
        *ret_value = v->as.negative;
        return ERR_OK;
    }
    return ERR_PROTOCOL;
}

static enum err read_items(const struct field *f, struct values *r, struct arena *arena,
                           uint32_t count, uint8_t *items)
{
    struct value v;
    enum err e = ERR_OK;
    for (uint32_t i = 0; e == ERR_OK && i < count; i++) {
        if (!value_next(r, &v)) {
            return ERR_PROTOCOL;
        }
        e = f->kind == FIELD_TEXTS
                ? read_bytes(&v, (struct bytes *)(void *)items + i)
                : read_struct(f->of, r, arena, &v, items + (size_t)i * f->of->size);
    }
    return e;
}

static enum err read_list(const struct field *f, struct values *r, struct arena *arena,
                          const struct value *v, uint8_t *to)
{
    if (v->kind != VALUE_ARRAY || v->count > f->limit || !values_enter(r, v)) {
        return ERR_PROTOCOL;
    }
    size_t size = f->kind == FIELD_TEXTS ? sizeof(struct bytes) : f->of->size;
    uint8_t *items = v->count > 0 ? arena_alloc(arena, v->count * size) : NULL;
    enum err e = read_items(f, r, arena, v->count, items);
    if (e != ERR_OK) {
        return e;
    }
    values_leave(r, v);
    *(void **)(void *)(to + f->offset) = items;
    *(uint32_t *)(void *)(to + f->count_offset) = v->count;
    return ERR_OK;
}

static enum err read_number(const struct field *f, const struct value *v, void *at)
{
    bool is_signed = f->kind == FIELD_I32 || f->kind == FIELD_I64;
    uint64_t max = f->kind == FIELD_U64 ? UINT64_MAX : UINT32_MAX;
    uint64_t u = 0;
    int64_t i = 0;
    enum err e = ERR_OK;
    if (is_signed) {
        bool narrow = f->kind == FIELD_I32;
        e = read_signed(v, narrow ? INT32_MIN : INT64_MIN, narrow ? INT32_MAX : INT64_MAX, &i);
    } else {
        e = read_unsigned(v, f->kind == FIELD_ENUM ? f->limit - 1 : max, &u);
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

static enum err read_double(const struct value *v, double *ret_value)
{
    /* A NaN would pass every later comparison unseen. */
    if (v->kind != VALUE_DOUBLE || !isfinite(v->as.fraction)) {
        return ERR_PROTOCOL;
    }
    *ret_value = v->as.fraction;
    return ERR_OK;
}

static enum err read_token(const struct value *v, uint8_t *to)
{
    if (v->kind != VALUE_BIN || v->as.bin.len != TOKEN_BYTES) {
        return ERR_PROTOCOL;
    }
    memcpy(to, v->as.bin.ptr, TOKEN_BYTES);
    return ERR_OK;
}

static enum err read_field(const struct field *f, struct values *r, struct arena *arena,
                           uint8_t *to)
{
    void *at = to + f->offset;
    struct value v;
    if (!value_next(r, &v)) {
        return ERR_PROTOCOL;
    }
    if (v.kind == VALUE_NIL) { /* a retired field reads as a missing one */
        return ERR_OK;
    }
    switch (f->kind) {
    case FIELD_BOOL:
        if (v.kind != VALUE_BOOL) {
            return ERR_PROTOCOL;
        }
        *(bool *)at = v.as.truth;
        return ERR_OK;
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_I32:
    case FIELD_I64:
    case FIELD_ENUM:
        return read_number(f, &v, at);
    case FIELD_DOUBLE:
        return read_double(&v, at);
    case FIELD_BYTES:
        return read_bytes(&v, at);
    case FIELD_PARTS:
        return read_bytes(&v, &((struct parts *)at)->whole);
    case FIELD_TOKEN:
        return read_token(&v, at);
    case FIELD_INSIDE:
        return read_struct(f->of, r, arena, &v, at);
    case FIELD_LIST:
    case FIELD_TEXTS:
        return read_list(f, r, arena, &v, to);
    }
    assert(false && "a kind of field without a case");
    return ERR_INVALID;
}

static enum err read_struct(const struct layout *l, struct values *r, struct arena *arena,
                            const struct value *v, void *to)
{
    struct value unknown;
    if (v->kind != VALUE_ARRAY || !values_enter(r, v)) {
        return ERR_PROTOCOL;
    }
    /* Fewer elements: an older peer, the rest stays zero. More: a newer one, what we do not know is
     * passed over. */
    for (uint32_t i = 0; i < v->count && i < l->count; i++) {
        enum err e = read_field(&l->fields[i], r, arena, to);
        if (e != ERR_OK) {
            return e;
        }
    }
    for (uint32_t i = l->count; i < v->count; i++) {
        if (!value_next(r, &unknown) || !values_pass(r, &unknown)) {
            return ERR_PROTOCOL;
        }
    }
    values_leave(r, v);
    return ERR_OK;
}

enum err layout_read(const struct layout *l, struct values *r, struct arena *arena, void *to)
{
    struct value v;
    return value_next(r, &v) ? read_struct(l, r, arena, &v, to) : ERR_PROTOCOL;
}
