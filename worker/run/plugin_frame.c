#include "run/plugin_frame.h"

#define LENGTH_BYTES 4u
#define HEAD_BYTES   PLUGIN_FRAME_HEAD_BYTES

void plugin_frame_begin(struct buf *out, enum plugin_frame_kind kind)
{
    memset(buf_extend(out, LENGTH_BYTES), 0, LENGTH_BYTES);
    buf_add_char(out, (char)kind);
}

void plugin_frame_end(struct buf *out)
{
    uint32_t len = (uint32_t)(out->len - LENGTH_BYTES);
    for (unsigned i = 0; i < LENGTH_BYTES; i++) {
        out->ptr[i] = (uint8_t)(len >> (24 - 8 * i));
    }
}

enum err plugin_frame_read(struct bytes in, struct plugin_frame *ret_frame, size_t *ret_taken)
{
    if (in.len < HEAD_BYTES) {
        return ERR_NOT_FOUND;
    }
    size_t len = (size_t)in.ptr[0] << 24 | (size_t)in.ptr[1] << 16 | (size_t)in.ptr[2] << 8 |
                 (size_t)in.ptr[3];
    if (len == 0 || len > PLUGIN_FRAME_BYTES_MAX ||
        memchr("CNRTPLU", in.ptr[4], sizeof "CNRTPLU" - 1) == NULL) {
        return ERR_PROTOCOL;
    }
    if (in.len < LENGTH_BYTES + len) {
        return ERR_NOT_FOUND;
    }
    ret_frame->kind = (enum plugin_frame_kind)in.ptr[4];
    ret_frame->payload = bytes_part(in, HEAD_BYTES, len - 1);
    *ret_taken = LENGTH_BYTES + len;
    return ERR_OK;
}
