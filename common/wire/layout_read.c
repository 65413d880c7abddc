#include "wire/layout.h"

#include <assert.h>
#include <math.h>

#include "wire/item.h"

static enum err read_array(const struct layout *l, const struct item *array, struct items *from,
                           struct arena *arena, uint8_t *to);

static enum err read_bytes(const struct item *item, struct bytes *ret_bytes)
{
    if (item->kind != ITEM_BIN) {
        return ERR_PROTOCOL;
    }
    *ret_bytes = item->content;
    return ERR_OK;
}

static enum err read_unsigned(const struct item *item, uint64_t max, uint64_t *ret_value)
{
    if (item->kind != ITEM_UNSIGNED || item->number > max) {
        return ERR_PROTOCOL;
    }
    *ret_value = item->number;
    return ERR_OK;
}

static enum err read_signed(const struct item *item, int64_t min, int64_t max, int64_t *ret_value)
{
    int64_t number = (int64_t)item->number;
    if ((item->kind == ITEM_UNSIGNED && item->number <= (uint64_t)max) ||
        (item->kind == ITEM_NEGATIVE && number >= min)) {
        *ret_value = number;
        return ERR_OK;
    }
    return ERR_PROTOCOL;
}

static enum err read_list(const struct field *f, const struct item *list, struct items *from,
                          struct arena *arena, uint8_t *to)
{
    if (list->kind != ITEM_ARRAY || list->number > f->limit) {
        return ERR_PROTOCOL;
    }
    uint32_t count = (uint32_t)list->number;
    size_t size = f->kind == FIELD_TEXTS ? sizeof(struct bytes) : f->of->size;
    uint8_t *slots = count > 0 ? arena_alloc(arena, count * size) : NULL;
    from->depth++;
    for (uint32_t i = 0; i < count; i++) {
        void *slot = slots + i * size;
        struct item item;
        enum err e = item_next(from, &item);
        if (e == ERR_OK) {
            e = f->kind == FIELD_TEXTS ? read_bytes(&item, slot)
                                       : read_array(f->of, &item, from, arena, slot);
        }
        if (e != ERR_OK) {
            return e;
        }
    }
    from->depth--;
    *(void **)(void *)(to + f->offset) = slots;
    *(uint32_t *)(void *)(to + f->count_offset) = count;
    return ERR_OK;
}

static enum err read_number(const struct field *f, const struct item *item, void *at)
{
    bool is_signed = f->kind == FIELD_I32 || f->kind == FIELD_I64;
    uint64_t max = f->kind == FIELD_U64 ? UINT64_MAX : UINT32_MAX;
    uint64_t u = 0;
    int64_t i = 0;
    enum err e = ERR_OK;
    if (is_signed) {
        bool narrow = f->kind == FIELD_I32;
        e = read_signed(item, narrow ? INT32_MIN : INT64_MIN, narrow ? INT32_MAX : INT64_MAX, &i);
    } else {
        e = read_unsigned(item, f->kind == FIELD_ENUM ? f->limit - 1 : max, &u);
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

static enum err read_double(const struct item *item, double *ret_value)
{
    /* A NaN would slip through later comparisons. */
    if (item->kind != ITEM_FRACTION || !isfinite(item->fraction)) {
        return ERR_PROTOCOL;
    }
    *ret_value = item->fraction;
    return ERR_OK;
}

static enum err read_token(const struct item *item, uint8_t *to)
{
    if (item->kind != ITEM_BIN || item->content.len != TOKEN_BYTES) {
        return ERR_PROTOCOL;
    }
    memcpy(to, item->content.ptr, TOKEN_BYTES);
    return ERR_OK;
}

static enum err read_field(const struct field *f, struct items *from, struct arena *arena,
                           uint8_t *to)
{
    void *at = to + f->offset;
    struct item item;
    if (f->kind == FIELD_RETIRED) {
        return items_skip(from, 1); /* whatever an older peer has there */
    }
    enum err e = item_next(from, &item);
    if (e != ERR_OK || item.kind == ITEM_NIL) { /* retired by a newer peer: treated as missing */
        return e;
    }
    switch (f->kind) {
    case FIELD_BOOL:
        if (item.kind != ITEM_BOOL) {
            return ERR_PROTOCOL;
        }
        *(bool *)at = item.number != 0;
        return ERR_OK;
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_I32:
    case FIELD_I64:
    case FIELD_ENUM:
        return read_number(f, &item, at);
    case FIELD_DOUBLE:
        return read_double(&item, at);
    case FIELD_BYTES:
        return read_bytes(&item, at);
    case FIELD_PARTS:
        return read_bytes(&item, &((struct parts *)at)->whole);
    case FIELD_TOKEN:
        return read_token(&item, at);
    case FIELD_INSIDE:
        return read_array(f->of, &item, from, arena, at);
    case FIELD_LIST:
    case FIELD_TEXTS:
        return read_list(f, &item, from, arena, to);
    case FIELD_RETIRED:
        break;
    }
    assert(false && "a kind of field without a case");
    return ERR_INVALID;
}

static enum err read_array(const struct layout *l, const struct item *array, struct items *from,
                           struct arena *arena, uint8_t *to)
{
    if (array->kind != ITEM_ARRAY) {
        return ERR_PROTOCOL;
    }
    /* Fewer elements come from an older peer: the rest stays zero. More come from a newer one:
     * unknown ones are skipped. */
    uint64_t known = array->number < l->count ? array->number : l->count;
    from->depth++;
    for (uint64_t i = 0; i < known; i++) {
        enum err e = read_field(&l->fields[i], from, arena, to);
        if (e != ERR_OK) {
            return e;
        }
    }
    enum err e = items_skip(from, array->number - known);
    from->depth--;
    return e;
}

enum err layout_read(const struct layout *l, struct bytes body, struct arena *arena, void *to)
{
    struct items from = {.rest = body};
    struct item whole;
    enum err e = item_next(&from, &whole);
    if (e == ERR_OK) {
        e = read_array(l, &whole, &from, arena, to);
    }
    return e == ERR_OK && from.rest.len > 0 ? ERR_PROTOCOL : e;
}
