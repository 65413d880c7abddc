/* Shared by all transports: cuts a stream of bytes into frames, and assigns connection ids. */
#ifndef MARATHON_TRANSPORT_STREAM_FRAMES_H
#define MARATHON_TRANSPORT_STREAM_FRAMES_H

#include "base/bytes.h"
#include "transport/transport.h"

enum cut {
    CUT_FRAME,   /* *ret_frame is one; *stream now starts after it */
    CUT_MORE,    /* *stream holds no whole frame */
    CUT_GARBAGE, /* a length out of bounds */
};

#define FRAME_LENGTH_BYTES 4u

enum cut stream_cut(struct bytes *stream, struct bytes *ret_frame);
/* Length of the stream's first frame with its length prefix, as that prefix says; 0: it is not
 * there yet. */
size_t stream_frame_bytes(struct bytes stream);

/* Never the same twice in a process, across all transports. Any thread. */
conn_id conn_id_next(void);

#endif
