/* A bounded binary writer and reader for what we store ourselves (task records): varints, fixed 8
 * bytes, byte strings. The wire uses msgpack instead (wire/). The reader never reads
 * past its slice: the first fault sets `bad` and every later read gives zero, so that a decoder
 * checks once at its end. */
#ifndef MARATHON_BASE_PACK_H
#define MARATHON_BASE_PACK_H

#include <stdbool.h>

#include "base/slices.h"

void pack_uint_long(struct buf *b, uint64_t v);
/* LEB128. In place where it is one byte, as most are. */
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
void pack_bytes(struct buf *b, struct bytes v); /* length, bytes */
/* The same; bytes that lie in one of the lenders are not copied, but for short ones. */
void pack_bytes_lent(struct slices *s, struct bytes v, struct lenders *lenders);
size_t pack_uint_bytes(uint64_t v); /* that pack_uint takes */

struct unpack {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

struct unpack unpack_start(struct bytes b);
uint64_t unpack_uint_long(struct unpack *u);
/* In place where it is one byte, as most are. */
static inline uint64_t unpack_uint(struct unpack *u)
{
    return !u->bad && u->at < u->end && *u->at < 0x80 ? *u->at++ : unpack_uint_long(u);
}
/* Bad where it is over 32 bits, or not below count. */
uint32_t unpack_u32(struct unpack *u);
uint32_t unpack_enum(struct unpack *u, uint32_t count);
int64_t unpack_int(struct unpack *u);
double unpack_double(struct unpack *u);
struct bytes unpack_bytes(struct unpack *u); /* borrows from the slice */
char *unpack_str(struct unpack *u);       /* bytes as a text that the caller frees; empty: NULL */
bool unpack_done(const struct unpack *u); /* all read, nothing bad */

#endif
