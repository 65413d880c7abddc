/* Cuts a stream of bytes into frames, and gives connections their ids: what all transports share.
 */
#ifndef MARATHON_TRANSPORT_STREAM_FRAMES_H
#define MARATHON_TRANSPORT_STREAM_FRAMES_H

#include "base/bytes.h"
#include "transport/transport.h"

enum cut {
    CUT_FRAME,   /* *ret_frame is one, *stream starts behind it */
    CUT_MORE,    /* *stream holds no whole frame */
    CUT_GARBAGE, /* a length out of bounds */
};

#define FRAME_LENGTH_BYTES 4u

enum cut stream_cut(struct bytes *stream, struct bytes *ret_frame);
/* Bytes of the first frame of it, with its length, as that says; 0: it is not there. */
size_t stream_frame_bytes(struct bytes stream);

/* Never the same twice in a process, over all transports. Any thread. */
conn_id conn_id_next(void);

#endif
