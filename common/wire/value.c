#include "wire/value.h"

/* Formats. What is below 0x80 or from 0xe0 on is a number by itself; 0x80 to 0xbf are a small map,
 * array or text with its count in the low bits. */
enum {
    FIX_MAP = 0x80,
    FIX_ARRAY = 0x90,
    FIX_TEXT = 0xa0,
    NIL = 0xc0,
    NO_FORMAT = 0xc1,
    FALSE_ = 0xc2,
    TRUE_ = 0xc3,
    BIN_8 = 0xc4, /* and 16, 32; the others likewise */
    EXT_8 = 0xc7,
    FLOAT_32 = 0xca,
    FLOAT_64 = 0xcb,
    UINT_8 = 0xcc, /* and 16, 32, 64 */
    INT_8 = 0xd0,
    FIX_EXT_1 = 0xd4, /* and 2, 4, 8, 16 */
    TEXT_8 = 0xd9,
    ARRAY_16 = 0xdc, /* and 32 */
    MAP_16 = 0xde,
    NEGATIVE_FROM = 0xe0,
};

/* ---- writing ---- */

#define NUMBER_BYTES_MAX 9u

/* The format, then v in so many bytes, big-endian. */
static inline void put_marked(struct buf *out, uint8_t format, uint64_t v, unsigned bytes)
{
    if (out->cap - out->len < NUMBER_BYTES_MAX) {
        buf_reserve(out, NUMBER_BYTES_MAX);
    }
    uint8_t *p = out->ptr + out->len;
    p[0] = format;
    for (unsigned i = 0; i < bytes; i++) {
        p[1 + i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    }
    out->len += 1 + bytes;
}

void put_uint(struct buf *out, uint64_t v)
{
    if (v < FIX_MAP) {
        buf_add_char(out, (char)v);
    } else if (v <= UINT8_MAX) {
        put_marked(out, UINT_8, v, 1);
    } else if (v <= UINT16_MAX) {
        put_marked(out, UINT_8 + 1, v, 2);
    } else if (v <= UINT32_MAX) {
        put_marked(out, UINT_8 + 2, v, 4);
    } else {
        put_marked(out, UINT_8 + 3, v, 8);
    }
}

void put_int(struct buf *out, int64_t v)
{
    if (v >= 0) {
        put_uint(out, (uint64_t)v);
    } else if (v >= -32) {
        buf_add_char(out, (char)v);
    } else if (v >= INT8_MIN) {
        put_marked(out, INT_8, (uint64_t)v, 1);
    } else if (v >= INT16_MIN) {
        put_marked(out, INT_8 + 1, (uint64_t)v, 2);
    } else if (v >= INT32_MIN) {
        put_marked(out, INT_8 + 2, (uint64_t)v, 4);
    } else {
        put_marked(out, INT_8 + 3, (uint64_t)v, 8);
    }
}

void put_double(struct buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_marked(out, FLOAT_64, bits, 8);
}

void put_bool(struct buf *out, bool v)
{
    buf_add_char(out, (char)(v ? TRUE_ : FALSE_));
}

void put_bin_head(struct buf *out, size_t len)
{
    if (len <= UINT8_MAX) {
        put_marked(out, BIN_8, len, 1);
    } else if (len <= UINT16_MAX) {
        put_marked(out, BIN_8 + 1, len, 2);
    } else {
        put_marked(out, BIN_8 + 2, len, 4);
    }
}

void put_bin(struct buf *out, struct bytes b)
{
    put_bin_head(out, b.len);
    buf_add_bytes(out, b);
}

void put_array(struct buf *out, uint32_t count)
{
    if (count < 16) {
        buf_add_char(out, (char)(FIX_ARRAY | count));
    } else if (count <= UINT16_MAX) {
        put_marked(out, ARRAY_16, count, 2);
    } else {
        put_marked(out, ARRAY_16 + 1, count, 4);
    }
}

/* ---- reading ---- */

static uint64_t big_endian(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

static size_t left(const struct values *r)
{
    return (size_t)(r->end - r->at);
}

/* Takes a number of so many bytes. */
static bool take(struct values *r, unsigned bytes, uint64_t *ret_number)
{
    if (left(r) < bytes) {
        return false;
    }
    *ret_number = big_endian(r->at, bytes);
    r->at += bytes;
    return true;
}

/* Takes content of len bytes. */
static bool take_content(struct values *r, uint64_t len, struct bytes *ret_content)
{
    if (left(r) < len) {
        return false;
    }
    *ret_content = bytes_of(r->at, (size_t)len);
    r->at += len;
    return true;
}

/* A container: each element takes a byte at least. */
static bool take_count(struct values *r, enum value_kind kind, uint64_t count, struct value *v)
{
    *v = (struct value){.kind = kind, .count = (uint32_t)count};
    return count <= left(r) && count <= ELEMENTS_MAX - r->seen;
}

static bool take_signed(struct values *r, unsigned bytes, struct value *v)
{
    uint64_t bits;
    if (!take(r, bytes, &bits)) {
        return false;
    }
    unsigned above = 64 - 8 * bytes;
    int64_t number = (int64_t)(bits << above) >> above;
    if (number >= 0) {
        v->kind = VALUE_UINT;
        v->as.number = (uint64_t)number;
    } else {
        v->kind = VALUE_NEGATIVE;
        v->as.negative = number;
    }
    return true;
}

static bool take_float(struct values *r, bool wide, struct value *v)
{
    uint64_t bits;
    v->kind = VALUE_DOUBLE;
    if (!take(r, wide ? 8 : 4, &bits)) {
        return false;
    }
    if (wide) {
        memcpy(&v->as.fraction, &bits, sizeof v->as.fraction);
    } else {
        uint32_t narrow_bits = (uint32_t)bits;
        float narrow;
        memcpy(&narrow, &narrow_bits, sizeof narrow);
        v->as.fraction = (double)narrow;
    }
    return true;
}

/* Something with its length in 1, 2 or 4 bytes before it, and `extra` bytes of content more. */
static bool take_sized(struct values *r, unsigned length_bytes, unsigned extra,
                       struct bytes *ret_content)
{
    uint64_t len;
    return take(r, length_bytes, &len) && take_content(r, len + extra, ret_content);
}

/* The formats from NIL up to NEGATIVE_FROM. */
static bool take_marked(struct values *r, uint8_t format, struct value *v)
{
    uint64_t count;
    struct bytes unused;
    if (format >= MAP_16) {
        return take(r, format == MAP_16 ? 2 : 4, &count) &&
               take_count(r, VALUE_OTHER, 2 * count, v);
    }
    if (format >= ARRAY_16) {
        return take(r, format == ARRAY_16 ? 2 : 4, &count) && take_count(r, VALUE_ARRAY, count, v);
    }
    if (format >= UINT_8 && format < INT_8) {
        v->kind = VALUE_UINT;
        return take(r, 1u << (format - UINT_8), &v->as.number);
    }
    if (format >= INT_8 && format < FIX_EXT_1) {
        return take_signed(r, 1u << (format - INT_8), v);
    }
    if (format == FLOAT_32 || format == FLOAT_64) {
        return take_float(r, format == FLOAT_64, v);
    }
    if (format >= BIN_8 && format < EXT_8) {
        v->kind = VALUE_BIN;
        return take_sized(r, 1u << (format - BIN_8), 0, &v->as.bin);
    }
    if (format == TRUE_ || format == FALSE_) {
        v->kind = VALUE_BOOL;
        v->as.truth = format == TRUE_;
        return true;
    }
    v->kind = format == NIL ? VALUE_NIL : VALUE_OTHER;
    v->count = 0;
    if (format >= TEXT_8) {
        return take_sized(r, 1u << (format - TEXT_8), 0, &unused);
    }
    if (format >= FIX_EXT_1) {
        return take_content(r, 1 + (1u << (format - FIX_EXT_1)), &unused);
    }
    if (format >= EXT_8) {
        return take_sized(r, 1u << (format - EXT_8), 1, &unused);
    }
    return format != NO_FORMAT;
}

bool value_next(struct values *r, struct value *ret_value)
{
    struct bytes unused;
    if (r->at == r->end || r->seen == ELEMENTS_MAX) {
        return false;
    }
    r->seen++;
    uint8_t format = *r->at++;
    if (format < FIX_MAP) {
        ret_value->kind = VALUE_UINT;
        ret_value->as.number = format;
        return true;
    }
    if (format >= NEGATIVE_FROM) {
        ret_value->kind = VALUE_NEGATIVE;
        ret_value->as.negative = (int64_t)format - 256;
        return true;
    }
    if (format >= NIL) {
        return take_marked(r, format, ret_value);
    }
    if (format >= FIX_TEXT) {
        *ret_value = (struct value){.kind = VALUE_OTHER};
        return take_content(r, format - FIX_TEXT, &unused);
    }
    if (format >= FIX_ARRAY) {
        return take_count(r, VALUE_ARRAY, format - FIX_ARRAY, ret_value);
    }
    return take_count(r, VALUE_OTHER, 2u * (format - FIX_MAP), ret_value);
}

bool values_enter(struct values *r, const struct value *v)
{
    if (v->count > 0 && r->depth == NESTING_MAX) {
        return false;
    }
    r->depth += v->count > 0;
    return true;
}

void values_leave(struct values *r, const struct value *v)
{
    r->depth -= v->count > 0;
}

static bool holds_others(const struct value *v)
{
    return (v->kind == VALUE_ARRAY || v->kind == VALUE_OTHER) && v->count > 0;
}

bool values_pass(struct values *r, const struct value *v)
{
    uint32_t open[NESTING_MAX]; /* values still to come, per level */
    uint32_t base = r->depth;
    struct value inner = *v;
    for (;;) {
        if (holds_others(&inner)) {
            if (!values_enter(r, &inner)) {
                return false;
            }
            open[r->depth - 1] = inner.count;
        }
        while (r->depth > base && open[r->depth - 1] == 0) {
            r->depth--;
        }
        if (r->depth == base) {
            return true;
        }
        open[r->depth - 1]--;
        if (!value_next(r, &inner)) {
            return false;
        }
    }
}
