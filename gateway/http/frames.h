/* Validates a client's WebSocket frames before libwebsockets reads them (RFC 6455, 5).
 * libwebsockets 4.1 accepts frames without a mask and texts that are not UTF-8; and after it has
 * answered a broken frame with a Close it lets us continue to send, and keeps the connection. So it
 * gets neither invalid bytes nor anything after them, and we send the Close. Pure. */
#ifndef MARATHON_HTTP_FRAMES_H
#define MARATHON_HTTP_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMES_BROKEN  1002 /* Close codes: a protocol error */
#define FRAMES_NO_UTF8 1007

enum frames_at { FRAMES_FIRST, FRAMES_LENGTH, FRAMES_LONG, FRAMES_MASK, FRAMES_PAYLOAD };

/* Zero-initialise it when frames begin. */
struct frames {
    uint64_t left; /* bytes left of the payload */
    uint8_t at;    /* enum frames_at: the part of the frame that comes next */
    uint8_t count; /* bytes still to come of an extended length or of the mask */
    uint8_t wide;  /* bytes of the extended length */
    uint8_t first; /* first byte of the frame */
    bool is_open;  /* a message of several frames has begun */
    bool is_text;  /* the message is a text */
    uint8_t turn;  /* position in the mask */
    uint8_t mask[4];
    uint16_t code; /* of a Close */
    /* bytes that the UTF-8 character still needs, and the range of the next one */
    uint8_t more, low, high;
};

/* Returns how many leading bytes are valid. If not all are, *ret_code is the code to close with,
 * and everything after them is ignored. */
size_t frames_look(struct frames *f, const uint8_t *bytes, size_t len, unsigned *ret_code);

#endif
