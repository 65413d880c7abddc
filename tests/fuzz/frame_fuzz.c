/* frame_decode takes any bytes; what it accepts is encoded and decoded again to the same.
 *
 * A fuzzer does not guess checksums, so the head's magic, version and sum are set right before each
 * try: the input is a frame without its length, whose first 20 bytes only matter for type and
 * request. */
#include <assert.h>
#include <stdlib.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (24 - 8 * i));
    }
}

static void seal(uint8_t *frame, size_t size)
{
    frame[0] = 0x4d;
    frame[1] = 0x52;
    frame[2] = WIRE_VERSION;
    put_u32(frame + 12, 0);
    put_u32(frame + 16,
            crc32c(crc32c(0, frame, 16), frame + FRAME_HEAD_BYTES, size - FRAME_HEAD_BYTES));
}

static void encode(const struct message *m, struct buf *out)
{
    if (frame_encode(m, out) != ERR_OK) {
        abort();
    }
    buf_drop_front(out, 4);
}

/* Two encodings of the same message are the same bytes, so they are what is compared. */
static void check_round_trip(const struct message *m)
{
    struct buf once = {0}, twice = {0};
    struct arena arena = {0};
    struct message back;
    encode(m, &once);
    if (frame_decode(buf_bytes(&once), &arena, &back) != ERR_OK) {
        abort();
    }
    encode(&back, &twice);
    assert(bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
    arena_free(&arena);
    buf_free(&once);
    buf_free(&twice);
}

static void try_frame(struct bytes frame)
{
    struct arena arena = {0};
    struct message m;
    if (frame_decode(frame, &arena, &m) == ERR_OK) {
        check_round_trip(&m);
    }
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_frame(bytes_of(data, size));
    if (size < FRAME_HEAD_BYTES) {
        return 0;
    }
    uint8_t *frame = malloc(size);
    memcpy(frame, data, size);
    seal(frame, size);
    try_frame(bytes_of(frame, size));
    free(frame);
    return 0;
}
