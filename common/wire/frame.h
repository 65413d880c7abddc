/* Frames: converts between bytes and struct message. PROTOCOL.md has the overview. Pure; the only
 * folder that includes msgpack.
 *
 * A frame on a connection, all integers big-endian:
 * - u32 length of what follows (20 .. FRAME_BYTES_MAX)
 * - u16 magic 0x4d52, u8 version, u8 message type
 * - u64 request
 * - u32 reserved, 0
 * - u32 CRC32C over the frame without this field and the length
 * - body: one msgpack array, positional
 *
 * transport/ only splits the stream by length; everything else is checked here. */
#ifndef MARATHON_WIRE_FRAME_H
#define MARATHON_WIRE_FRAME_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/slices.h"
#include "model/message.h"

#define WIRE_VERSION     1u
#define FRAME_HEAD_BYTES 20u /* head without the length field */

/* Appends the complete frame, including the length, to out. ERR_TOO_LARGE if it would exceed
 * FRAME_BYTES_MAX; out is then unchanged. */
enum err MUST_CHECK frame_encode(const struct message *m, struct buf *out);
/* The same, but slices that lie in one of the lenders are lent instead of copied, unless they are
 * short (LENT_BYTES_MIN). */
enum err MUST_CHECK frame_encode_lent(const struct message *m, struct lenders *lenders,
                                      struct slices *out);

/* frame: one frame without its length. Safe for any input: counts are checked against the remaining
 * bytes before anything is allocated, nesting is at most 16, trailing bytes are an error.
 * ERR_NOT_FOUND: unknown message type (from a newer peer; the caller ignores the frame). Extra
 * elements at an array's end are ignored (this is how fields are added); missing ones read as zero
 * or empty. On success *ret_message borrows from frame and arena. ERR_PROTOCOL otherwise. */
enum err MUST_CHECK frame_decode(struct bytes frame, struct arena *arena,
                                 struct message *ret_message);

/* Moves a decoded message to a copy of its frame, whose first byte is at `to`: all its slices point
 * there afterwards. For messages that outlive their receive buffer, without decoding them again. */
void frame_move(struct message *m, struct bytes frame, const uint8_t *to);

/* CRC32C (Castagnoli), in hardware if available. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);
/* The same in software, so that tests can compare both. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t n);

#endif
