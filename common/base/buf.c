#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

/* buf_addf formats only once if the text is shorter than this, or there is room */
#define ADDF_BYTES_USUAL 64

#define BUF_CAP_MIN 64

void buf_free(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

void buf_grow(struct buf *b, size_t more)
{
    if (more > SIZE_MAX / 2 - b->len) {
        die("buffer over the address space (%zu + %zu bytes)", b->len, more);
    }
    size_t want = b->len + more;
    size_t cap = b->cap < BUF_CAP_MIN ? BUF_CAP_MIN : b->cap;
    while (cap < want) {
        cap *= 2;
    }
    if (b->len == 0) { /* nothing to preserve, so that realloc need not copy */
        free(b->ptr);
        b->ptr = NULL;
    }
    b->ptr = mem_resize(b->ptr, cap);
    b->cap = cap;
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    buf_reserve(b, ADDF_BYTES_USUAL);
    size_t room = b->cap - b->len; /* includes room for vsnprintf's NUL, which is not counted */
    int len = vsnprintf((char *)(b->ptr + b->len), room, format, args);
    va_end(args);
    if (len < 0) {
        die("buf_addf: bad format '%s'", format);
    }
    if ((size_t)len >= room) {
        buf_reserve(b, (size_t)len + 1);
        (void)vsnprintf((char *)(b->ptr + b->len), (size_t)len + 1, format, again);
    }
    va_end(again);
    b->len += (size_t)len;
}

void buf_add_uint(struct buf *b, uint64_t v)
{
    size_t len = 1;
    for (uint64_t rest = v; rest >= 10; rest /= 10) {
        len++;
    }
    uint8_t *digits = buf_extend(b, len);
    while (len > 0) {
        digits[--len] = (uint8_t)('0' + v % 10);
        v /= 10;
    }
}

void buf_drop_front(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
        return;
    }
    memmove(b->ptr, b->ptr + n, b->len - n);
    b->len -= n;
}

void buf_trim(struct buf *b)
{
    if (b->len == 0) {
        buf_free(b);
    } else if (b->len < b->cap) {
        b->ptr = mem_resize(b->ptr, b->len);
        b->cap = b->len;
    }
}

const char *buf_cstr(struct buf *b)
{
    buf_reserve(b, 1);
    b->ptr[b->len] = '\0';
    return (const char *)b->ptr;
}
