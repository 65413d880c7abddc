/* What a client says over a WebSocket, looked at before libwebsockets reads it (RFC 6455, 5).
 * libwebsockets 4.1 takes frames without a mask and texts that are no UTF-8; behind the Close with
 * which it answers a broken one it lets us go on with messages, and the connection stays. So what
 * is out of order does not reach it, nor anything behind that, and the Close is ours. Pure. */
#ifndef MARATHON_HTTP_FRAMES_H
#define MARATHON_HTTP_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMES_BROKEN  1002 /* codes of a Close: a protocol error */
#define FRAMES_NO_UTF8 1007

enum frames_at { FRAMES_FIRST, FRAMES_LENGTH, FRAMES_LONG, FRAMES_MASK, FRAMES_PAYLOAD };

/* Zero-initialised where they begin. */
struct frames {
    uint64_t left; /* of the payload */
    uint8_t at;    /* enum frames_at: the part of the frame that comes next */
    uint8_t count; /* bytes of a longer length, or of the mask, that are to come */
    uint8_t wide;  /* bytes of that length */
    uint8_t first; /* byte of the frame */
    bool is_open;  /* a message of several frames has begun */
    bool is_text;  /* the message */
    uint8_t turn;  /* of the mask */
    uint8_t mask[4];
    uint16_t code;           /* of a Close */
    uint8_t more, low, high; /* bytes that a letter still has, and what the next one may be */
};

/* How many of the bytes are in order; where those are not all, *ret_code says what to close with,
 * and nothing behind them counts. */
size_t frames_look(struct frames *f, const uint8_t *bytes, size_t len, unsigned *ret_code);

#endif
