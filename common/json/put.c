#include "json/scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

static void put_escaped(struct buf *out, uint8_t c)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    const char *known = c != 0 ? strchr(from, c) : NULL;
    if (known != NULL) {
        buf_add_char(out, '\\');
        buf_add_char(out, to[known - from]);
    } else {
        buf_addf(out, "\\u%04x", c);
    }
}

void json_put_text(struct buf *out, struct bytes s)
{
    const uint8_t *at = s.ptr;
    const uint8_t *end = s.len > 0 ? s.ptr + s.len : s.ptr;
    buf_reserve(out, s.len);
    while (at < end) {
        const uint8_t *from = at;
        size_t len = 0;
        at = json_plain_end(at, end);
        while (at < end && *at >= 0x80 && (len = utf8_sequence(at, end)) > 0) {
            at = json_plain_end(at + len, end);
        }
        buf_add(out, from, (size_t)(at - from));
        if (at == end) {
            break;
        }
        if (*at < 0x80) {
            put_escaped(out, *at);
        } else {
            buf_add_str(out, "\xef\xbf\xbd"); /* U+FFFD */
        }
        at++;
    }
}

void json_put_string(struct buf *out, struct bytes s)
{
    buf_reserve(out, s.len + 2);
    buf_add_char(out, '"');
    json_put_text(out, s);
    buf_add_char(out, '"');
}

void json_put_number(struct buf *out, double v)
{
    if (!isfinite(v)) {
        buf_add_str(out, "null");
        return;
    }
    if (v == 0) {
        buf_add_str(out, signbit(v) ? "-0.0" : "0"); /* "-0" would be read back as the integer 0 */
        return;
    }
    if (v > 0 && v < 1e15 && v == (double)(uint64_t)v) {
        buf_add_uint(out, (uint64_t)v);
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) { /* 17 digits always read back exactly */
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) {
            break;
        }
    }
    buf_add_str(out, text);
}
