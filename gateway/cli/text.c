#include "cli/text.h"

static bool starts_code_point(uint8_t c)
{
    return (c & 0xC0) != 0x80;
}

size_t text_columns(struct bytes s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += starts_code_point(s.ptr[i]) ? 1 : 0;
    }
    return n;
}

/* Control characters are C0, DEL, and C1 in its UTF-8 form (C2 80..9F), which terminals obey as
 * well. */
static bool is_control(struct bytes s, size_t i)
{
    uint8_t c = s.ptr[i];
    return c < 0x20 || c == 0x7F ||
           (c == 0xC2 && i + 1 < s.len && s.ptr[i + 1] >= 0x80 && s.ptr[i + 1] < 0xA0);
}

void text_put_fit(struct buf *out, struct bytes s, size_t columns, bool pad)
{
    size_t used = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool start = starts_code_point(s.ptr[i]);
        if (start && used == columns) {
            break;
        }
        used += start ? 1 : 0;
        if (is_control(s, i)) {
            buf_add_char(out, ' ');
            i += s.ptr[i] == 0xC2 ? 1 : 0;
        } else {
            buf_add_char(out, (char)s.ptr[i]);
        }
    }
    while (pad && used < columns) {
        buf_add_char(out, ' ');
        used++;
    }
}

void text_put_clean(struct buf *out, struct bytes s)
{
    text_put_fit(out, s, SIZE_MAX, false);
}

void text_put_amount(struct buf *out, double amount)
{
    buf_addf(out, "%.9f", amount);
    while (out->ptr[out->len - 1] == '0') {
        out->len--;
    }
    if (out->ptr[out->len - 1] == '.') {
        out->len--;
    }
}

struct bytes text_last_line(struct bytes s)
{
    size_t from, end = s.len;
    while (end > 0 && (s.ptr[end - 1] == '\n' || s.ptr[end - 1] == '\r')) {
        end--;
    }
    for (from = end; from > 0 && s.ptr[from - 1] != '\n'; from--) {
    }
    return bytes_part(s, from, end - from);
}

void text_colour_begin(struct buf *out, const struct text_style *style, enum text_colour colour)
{
    static const char *const codes[] = {
        [TEXT_PLAIN] = "0", [TEXT_GREEN] = "32", [TEXT_RED] = "31", [TEXT_YELLOW] = "33",
        [TEXT_BLUE] = "36", [TEXT_DIM] = "2",    [TEXT_BOLD] = "1",
    };
    if (style->colour && colour != TEXT_PLAIN) {
        buf_addf(out, "\x1b[%sm", codes[colour]);
    }
}

void text_colour_end(struct buf *out, const struct text_style *style)
{
    if (style->colour) {
        buf_add_str(out, "\x1b[0m");
    }
}

void text_put_coloured(struct buf *out, const struct text_style *style, enum text_colour colour,
                       const char *s)
{
    text_colour_begin(out, style, colour);
    buf_add_str(out, s);
    text_colour_end(out, style);
}
