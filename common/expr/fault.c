#include "expr/expr.h"

#include <stdio.h>

#include "base/utf8.h"

/* Bytes of text shown on each side of the place. */
#define SHOWN_BEFORE 40
#define SHOWN_BEHIND 24

/* Appends text[from, to) with control characters and malformed bytes replaced. */
static void show(struct buf *out, struct bytes text, size_t from, size_t to)
{
    while (from < to) {
        size_t len = utf8_sequence(text.ptr + from, text.ptr + text.len);
        if (len == 0 || text.ptr[from] < 0x20) {
            buf_add_char(out, text.ptr[from] < 0x20 ? ' ' : '?');
            len = 1;
        } else {
            buf_add(out, text.ptr + from, len);
        }
        from += len;
    }
}

static bool continues(struct bytes text, size_t at)
{
    return at < text.len && (text.ptr[at] & 0xc0) == 0x80;
}

void expr_fault_mark(struct expr_fault *fault, struct bytes text, uint32_t at)
{
    size_t place = at < text.len ? at : text.len;
    size_t from = place > SHOWN_BEFORE ? place - SHOWN_BEFORE : 0;
    size_t to = text.len - place > SHOWN_BEHIND ? place + SHOWN_BEHIND : text.len;
    while (from < place && continues(text, from)) {
        from++;
    }
    while (to > place && continues(text, to)) {
        to--;
    }
    fault->at = at;
    struct buf b = {0};
    buf_add_str(&b, "\n  ");
    buf_add_str(&b, from > 0 ? "..." : "");
    show(&b, text, from, place);
    size_t before = 0; /* columns before the caret */
    for (size_t i = 1; i < b.len; i++) {
        before += (b.ptr[i] & 0xc0) != 0x80;
    }
    if (place < to) {
        show(&b, text, place, to);
    }
    buf_add_str(&b, to < text.len ? "...\n" : "\n");
    for (size_t i = 0; i < before; i++) {
        buf_add_char(&b, ' ');
    }
    buf_add_char(&b, '^');
    size_t len = strlen(fault->detail);
    size_t room = sizeof fault->detail - 1;
    if (len + b.len > room) { /* the place matters more than the end of the message */
        len = b.len < room ? room - b.len : 0;
        while (len > 0 && ((unsigned char)fault->detail[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    size_t more = b.len < room - len ? b.len : room - len;
    memcpy(fault->detail + len, b.ptr, more);
    fault->detail[len + more] = '\0';
    buf_free(&b);
}
