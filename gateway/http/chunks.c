#include "http/chunks.h"

#define SIZE_DIGITS_MAX 16 /* including leading zeros */
_Static_assert(CHUNKS_BESIDE_BYTES_MAX == 4096, "as its problem says");

static void refuse(struct chunks *c, enum code fault, const char *why)
{
    c->at = CHUNKS_FAULT;
    c->fault = fault;
    c->why = why;
}

static void refuse_line(struct chunks *c)
{
    refuse(c, CODE_BAD_REQUEST,
           "its chunked body is malformed: each chunk is its size in hexadecimal digits, CR LF, "
           "that many bytes, CR LF, and the last one has size 0");
}

static int hex_digit(uint8_t b)
{
    if (b >= '0' && b <= '9') {
        return b - '0';
    }
    uint8_t lower = b | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Skips an extension or trailer field, up to its CR. */
static void beside_take(struct chunks *c, uint8_t b, enum chunks_at behind_cr)
{
    if (b == '\r') {
        c->at = behind_cr;
    } else if ((b < ' ' && b != '\t') || b == 127) {
        refuse_line(c);
    } else if (++c->beside > CHUNKS_BESIDE_BYTES_MAX) {
        refuse(c, CODE_HEADERS_TOO_LARGE,
               "the extensions and trailer fields of its chunked body are larger than 4096 bytes");
    }
}

static void size_take(struct chunks *c, uint8_t b)
{
    int digit = hex_digit(b);
    if (digit >= 0 && c->digits < SIZE_DIGITS_MAX) {
        c->digits++;
        c->left = c->left * 16 + (unsigned)digit;
        if (c->left > c->content_max - c->content) {
            refuse(c, CODE_TOO_LARGE,
                   "the body is larger than this gateway accepts (MARATHON_MAX_BODY_BYTES)");
        }
    } else if (digit < 0 && c->digits > 0 && (b == '\r' || b == ';' || b == ' ' || b == '\t')) {
        c->at = CHUNKS_EXTENSION;
        beside_take(c, b, CHUNKS_SIZE_LF);
    } else {
        refuse_line(c);
    }
}

static void letter_take(struct chunks *c, uint8_t b, uint8_t wanted, enum chunks_at next)
{
    if (b == wanted) {
        c->at = next;
    } else {
        refuse_line(c);
    }
}

static void byte_take(struct chunks *c, uint8_t b)
{
    switch (c->at) {
    case CHUNKS_SIZE:
        size_take(c, b);
        break;
    case CHUNKS_EXTENSION:
        beside_take(c, b, CHUNKS_SIZE_LF);
        break;
    case CHUNKS_SIZE_LF:
        c->digits = 0;
        letter_take(c, b, '\n', c->left > 0 ? CHUNKS_DATA : CHUNKS_TRAILER);
        break;
    case CHUNKS_DATA_CR:
        letter_take(c, b, '\r', CHUNKS_DATA_LF);
        break;
    case CHUNKS_DATA_LF:
        letter_take(c, b, '\n', CHUNKS_SIZE);
        break;
    case CHUNKS_TRAILER:
        c->at = CHUNKS_TRAILER_FIELD;
        beside_take(c, b, CHUNKS_END_LF);
        break;
    case CHUNKS_TRAILER_FIELD:
        beside_take(c, b, CHUNKS_TRAILER_LF);
        break;
    case CHUNKS_TRAILER_LF:
        letter_take(c, b, '\n', CHUNKS_TRAILER);
        break;
    case CHUNKS_END_LF:
        letter_take(c, b, '\n', CHUNKS_END);
        break;
    case CHUNKS_DATA:
    case CHUNKS_END:
    case CHUNKS_FAULT:
        break;
    }
}

size_t chunks_lead(struct chunks *c, struct bytes text)
{
    size_t taken = 0;
    while (taken < text.len && c->at < CHUNKS_DATA) {
        byte_take(c, text.ptr[taken++]);
    }
    return taken;
}

size_t chunks_read(struct chunks *c, struct bytes text, uint8_t *out, size_t *ret_len)
{
    size_t taken = 0, len = 0;
    while (taken < text.len && c->at != CHUNKS_END && c->at != CHUNKS_FAULT) {
        if (c->at != CHUNKS_DATA) {
            byte_take(c, text.ptr[taken++]);
            continue;
        }
        size_t part = text.len - taken < c->left ? text.len - taken : (size_t)c->left;
        if (out + len != text.ptr + taken) { /* not if it already is where it belongs */
            memmove(out + len, text.ptr + taken, part);
        }
        len += part;
        taken += part;
        c->content += part;
        c->left -= part;
        c->at = c->left > 0 ? CHUNKS_DATA : CHUNKS_DATA_CR;
    }
    *ret_len = len;
    return taken;
}
