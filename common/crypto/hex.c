#include "crypto/hash.h"

char *hex_encode(const uint8_t *data, size_t n, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    text[2 * n] = '\0';
    return text;
}

/* 0..15, or -1. */
static int digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum err hex_decode(struct bytes text, uint8_t *ret_data, size_t n)
{
    if (text.len != 2 * n) {
        return ERR_INVALID;
    }
    for (size_t i = 0; i < text.len;
         i++) { /* all checked first: outputs stay untouched on failure */
        if (digit_value(text.ptr[i]) < 0) {
            return ERR_INVALID;
        }
    }
    for (size_t i = 0; i < n; i++) {
        ret_data[i] =
            (uint8_t)(digit_value(text.ptr[2 * i]) << 4 | digit_value(text.ptr[2 * i + 1]));
    }
    return ERR_OK;
}
