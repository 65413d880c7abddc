#include "base/utf8.h"

#include <stdbool.h>

static bool is_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* The first byte gives the length; bounds on the second byte exclude overlong forms, surrogates and
 * values above U+10FFFF (Unicode, table 3-7). */
size_t utf8_sequence(const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at);
    if (left == 0) {
        return 0;
    }
    uint8_t first = at[0];
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || left < 2) {
        return 0;
    }
    if (first < 0xe0) {
        return is_tail(at[1]) ? 2 : 0;
    }
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high || left < 3 || !is_tail(at[2])) {
        return 0;
    }
    if (first < 0xf0) {
        return 3;
    }
    return left >= 4 && is_tail(at[3]) ? 4 : 0;
}

size_t utf8_encode(uint32_t code_point, uint8_t *p)
{
    if (code_point < 0x80) {
        p[0] = (uint8_t)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        p[0] = (uint8_t)(0xc0 | code_point >> 6);
        p[1] = (uint8_t)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        p[0] = (uint8_t)(0xe0 | code_point >> 12);
        p[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
        p[2] = (uint8_t)(0x80 | (code_point & 0x3f));
        return 3;
    }
    p[0] = (uint8_t)(0xf0 | code_point >> 18);
    p[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3f));
    p[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3f));
    p[3] = (uint8_t)(0x80 | (code_point & 0x3f));
    return 4;
}
