#include "run/tail.h"

void tail_add(struct tail *t, struct bytes data)
{
    if (data.len > sizeof t->ring) { /* earlier bytes would be overwritten anyway */
        t->written += data.len - sizeof t->ring;
        data = bytes_part(data, data.len - sizeof t->ring, sizeof t->ring);
    }
    size_t at = (size_t)(t->written % sizeof t->ring);
    size_t first = sizeof t->ring - at;
    first = first < data.len ? first : data.len;
    if (data.len > 0) {
        memcpy(t->ring + at, data.ptr, first);
        memcpy(t->ring, data.ptr + first, data.len - first);
    }
    t->written += data.len;
}

void tail_write(const struct tail *t, struct buf *out)
{
    bool cut = t->written > sizeof t->ring;
    uint64_t from = cut ? t->written - sizeof t->ring : 0;
    while (cut && from < t->written && (t->ring[from % sizeof t->ring] & 0xc0) == 0x80) {
        from++;
    }
    size_t before = out->len;
    for (; from < t->written; from++) {
        char c = (char)t->ring[from % sizeof t->ring];
        if (c != '\0') { /* messages become C strings later: what follows a NUL would be lost */
            buf_add_char(out, c);
        }
    }
    while (out->len > before && strchr(" \t\r\n", out->ptr[out->len - 1]) != NULL) {
        out->len--;
    }
}

void tail_tell(const struct tail *t, void (*fn)(void *user, const struct attempt_news *news),
               void *user)
{
    struct buf text = {0};
    tail_write(t, &text);
    if (text.len > 0) {
        fn(user, &(struct attempt_news){.fraction = -1, .log = buf_bytes(&text)});
    }
    buf_free(&text);
}
