#include "api/near.h"

#include <string.h>

#define NAME_BYTES_MAX 32 /* longer names are nobody's typing error */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein distance, computed a row of the table at a time. */
static size_t distance(struct bytes a, struct bytes b)
{
    size_t row[NAME_BYTES_MAX + 1];
    for (size_t k = 0; k <= b.len; k++) {
        row[k] = k;
    }
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < b.len; k++) {
            size_t changed = corner + (a.ptr[i] != b.ptr[k]);
            corner = row[k + 1];
            row[k + 1] = least(changed, row[k + 1] + 1, row[k] + 1);
        }
    }
    return row[b.len];
}

bool near_name(struct bytes given, const char *name)
{
    struct bytes own = bytes_str(name);
    if (given.len < 3 || given.len > NAME_BYTES_MAX || own.len > NAME_BYTES_MAX) {
        return false;
    }
    bool begins = given.len < own.len && memcmp(own.ptr, given.ptr, given.len) == 0;
    bool ends =
        given.len < own.len && memcmp(own.ptr + own.len - given.len, given.ptr, given.len) == 0;
    return begins || ends || distance(given, own) <= given.len / 4 + 1;
}

void near_put(struct buf *out, struct bytes given, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (near_name(given, names[i])) {
            buf_addf(out, "; did you mean %s?", names[i]);
            break;
        }
    }
    for (size_t i = 0; i < count; i++) {
        buf_addf(out, "%s%s", i == 0 ? " (it takes " : ", ", names[i]);
    }
    buf_add_str(out, count > 0 ? ")" : "");
}
