/* Frames: bytes <-> struct message. PROTOCOL.md has the picture. Pure; the only folder that
 * includes msgpack.
 *
 * A frame on a connection, all integers big-endian:
 * - u32 length of what follows (20 .. FRAME_BYTES_MAX)
 * - u16 magic 0x4d52, u8 version, u8 message type
 * - u64 request
 * - u32 reserved, 0
 * - u32 CRC32C over the whole frame but this field and the length
 * - body: one msgpack array, positional
 *
 * transport/ only splits by the length; everything behind it is checked here. */
#ifndef MARATHON_WIRE_FRAME_H
#define MARATHON_WIRE_FRAME_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/slices.h"
#include "model/message.h"

#define WIRE_VERSION     1u
#define FRAME_HEAD_BYTES 20u /* behind the length */

/* Appends the whole frame, length included, to out. ERR_TOO_LARGE where it would pass
 * FRAME_BYTES_MAX; out is then as it was. */
enum err MUST_CHECK frame_encode(const struct message *m, struct buf *out);
/* The same; slices of the message that lie in one of the lenders are not copied, but for short ones
 * (LENT_BYTES_MIN). */
enum err MUST_CHECK frame_encode_lent(const struct message *m, struct lenders *lenders,
                                      struct slices *out);

/* frame: one frame without its length. Survives any bytes: counts are checked against the bytes
 * left before anything is reserved, nesting at most 16, trailing bytes are an error, unknown
 * message types are ERR_NOT_FOUND (a newer peer; the caller ignores the frame). Extra elements at
 * an array's end are ignored (that is how fields are added); missing ones at the end read as zero
 * or empty. On success *ret_message borrows from frame and from arena. ERR_PROTOCOL otherwise. */
enum err MUST_CHECK frame_decode(struct bytes frame, struct arena *arena,
                                 struct message *ret_message);

/* A message that frame_decode made of `frame` borrows from here on from a copy of it, whose first
 * byte is at `to`: for one that outlives the buffer it came in, without decoding it again. */
void frame_move(struct message *m, struct bytes frame, const uint8_t *to);

/* CRC32C (Castagnoli), in hardware where there is some. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);
/* The same without hardware, so that tests can hold one against the other. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t n);

#endif
