#include "run/plugin_frame.h"

#define HEAD_BYTES 5u

void plugin_frame_write(struct buf *out, enum plugin_frame_kind kind, struct bytes payload)
{
    uint32_t len = (uint32_t)payload.len + 1;
    buf_add_char(out, (char)(len >> 24));
    buf_add_char(out, (char)(len >> 16 & 0xff));
    buf_add_char(out, (char)(len >> 8 & 0xff));
    buf_add_char(out, (char)(len & 0xff));
    buf_add_char(out, (char)kind);
    buf_add_bytes(out, payload);
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
    if (in.len < HEAD_BYTES - 1 + len) {
        return ERR_NOT_FOUND;
    }
    ret_frame->kind = (enum plugin_frame_kind)in.ptr[4];
    ret_frame->payload = bytes_part(in, HEAD_BYTES, len - 1);
    *ret_taken = HEAD_BYTES - 1 + len;
    return ERR_OK;
}
