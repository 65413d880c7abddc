/* msgpack-c believes the counts that it reads: five bytes make it reserve gigabytes. So the body is
 * walked first. */
#include "wire/layout.h"

/* What one byte of format says: bytes that follow directly (head), then bytes of content, and
 * elements inside. */
struct item {
    size_t head;
    size_t content;
    uint64_t elements;
};

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* Formats 0xc0 to 0xdf; the rest is in item_read. */
static bool item_marked(const uint8_t *p, size_t left, struct item *ret_item)
{
    static const uint8_t number_bytes[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8}; /* 0xca .. 0xd3 */
    uint8_t format = p[0];
    size_t counted = 0; /* bytes of a count or length behind the format */
    size_t extra = 0;   /* an ext's type byte */
    bool container = false;
    uint64_t per = 1;
    if (format == 0xc0 || format == 0xc2 || format == 0xc3) {
        *ret_item = (struct item){1, 0, 0};
        return true;
    }
    if (format >= 0xca && format <= 0xd3) {
        *ret_item = (struct item){1, number_bytes[format - 0xca], 0};
        return true;
    }
    if (format >= 0xd4 && format <= 0xd8) { /* fixext 1, 2, 4, 8, 16 */
        *ret_item = (struct item){2, (size_t)1 << (format - 0xd4), 0};
        return true;
    }
    if (format >= 0xc4 && format <= 0xc6) { /* bin */
        counted = (size_t)1 << (format - 0xc4);
    } else if (format >= 0xc7 && format <= 0xc9) { /* ext */
        counted = (size_t)1 << (format - 0xc7);
        extra = 1;
    } else if (format >= 0xd9 && format <= 0xdb) { /* str */
        counted = (size_t)1 << (format - 0xd9);
    } else if (format >= 0xdc) { /* array and map, 16 and 32 */
        counted = (format & 1) != 0 ? 4 : 2;
        container = true;
        per = format >= 0xde ? 2 : 1;
    } else {
        return false; /* 0xc1 is no format */
    }
    if (left < 1 + counted + extra) {
        return false;
    }
    uint64_t count = big_endian(p + 1, counted);
    *ret_item = container ? (struct item){1 + counted, 0, count * per}
                          : (struct item){1 + counted + extra, (size_t)count, 0};
    return true;
}

static bool item_read(const uint8_t *p, size_t left, struct item *ret_item)
{
    uint8_t format = p[0];
    if (format <= 0x7f || format >= 0xe0) { /* small numbers */
        *ret_item = (struct item){1, 0, 0};
        return true;
    }
    if (format <= 0x8f) { /* small map */
        *ret_item = (struct item){1, 0, 2u * (format & 0x0fu)};
        return true;
    }
    if (format <= 0x9f) { /* small array */
        *ret_item = (struct item){1, 0, format & 0x0fu};
        return true;
    }
    if (format <= 0xbf) { /* small string */
        *ret_item = (struct item){1, format & 0x1fu, 0};
        return true;
    }
    return item_marked(p, left, ret_item);
}

enum err body_skim(struct bytes body)
{
    uint64_t open[NESTING_MAX]; /* elements still to come, per level */
    size_t depth = 0;
    size_t at = 0;
    uint64_t waiting = 1; /* all that are still to come: each takes a byte at least */
    uint32_t seen = 0;
    while (waiting > 0) {
        struct item item;
        if (waiting > body.len - at || !item_read(body.ptr + at, body.len - at, &item)) {
            return ERR_PROTOCOL;
        }
        size_t left = body.len - at;
        if (item.head > left || item.content > left - item.head || ++seen > ELEMENTS_MAX) {
            return ERR_PROTOCOL;
        }
        at += item.head + item.content;
        waiting = waiting - 1 + item.elements;
        if (depth > 0) {
            open[depth - 1]--;
        }
        if (item.elements > 0) {
            if (depth == NESTING_MAX) {
                return ERR_PROTOCOL;
            }
            open[depth++] = item.elements;
        }
        while (depth > 0 && open[depth - 1] == 0) {
            depth--;
        }
    }
    if (at != body.len) {
        return ERR_PROTOCOL;
    }
    return ERR_OK;
}
