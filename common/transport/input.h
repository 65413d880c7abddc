/* What comes on a connection, until it is whole frames. A frame stays where it is read to: of one
 * that is large no more is read than itself, so that what is behind it begins in front. Only what
 * of a frame has come when there is no room for the rest moves. Pure; zero-initialise it. */
#ifndef MARATHON_TRANSPORT_INPUT_H
#define MARATHON_TRANSPORT_INPUT_H

#include "transport/stream_frames.h"

#define INPUT_BYTES_START (32u << 10)
/* Grown to this for throughput, beyond it only for a large frame */
#define INPUT_BYTES_USUAL_MAX (256u << 10)
/* Where frames are large as much is read at first: a quarter of what one may have without moving */
#define INPUT_BYTES_AHEAD (64u << 10)
#define INPUT_FRAME_LARGE (16u << 10)
/* Of a frame that is larger than the first buffer so much comes before it has room as a whole: who
 * only says a length takes nothing by it */
#define INPUT_BYTES_BEGUN (16u << 10)

struct input {
    uint8_t *bytes;
    size_t at, end, cap; /* what is there, from at to end */
    bool large;          /* the last frame was */
};

/* Where the next read goes to; never none. */
uint8_t *input_room(struct input *in, size_t *ret_room);
/* So many bytes were read there. */
void input_grow(struct input *in, size_t bytes);
/* The next frame, to be used before there is a read again. */
enum cut input_next(struct input *in, struct bytes *ret_frame);
/* No further one is whole, of what a read of so many bytes gave. */
void input_settle(struct input *in, size_t bytes);
void input_free(struct input *in);

#endif
