#include "wire/frame.h"

#include <assert.h>

#include "model/limits.h"
#include "wire/messages.h"

#define MAGIC 0x4d52u /* "MR" */

/* Offsets in the head, after the length. */
enum { AT_MAGIC = 0, AT_VERSION = 2, AT_TYPE = 3, AT_REQUEST = 4, AT_RESERVED = 12, AT_CRC = 16 };

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* CRC over everything except the length and the CRC itself. */
static uint32_t frame_crc(const uint8_t *frame, size_t len)
{
    uint32_t crc = crc32c(0, frame, AT_CRC);
    return crc32c(crc, frame + FRAME_HEAD_BYTES, len - FRAME_HEAD_BYTES);
}

/* The same for a frame in slices: the head, then the body that begins at `body`. Most frames have
 * no lent slices. */
static uint32_t slices_crc(const uint8_t *head, const struct slices *s, struct slices_place body)
{
    if (body.lent == s->lent_count) {
        return frame_crc(head, s->own.len - body.own + FRAME_HEAD_BYTES);
    }
    uint32_t crc = crc32c(0, head, AT_CRC);
    struct bytes piece;
    while (slices_next(s, &body, &piece)) {
        crc = crc32c(crc, piece.ptr, piece.len);
    }
    return crc;
}

enum err frame_encode_lent(const struct message *m, struct lenders *lenders, struct slices *out)
{
    const struct body *body = (uint32_t)m->type <= UINT8_MAX ? body_of((uint8_t)m->type) : NULL;
    assert(body != NULL && "a message type without a layout");
    struct slices_place start = slices_end(out);
    size_t lent_before = out->lent_bytes;
    memset(buf_extend(&out->own, 4 + FRAME_HEAD_BYTES), 0, 4 + FRAME_HEAD_BYTES);
    struct slices_place behind_head = slices_end(out);
    enum err e = layout_write(&body->layout, (const uint8_t *)m + body->offset, lenders, out);
    size_t len = out->own.len - start.own - 4 + out->lent_bytes - lent_before;
    if (e == ERR_OK && len > FRAME_BYTES_MAX) {
        e = ERR_TOO_LARGE;
    }
    if (e != ERR_OK) {
        slices_cut(out, start);
        return e;
    }
    uint8_t *frame = out->own.ptr + start.own + 4;
    put_u32(frame - 4, (uint32_t)len);
    frame[AT_MAGIC] = MAGIC >> 8;
    frame[AT_MAGIC + 1] = MAGIC & 0xff;
    frame[AT_VERSION] = WIRE_VERSION;
    frame[AT_TYPE] = (uint8_t)m->type;
    put_u32(frame + AT_REQUEST, (uint32_t)(m->request >> 32));
    put_u32(frame + AT_REQUEST + 4, (uint32_t)m->request);
    put_u32(frame + AT_CRC, slices_crc(frame, out, behind_head));
    return ERR_OK;
}

enum err frame_encode(const struct message *m, struct buf *out)
{
    struct slices whole = {.own = *out};
    struct lenders none = {0};
    enum err e = frame_encode_lent(m, &none, &whole);
    *out = whole.own;
    return e;
}

static enum err head_check(struct bytes frame)
{
    const uint8_t *p = frame.ptr;
    if (frame.len < FRAME_HEAD_BYTES || frame.len > FRAME_BYTES_MAX) {
        return ERR_PROTOCOL;
    }
    if ((p[AT_MAGIC] << 8 | p[AT_MAGIC + 1]) != MAGIC || p[AT_VERSION] != WIRE_VERSION ||
        get_u32(p + AT_RESERVED) != 0) {
        return ERR_PROTOCOL;
    }
    return get_u32(p + AT_CRC) == frame_crc(p, frame.len) ? ERR_OK : ERR_PROTOCOL;
}

enum err frame_decode(struct bytes frame, struct arena *arena, struct message *ret_message)
{
    enum err e = head_check(frame);
    if (e != ERR_OK) {
        return e;
    }
    const struct body *body = body_of(frame.ptr[AT_TYPE]);
    if (body == NULL) {
        return ERR_NOT_FOUND;
    }
    struct message m = {0};
    m.type = frame.ptr[AT_TYPE];
    m.request =
        (uint64_t)get_u32(frame.ptr + AT_REQUEST) << 32 | get_u32(frame.ptr + AT_REQUEST + 4);
    struct bytes packed = bytes_part(frame, FRAME_HEAD_BYTES, frame.len - FRAME_HEAD_BYTES);
    e = layout_read(&body->layout, packed, arena, (uint8_t *)&m + body->offset);
    if (e == ERR_OK) {
        *ret_message = m;
    }
    return e;
}

void frame_move(struct message *m, struct bytes frame, const uint8_t *to)
{
    const struct body *body = body_of((uint8_t)m->type);
    assert(body != NULL && "a message that was decoded has a layout");
    layout_move(&body->layout, frame, to, (uint8_t *)m + body->offset);
}
