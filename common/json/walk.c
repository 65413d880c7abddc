/* Access to values that json_check accepted. Loops stay within the slice in any case. */
#include "json/scan.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/utf8.h"

enum json_kind json_kind_of(struct bytes value)
{
    switch (value.len > 0 ? value.ptr[0] : 'n') {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

static const uint8_t *skip_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at;
}

/* at: after the opening quote. Returns the closing quote, or end. */
static const uint8_t *find_quote(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *quote;
    while ((quote = memchr(at, '"', (size_t)(end - at))) != NULL) {
        const uint8_t *backslashes = quote;
        while (backslashes > at && backslashes[-1] == '\\') {
            backslashes--;
        }
        if ((quote - backslashes) % 2 == 0) {
            return quote;
        }
        at = quote + 1; /* this one is escaped */
    }
    return end;
}

static const uint8_t *skip_container(const uint8_t *at, const uint8_t *end, size_t *ret_deepest)
{
    size_t depth = 0, deepest = 0;
    while (at < end) {
        uint8_t c = *at++;
        if (c == '"') {
            at = find_quote(at, end);
            at += at < end ? 1 : 0;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) {
                break;
            }
        }
    }
    *ret_deepest = deepest;
    return at;
}

static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end, size_t *ret_depth)
{
    *ret_depth = 0;
    if (at == end) {
        return at;
    }
    if (*at == '{' || *at == '[') {
        return skip_container(at, end, ret_depth);
    }
    if (*at == '"') {
        at = find_quote(at + 1, end);
        return at < end ? at + 1 : at;
    }
    while (at < end && *at != ',' && *at != '}' && *at != ']' && *at > ' ') {
        at++;
    }
    return at;
}

size_t json_depth(struct bytes value)
{
    enum json_kind kind = json_kind_of(value);
    size_t depth = 0;
    if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
        (void)skip_container(value.ptr, value.ptr + value.len, &depth);
    }
    return depth;
}

struct json_walk json_walk(struct bytes value)
{
    enum json_kind kind = json_kind_of(value);
    if ((kind != JSON_OBJECT && kind != JSON_ARRAY) || value.len < 2) {
        return (struct json_walk){0};
    }
    /* end: the closing bracket */
    return (struct json_walk){
        .at = value.ptr + 1, .end = value.ptr + value.len - 1, .object = kind == JSON_OBJECT};
}

bool json_next(struct json_walk *w, struct bytes *ret_key, struct bytes *ret_value)
{
    const uint8_t *at = skip_space(w->at, w->end);
    if (at == w->end) {
        w->at = at;
        return false;
    }
    struct bytes key = BYTES_NONE;
    if (w->object) {
        const uint8_t *from = at + 1;
        const uint8_t *quote = find_quote(from, w->end);
        key = bytes_of(from, (size_t)(quote - from));
        at = skip_space(quote < w->end ? quote + 1 : quote, w->end);
        at = skip_space(at < w->end ? at + 1 : at, w->end); /* skips the colon */
    }
    const uint8_t *value_end = skip_value(at, w->end, &w->depth);
    *ret_key = key;
    *ret_value = bytes_of(at, (size_t)(value_end - at));
    at = skip_space(value_end, w->end);
    w->at = at < w->end ? at + 1 : at; /* skips the comma */
    return true;
}

static uint32_t hex4(const uint8_t *at)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t c = at[i];
        v = v * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}

/* Decodes the escape at `at` (its backslash) into out; returns what follows it. */
static const uint8_t *unescape(const uint8_t *at, const uint8_t *end, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (end - at < 2) {
        return end;
    }
    if (at[1] != 'u') {
        const char *known = strchr(from, at[1]);
        buf_add_char(out, known != NULL ? to[known - from] : (char)at[1]);
        return at + 2;
    }
    if (end - at < 6) {
        return end;
    }
    uint32_t code_point = hex4(at + 2);
    at += 6;
    if (code_point >= 0xd800 && code_point < 0xdc00 && end - at >= 6) {
        code_point = 0x10000 + ((code_point - 0xd800) << 10) + (hex4(at + 2) - 0xdc00);
        at += 6;
    }
    uint8_t utf8[4];
    buf_add(out, utf8, utf8_encode(code_point, utf8));
    return at;
}

/* Decodes the text between the quotes. */
static void unquote(struct bytes raw, struct buf *out)
{
    const uint8_t *at = raw.ptr;
    const uint8_t *end = raw.len > 0 ? raw.ptr + raw.len : raw.ptr;
    while (at < end) {
        const uint8_t *backslash = memchr(at, '\\', (size_t)(end - at));
        const uint8_t *stop = backslash != NULL ? backslash : end;
        buf_add(out, at, (size_t)(stop - at));
        at = backslash != NULL ? unescape(stop, end, out) : end;
    }
}

void json_unquote(struct bytes value, struct buf *out)
{
    if (value.len >= 2) {
        unquote(bytes_part(value, 1, value.len - 2), out);
    }
}

static bool has_escape(struct bytes raw)
{
    return raw.len > 0 && memchr(raw.ptr, '\\', raw.len) != NULL;
}

static bool key_is(struct bytes raw, struct bytes key, struct buf *scratch)
{
    if (!has_escape(raw)) {
        return bytes_eq(raw, key);
    }
    buf_clear(scratch);
    unquote(raw, scratch);
    return bytes_eq(buf_bytes(scratch), key);
}

void json_members(struct bytes object, const char *const *keys, size_t count,
                  struct bytes *ret_values)
{
    struct bytes name, value;
    struct buf scratch = {0};
    memset(ret_values, 0, count * sizeof *ret_values);
    for (struct json_walk w = json_walk(object); json_next(&w, &name, &value) && w.object;) {
        for (size_t i = 0; i < count; i++) {
            if (key_is(name, bytes_str(keys[i]), &scratch)) {
                ret_values[i] = value;
            }
        }
    }
    buf_free(&scratch);
}

void json_index_members(const struct json_index *x, const char *const *keys, size_t count,
                        struct bytes *ret_values)
{
    struct buf scratch = {0};
    bool object = x->count > 0 && json_kind_of(x->nodes[0].value) == JSON_OBJECT;
    memset(ret_values, 0, count * sizeof *ret_values);
    for (uint32_t n = 1; object && n < x->count; n = x->nodes[n].next) {
        for (size_t i = 0; i < count; i++) {
            if (key_is(x->nodes[n].key, bytes_str(keys[i]), &scratch)) {
                ret_values[i] = x->nodes[n].value;
            }
        }
    }
    buf_free(&scratch);
}

struct bytes json_member(struct bytes object, const char *key)
{
    struct bytes found;
    json_members(object, &key, 1, &found);
    return found;
}

double json_number(struct bytes value)
{
    char usual[64];
    if (value.len >= sizeof usual) {
        char *text = mem_str_bytes(value);
        double number = strtod(text, NULL);
        free(text);
        return number;
    }
    if (value.len > 0) {
        memcpy(usual, value.ptr, value.len);
    }
    usual[value.len] = '\0';
    return strtod(usual, NULL);
}

struct bytes json_duplicate_key(struct bytes object)
{
    static char present; /* any value except NULL */
    struct bytes raw, value, twice = BYTES_NONE;
    struct map seen = {0};
    struct arena arena = {0};
    struct buf scratch = {0};
    for (struct json_walk w = json_walk(object); json_next(&w, &raw, &value) && w.object;) {
        struct bytes key = raw;
        if (has_escape(raw)) {
            buf_clear(&scratch);
            unquote(raw, &scratch);
            key = arena_bytes(&arena, buf_bytes(&scratch));
        }
        if (map_put(&seen, key, &present) != NULL) {
            twice = raw;
            break;
        }
    }
    map_free(&seen);
    arena_free(&arena);
    buf_free(&scratch);
    return twice;
}
