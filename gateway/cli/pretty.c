#include "cli/pretty.h"

#include <stdbool.h>

/* The open brackets. The text was checked before, so a flat walk over its characters is enough. */
struct layout {
    struct buf *out;
    size_t depth;
};

static void line_break(struct layout *l)
{
    buf_add_char(l->out, '\n');
    for (size_t i = 0; i < l->depth; i++) {
        buf_add_str(l->out, "  ");
    }
}

static size_t string_length(struct bytes text, size_t at)
{
    size_t i = at + 1;
    while (i < text.len && text.ptr[i] != '"') {
        i += text.ptr[i] == '\\' ? 2 : 1;
    }
    return i + 1 - at;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The first character at or after `at` that is not white space; 0 at the end. */
static uint8_t next_char(struct bytes text, size_t at)
{
    while (at < text.len && is_blank(text.ptr[at])) {
        at++;
    }
    return at < text.len ? text.ptr[at] : 0;
}

static void put_open(struct layout *l, uint8_t c, uint8_t next)
{
    buf_add_char(l->out, (char)c);
    l->depth++;
    if (next != '}' && next != ']') {
        line_break(l);
    }
}

static void put_close(struct layout *l, uint8_t c)
{
    uint8_t last = l->out->ptr[l->out->len - 1];
    l->depth--;
    if (last != '{' && last != '[') {
        line_break(l);
    }
    buf_add_char(l->out, (char)c);
}

void pretty_write(struct buf *out, struct bytes value)
{
    struct layout l = {.out = out};
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        if (c == '"') {
            size_t n = string_length(value, i);
            buf_add_bytes(out, bytes_part(value, i, n));
            i += n - 1;
        } else if (c == '{' || c == '[') {
            put_open(&l, c, next_char(value, i + 1));
        } else if (c == '}' || c == ']') {
            put_close(&l, c);
        } else if (c == ',') {
            buf_add_char(out, ',');
            line_break(&l);
        } else if (c == ':') {
            buf_add_str(out, ": ");
        } else if (!is_blank(c)) {
            buf_add_char(out, (char)c);
        }
    }
}
