#include "api/cursor.h"

#include "api/query.h"
#include "base/id.h"

#define CURSOR_TEXT_MAX 256 /* an id of 128 characters and its time */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void cursor_put(struct buf *out, unix_ms before, struct bytes id)
{
    struct buf raw = {0};
    buf_addf(&raw, "%lld:", (long long)before);
    buf_add_bytes(&raw, id);
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < raw.len; i++) {
        bits = (bits << 8 | raw.ptr[i]) & 0xffff;
        held += 8;
        while (held >= 6) {
            held -= 6;
            buf_add_char(out, alphabet[bits >> held & 63]);
        }
    }
    if (held > 0) {
        buf_add_char(out, alphabet[bits << (6 - held) & 63]);
    }
    buf_free(&raw);
}

static bool decode(struct bytes text, struct buf *out)
{
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr[i] != 0 ? strchr(alphabet, text.ptr[i]) : NULL;
        if (at == NULL) {
            return false;
        }
        bits = (bits << 6 | (uint32_t)(at - alphabet)) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf_add_char(out, (char)(bits >> held & 255));
        }
    }
    return true;
}

bool cursor_parse(struct bytes text, struct arena *arena, unix_ms *ret_before, struct bytes *ret_id)
{
    struct buf raw = {0};
    bool good = text.len <= CURSOR_TEXT_MAX && decode(text, &raw);
    const uint8_t *colon = good && raw.len > 0 ? memchr(raw.ptr, ':', raw.len) : NULL;
    uint64_t before = 0;
    if (colon == NULL) {
        good = false;
    } else {
        size_t at = (size_t)(colon - raw.ptr);
        struct bytes id = bytes_part(buf_bytes(&raw), at + 1, raw.len);
        good = number_parse(bytes_of(raw.ptr, at), INT64_MAX, &before) && id_valid(id);
        if (good) {
            *ret_before = (unix_ms)before;
            *ret_id = arena_bytes(arena, id);
        }
    }
    buf_free(&raw);
    return good;
}
