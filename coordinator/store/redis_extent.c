#include "store/redis_extent.h"

#define STRING_BYTES_MAX (512ull << 20) /* Redis stores no longer strings */
/* elements of an array; nothing is allocated because of this number alone */
#define ITEMS_MAX      (1ull << 30)
#define LINE_BYTES_MAX 65536u /* of an error's text: Redis sends a few hundred bytes */

/* The first line of the item, without CR LF. False: not received yet. */
static bool line_of(struct bytes came, struct bytes *ret_line)
{
    const uint8_t *at = came.ptr;
    const uint8_t *end = came.ptr + came.len;
    while ((at = memchr(at, '\r', (size_t)(end - at))) != NULL && end - at > 1) {
        if (at[1] == '\n') {
            *ret_line = bytes_of(came.ptr, (size_t)(at - came.ptr));
            return true;
        }
        at++;
    }
    return false;
}

/* The number after a line's first byte; -1 stands for nil. */
static bool length_of(struct bytes line, uint64_t max, int64_t *ret_length)
{
    if (line.len == 3 && line.ptr[1] == '-' && line.ptr[2] == '1') {
        *ret_length = -1;
        return true;
    }
    uint64_t length = 0;
    for (size_t i = 1; i < line.len; i++) {
        if (line.ptr[i] < '0' || line.ptr[i] > '9' || length > max) {
            return false;
        }
        length = length * 10 + (uint64_t)(line.ptr[i] - '0');
    }
    *ret_length = (int64_t)length;
    return line.len > 1 && length <= max;
}

static enum extent find_item(struct reply_extent *e, struct bytes came)
{
    struct bytes rest = bytes_part(came, e->len, came.len);
    struct bytes line;
    if (rest.len == 0) {
        return EXTENT_PART;
    }
    if (memchr("+-:$*", rest.ptr[0], 5) == NULL) {
        return EXTENT_BAD;
    }
    if (!line_of(rest, &line)) {
        return rest.len > LINE_BYTES_MAX ? EXTENT_BAD : EXTENT_PART;
    }
    size_t len = line.len + 2;
    int64_t length = 0;
    if (line.ptr[0] == '$') {
        if (!length_of(line, STRING_BYTES_MAX, &length)) {
            return EXTENT_BAD;
        }
        len += length >= 0 ? (size_t)length + 2 : 0;
    } else if (line.ptr[0] == '*') {
        if (!length_of(line, ITEMS_MAX, &length)) {
            return EXTENT_BAD;
        }
        e->items_left += length > 0 ? (size_t)length : 0;
    }
    if (rest.len < len) {
        e->needs = e->len + len;
        return EXTENT_PART;
    }
    e->len += len;
    e->items++;
    e->items_left--;
    return EXTENT_WHOLE;
}

enum extent extent_find(struct reply_extent *e, struct bytes came)
{
    if (e->items == 0) {
        e->items_left = 1; /* the reply itself */
    }
    enum extent found = EXTENT_WHOLE;
    while (found == EXTENT_WHOLE && e->items_left > 0) {
        found = find_item(e, came);
    }
    return found;
}

size_t extent_leave(struct reply_extent *e)
{
    size_t left = e->len;
    e->len = 0;
    e->needs = e->needs > left ? e->needs - left : 0;
    return left;
}
