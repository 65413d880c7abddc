/* Buffers what a connection receives, until whole frames are there. Frames are used where they were
 * read to. To avoid moving bytes, a read for a large frame takes no more than that frame, so that
 * the next one begins at the front of the buffer; only the part of a frame for whose rest there is
 * no room is moved. Pure; zero-initialise it. */
#ifndef MARATHON_TRANSPORT_INPUT_H
#define MARATHON_TRANSPORT_INPUT_H

#include "transport/stream_frames.h"

#define INPUT_BYTES_START (32u << 10)
/* The buffer grows to this for throughput, and beyond only for a larger frame. */
#define INPUT_BYTES_USUAL_MAX (256u << 10)
/* While frames are large, a first read takes this much: a quarter of what fits without moving. */
#define INPUT_BYTES_AHEAD (64u << 10)
#define INPUT_FRAME_LARGE (16u << 10)
/* This much of a frame that exceeds the first buffer must arrive before room for all of it is
 * allocated: a peer that only announces a length costs no memory. */
#define INPUT_BYTES_BEGUN (16u << 10)

struct input {
    uint8_t *bytes;
    size_t at, end, cap; /* the data is from at to end */
    bool large;          /* the last frame was large */
};

/* Where the next read goes; *ret_room is never 0. */
uint8_t *input_room(struct input *in, size_t *ret_room);
/* Records that so many bytes were read there. */
void input_grow(struct input *in, size_t bytes);
/* The next whole frame; valid until the next read. */
enum cut input_next(struct input *in, struct bytes *ret_frame);
/* Call when no further frame is whole; bytes: what the last read returned. */
void input_settle(struct input *in, size_t bytes);
void input_free(struct input *in);

#endif
