#include "http/frames.h"

enum { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PONG = 10 };

#define LAST        0x80 /* in a frame's first byte */
#define RESERVED    0x70 /* bits of extensions, of which we have none */
#define MASKED      0x80 /* in the second byte */
#define CONTROL_MAX 125  /* payload bytes of a control frame */
#define LENGTH_OF_2 126
#define MASK_BYTES  4

static uint8_t op_of(const struct frames *f)
{
    return f->first & 15;
}

static bool is_control(uint8_t op)
{
    return op >= OP_CLOSE;
}

static unsigned first_take(struct frames *f, uint8_t c)
{
    uint8_t op = c & 15;
    bool known = op <= OP_BINARY || (op >= OP_CLOSE && op <= OP_PONG);
    if ((c & RESERVED) != 0 || !known) {
        return FRAMES_BROKEN;
    }
    if (is_control(op) ? (c & LAST) == 0 : (op == OP_MORE) != f->is_open) {
        return FRAMES_BROKEN;
    }
    if (!is_control(op)) {
        f->is_text = op == OP_MORE ? f->is_text : op == OP_TEXT;
        f->is_open = (c & LAST) == 0;
    }
    f->first = c;
    f->at = FRAMES_LENGTH;
    return 0;
}

static void mask_begin(struct frames *f)
{
    f->at = FRAMES_MASK;
    f->count = MASK_BYTES;
    f->turn = 0;
}

static unsigned length_take(struct frames *f, uint8_t c)
{
    uint8_t n = c & 127;
    bool fits = !is_control(op_of(f)) || n <= CONTROL_MAX;
    bool half_a_code = op_of(f) == OP_CLOSE && n == 1;
    if ((c & MASKED) == 0 || !fits || half_a_code) {
        return FRAMES_BROKEN;
    }
    if (n < LENGTH_OF_2) {
        f->left = n;
        mask_begin(f);
        return 0;
    }
    f->left = 0;
    f->wide = f->count = n == LENGTH_OF_2 ? 2 : 8;
    f->at = FRAMES_LONG;
    return 0;
}

/* A long length must not fit into a shorter form, nor have its highest bit set. */
static unsigned long_take(struct frames *f, uint8_t c)
{
    bool is_negative = f->wide == 8 && f->count == 8 && c >= 0x80;
    f->left = f->left << 8 | c;
    if (--f->count > 0) {
        return is_negative ? FRAMES_BROKEN : 0;
    }
    bool in_order = f->wide == 2 ? f->left >= LENGTH_OF_2 : f->left > UINT16_MAX;
    mask_begin(f);
    return in_order ? 0 : FRAMES_BROKEN;
}

static unsigned frame_over(struct frames *f)
{
    f->at = FRAMES_FIRST;
    bool is_end = is_control(op_of(f)) ? op_of(f) == OP_CLOSE : f->is_text && !f->is_open;
    return is_end && f->more > 0 ? FRAMES_NO_UTF8 : 0;
}

static unsigned mask_take(struct frames *f, uint8_t c)
{
    f->mask[MASK_BYTES - f->count] = c;
    if (--f->count > 0) {
        return 0;
    }
    f->at = FRAMES_PAYLOAD;
    return f->left > 0 ? 0 : frame_over(f);
}

/* The first byte of a UTF-8 character (Unicode, table 3-7). */
static bool letter_begin(struct frames *f, uint8_t c)
{
    f->more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    f->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    f->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return c < 0x80 || (c >= 0xc2 && c <= 0xf4);
}

static bool letter_take(struct frames *f, uint8_t c)
{
    if (f->more == 0) {
        return letter_begin(f, c);
    }
    bool fits = c >= f->low && c <= f->high;
    f->more--;
    f->low = 0x80;
    f->high = 0xbf;
    return fits;
}

/* Close codes that may be sent (RFC 6455, 7.4, and IANA's list). */
static bool may_be_said(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

/* The payload of a Close: a code and a text. */
static unsigned close_take(struct frames *f, uint8_t plain, uint8_t place)
{
    if (place == 0) {
        f->code = (uint16_t)(plain << 8);
        f->more = 0; /* the message does not continue after it */
    } else if (place == 1) {
        return may_be_said(f->code | plain) ? 0 : FRAMES_BROKEN;
    } else if (!letter_take(f, plain)) {
        return FRAMES_NO_UTF8;
    }
    return 0;
}

static unsigned payload_take(struct frames *f, uint8_t c)
{
    uint8_t place = f->turn++;
    uint8_t plain = c ^ f->mask[place % MASK_BYTES];
    unsigned code = 0;
    if (op_of(f) == OP_CLOSE) {
        code = close_take(f, plain, place);
    } else if (f->is_text && !is_control(op_of(f)) && !letter_take(f, plain)) {
        code = FRAMES_NO_UTF8;
    }
    if (code != 0) {
        return code;
    }
    return --f->left > 0 ? 0 : frame_over(f);
}

static unsigned take(struct frames *f, uint8_t c)
{
    switch ((enum frames_at)f->at) {
    case FRAMES_FIRST:
        return first_take(f, c);
    case FRAMES_LENGTH:
        return length_take(f, c);
    case FRAMES_LONG:
        return long_take(f, c);
    case FRAMES_MASK:
        return mask_take(f, c);
    case FRAMES_PAYLOAD:
        return payload_take(f, c);
    }
    return FRAMES_BROKEN;
}

size_t frames_look(struct frames *f, const uint8_t *bytes, size_t len, unsigned *ret_code)
{
    for (size_t i = 0; i < len; i++) {
        unsigned code = take(f, bytes[i]);
        if (code != 0) {
            *ret_code = code;
            return i;
        }
    }
    return len;
}
