/* A client's side of a WebSocket of any bytes: as much of it is in order, and its end the same, in
 * whatever pieces it comes. */
#include <assert.h>

#include "http/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t in_pieces(const uint8_t *data, size_t size, size_t piece, unsigned *ret_code)
{
    struct frames f = {0};
    size_t done = 0;
    *ret_code = 0;
    while (done < size && *ret_code == 0) {
        size_t n = size - done < piece ? size - done : piece;
        done += frames_look(&f, data + done, n, ret_code);
    }
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned whole = 0, code = 0;
    size_t good = in_pieces(data, size, size + 1, &whole);
    assert(whole == 0 ? good == size : whole == FRAMES_BROKEN || whole == FRAMES_NO_UTF8);
    for (size_t piece = 1; piece < 6; piece++) {
        assert(in_pieces(data, size, piece, &code) == good && code == whole);
    }
    return 0;
}
