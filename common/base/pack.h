/* A bounded binary writer and reader for data we store ourselves (task records): varints, fixed 8
 * bytes, byte strings. The wire uses msgpack instead (wire/). The reader never reads past its
 * slice: the first error sets `bad`, and all later reads return zero, so that a decoder checks once
 * at its end. */
#ifndef MARATHON_BASE_PACK_H
#define MARATHON_BASE_PACK_H

#include <stdbool.h>

#include "base/slices.h"

void pack_uint_long(struct buf *b, uint64_t v);
/* LEB128. Inline for one byte, which is the usual length. */
static inline void pack_uint(struct buf *b, uint64_t v)
{
    if (v < 0x80 && b->len < b->cap) {
        b->ptr[b->len++] = (uint8_t)v;
    } else {
        pack_uint_long(b, v);
    }
}
void pack_int(struct buf *b, int64_t v); /* zigzag, LEB128 */
void pack_double(struct buf *b, double v);
void pack_bytes(struct buf *b, struct bytes v); /* length (as pack_uint), then the bytes */
/* The same, but bytes that lie in one of the lenders are lent instead of copied, unless they are
 * short. */
void pack_bytes_lent(struct slices *s, struct bytes v, struct lenders *lenders);
size_t pack_uint_bytes(uint64_t v); /* length of pack_uint's output */

struct unpack {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

struct unpack unpack_start(struct bytes b);
uint64_t unpack_uint_long(struct unpack *u);
/* Inline for one byte, which is the usual length. */
static inline uint64_t unpack_uint(struct unpack *u)
{
    return !u->bad && u->at < u->end && *u->at < 0x80 ? *u->at++ : unpack_uint_long(u);
}
/* unpack_u32 sets `bad` if the value exceeds 32 bits, unpack_enum if it is not below count. */
uint32_t unpack_u32(struct unpack *u);
uint32_t unpack_enum(struct unpack *u, uint32_t count);
int64_t unpack_int(struct unpack *u);
double unpack_double(struct unpack *u);
struct bytes unpack_bytes(struct unpack *u); /* borrows from the slice */
/* a NUL-terminated copy that the caller frees; NULL if empty */
char *unpack_str(struct unpack *u);
bool unpack_done(const struct unpack *u); /* everything was read, without an error */

#endif
