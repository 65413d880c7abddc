/* Frames put together by hand, byte by byte, to say what no encoder of ours would. */
#ifndef MARATHON_TESTS_UNIT_WIRE_PACKED_H
#define MARATHON_TESTS_UNIT_WIRE_PACKED_H

#include "model/message.h"

/* A frame (without its length) with a correct head and checksum around any body. */
void packed_frame(struct buf *out, uint8_t type, struct bytes body);
/* Sets the checksum of a frame that was changed. */
void packed_seal(struct buf *frame);

/* One msgpack value each; those below 128 fit a byte. */
void packed_array(struct buf *out, uint32_t count);
void packed_uint(struct buf *out, uint64_t v);
void packed_bin(struct buf *out, const char *text);

#endif
