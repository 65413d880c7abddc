#include "packed.h"

#include "wire/frame.h"

static void put_big_endian(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    }
}

void packed_seal(struct buf *frame)
{
    uint32_t crc = crc32c(0, frame->ptr, 16);
    crc = crc32c(crc, frame->ptr + 20, frame->len - 20);
    put_big_endian(frame->ptr + 16, crc, 4);
}

void packed_frame(struct buf *out, uint8_t type, struct bytes body)
{
    const uint8_t head[20] = {0x4d, 0x52, 1, type};
    buf_clear(out);
    buf_add(out, head, sizeof head);
    buf_add_bytes(out, body);
    packed_seal(out);
}

static void put_marked(struct buf *out, uint8_t mark, uint64_t v, unsigned n)
{
    buf_add(out, &mark, 1);
    put_big_endian(buf_extend(out, n), v, n);
}

void packed_array(struct buf *out, uint32_t count)
{
    put_marked(out, 0xdd, count, 4);
}

void packed_uint(struct buf *out, uint64_t v)
{
    put_marked(out, 0xcf, v, 8);
}

void packed_bin(struct buf *out, const char *text)
{
    put_marked(out, 0xc4, strlen(text), 1);
    buf_add_str(out, text);
}
