/* A chunked body of any bytes: its content, its end and what is wrong with it are the same in
 * whatever pieces it comes, and within its bounds. */
#include <assert.h>
#include <stdlib.h>

#include "http/chunks.h"

#define CONTENT_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* in_place: as they are read to where the content is gathered. */
static struct chunks read_in_pieces(struct bytes text, size_t piece, bool in_place, struct buf *out,
                                    size_t *taken)
{
    struct chunks c = {.content_max = CONTENT_MAX};
    *taken = 0;
    while (*taken < text.len && c.at != CHUNKS_END && c.at != CHUNKS_FAULT) {
        struct bytes part = bytes_part(text, *taken, *taken + piece);
        size_t len;
        buf_reserve(out, part.len);
        uint8_t *to = out->ptr + out->len;
        if (in_place) {
            memcpy(to, part.ptr, part.len);
            part.ptr = to;
        }
        size_t lead = in_place && out->len == 0 ? chunks_lead(&c, part) : 0;
        part = bytes_part(part, lead, part.len);
        *taken += lead + chunks_read(&c, part, to, &len);
        out->len += len;
        assert(len <= part.len);
    }
    return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes_of(data, size);
    struct buf whole = {0};
    size_t end;
    struct chunks c = read_in_pieces(text, size + 1, false, &whole, &end);
    assert(whole.len <= CONTENT_MAX && whole.len == c.content && end <= size);
    assert((c.at == CHUNKS_FAULT) == (c.fault != CODE_NONE));
    assert((c.at == CHUNKS_FAULT) == (c.why != NULL));
    assert(c.at == CHUNKS_END || c.at == CHUNKS_FAULT || end == size);
    assert(c.at != CHUNKS_END || (end >= 5 && memcmp(data + end - 2, "\r\n", 2) == 0));
    for (size_t piece = 1; piece < 8; piece++) {
        struct buf again = {0};
        size_t at;
        struct chunks d = read_in_pieces(text, piece, true, &again, &at);
        assert(at == end && d.at == c.at && d.fault == c.fault);
        assert(bytes_eq(buf_bytes(&again), buf_bytes(&whole)));
        buf_free(&again);
    }
    buf_free(&whole);
    return 0;
}
