#include "transport/stream_frames.h"

#include <stdatomic.h>

#include "model/limits.h"
#include "wire/frame.h"

size_t stream_frame_bytes(struct bytes stream)
{
    const uint8_t *p = stream.ptr;
    return stream.len < FRAME_LENGTH_BYTES
               ? 0
               : FRAME_LENGTH_BYTES +
                     ((size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
}

enum cut stream_cut(struct bytes *stream, struct bytes *ret_frame)
{
    if (stream->len < FRAME_LENGTH_BYTES) {
        return CUT_MORE;
    }
    const uint8_t *p = stream->ptr;
    size_t len = stream_frame_bytes(*stream) - FRAME_LENGTH_BYTES;
    if (len < FRAME_HEAD_BYTES || len > FRAME_BYTES_MAX) {
        return CUT_GARBAGE;
    }
    if (stream->len - FRAME_LENGTH_BYTES < len) {
        return CUT_MORE;
    }
    *ret_frame = bytes_of(p + FRAME_LENGTH_BYTES, len);
    *stream = bytes_of(p + FRAME_LENGTH_BYTES + len, stream->len - FRAME_LENGTH_BYTES - len);
    return CUT_FRAME;
}

conn_id conn_id_next(void)
{
    static _Atomic conn_id last;
    return atomic_fetch_add(&last, 1) + 1;
}
