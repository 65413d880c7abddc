#include "base/pack.h"

#define UINT_BYTES_MAX 10u /* 64 bits, 7 per byte */

void pack_uint_long(struct buf *b, uint64_t v)
{
    if (b->cap - b->len < UINT_BYTES_MAX) {
        buf_reserve(b, UINT_BYTES_MAX);
    }
    uint8_t *at = b->ptr + b->len;
    while (v >= 0x80) {
        *at++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *at++ = (uint8_t)v;
    b->len = (size_t)(at - b->ptr);
}

void pack_int(struct buf *b, int64_t v)
{
    uint64_t u = (uint64_t)v;
    pack_uint(b, v < 0 ? ~(u << 1) : u << 1);
}

void pack_double(struct buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint8_t *p = buf_extend(b, sizeof bits);
    for (size_t i = 0; i < sizeof bits; i++) {
        p[i] = (uint8_t)(bits >> (8 * i));
    }
}

void pack_bytes(struct buf *b, struct bytes v)
{
    pack_uint(b, v.len);
    buf_add_bytes(b, v);
}

void pack_bytes_lent(struct slices *s, struct bytes v, struct lenders *lenders)
{
    struct shared *lender = v.len >= LENT_BYTES_MIN ? lenders_find(lenders, v) : NULL;
    pack_uint(&s->own, v.len);
    if (lender != NULL) {
        slices_lend(s, v, lender);
    } else {
        buf_add_bytes(&s->own, v);
    }
}

size_t pack_uint_bytes(uint64_t v)
{
    size_t bytes = 1;
    while (v >= 0x80) {
        v >>= 7;
        bytes++;
    }
    return bytes;
}

struct unpack unpack_start(struct bytes b)
{
    return (struct unpack){.at = b.ptr, .end = b.len > 0 ? b.ptr + b.len : b.ptr};
}

static size_t unpack_left(const struct unpack *u)
{
    return u->bad ? 0 : (size_t)(u->end - u->at);
}

uint64_t unpack_uint_long(struct unpack *u)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && unpack_left(u) > 0; shift += 7) {
        uint64_t byte = *u->at++;
        if (shift == 63 && byte > 1) {
            break; /* more than 64 bits */
        }
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return v;
        }
    }
    u->bad = true;
    return 0;
}

uint32_t unpack_u32(struct unpack *u)
{
    uint64_t v = unpack_uint(u);
    if (v > UINT32_MAX) {
        u->bad = true;
        return 0;
    }
    return (uint32_t)v;
}

uint32_t unpack_enum(struct unpack *u, uint32_t count)
{
    uint32_t v = unpack_u32(u);
    if (v >= count) {
        u->bad = true;
        return 0;
    }
    return v;
}

int64_t unpack_int(struct unpack *u)
{
    uint64_t v = unpack_uint(u);
    uint64_t half = v >> 1;
    return (v & 1) != 0 ? -(int64_t)half - 1 : (int64_t)half;
}

double unpack_double(struct unpack *u)
{
    uint64_t bits = 0;
    if (unpack_left(u) < sizeof bits) {
        u->bad = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof bits; i++) {
        bits |= (uint64_t)u->at[i] << (8 * i);
    }
    u->at += sizeof bits;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

struct bytes unpack_bytes(struct unpack *u)
{
    uint64_t len = unpack_uint(u);
    if (u->bad || len > unpack_left(u)) {
        u->bad = true;
        return BYTES_NONE;
    }
    struct bytes b = bytes_of(u->at, (size_t)len);
    u->at += b.len;
    return b;
}

char *unpack_str(struct unpack *u)
{
    struct bytes b = unpack_bytes(u);
    return b.len > 0 ? mem_str_bytes(b) : NULL;
}

bool unpack_done(const struct unpack *u)
{
    return !u->bad && u->at == u->end;
}
