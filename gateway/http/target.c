#include "http/target.h"

#include <strings.h>

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes the character at *at; -1: invalid. NULs are not allowed. */
static int take_letter(struct bytes text, size_t *at)
{
    uint8_t c = text.ptr[(*at)++];
    if (c != '%') {
        return c;
    }
    bool is_whole = text.len - *at >= 2;
    int high = is_whole ? digit_of(text.ptr[(*at)++]) : -1;
    int low = is_whole ? digit_of(text.ptr[(*at)++]) : -1;
    return high < 0 || low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

static bool path_decode(struct bytes text, struct arena *arena, struct bytes *ret_path)
{
    struct buf out = arena_buf(arena, text.len + 1);
    for (size_t at = 0; at < text.len;) {
        bool again = text.ptr[at] == '/' && out.len > 0 && out.ptr[out.len - 1] == '/';
        int letter = take_letter(text, &at);
        if (letter < 0) {
            return false;
        }
        if (!again) {
            buf_add_char(&out, (char)letter);
        }
    }
    out.ptr[out.len] = '\0';
    *ret_path = buf_bytes(&out);
    return true;
}

/* A `=` written as `%3D` does not end the name. */
static bool arg_decode(struct bytes text, struct arena *arena, struct bytes *ret_arg)
{
    struct buf out = arena_buf(arena, text.len + 1);
    bool in_name = true;
    for (size_t at = 0; at < text.len;) {
        uint8_t as_written = text.ptr[at];
        int letter = take_letter(text, &at);
        if (letter < 0) {
            return false;
        }
        in_name = in_name && as_written != '=';
        letter = as_written == '+' ? ' ' : letter == '=' && in_name ? '_' : letter;
        buf_add_char(&out, (char)letter);
    }
    out.ptr[out.len] = '\0';
    *ret_arg = buf_bytes(&out);
    return true;
}

static enum code args_read(struct bytes query, struct arena *arena, struct target *t)
{
    struct bytes *args = arena_alloc(arena, TARGET_ARGS_MAX * sizeof *args);
    t->args = args;
    while (query.len > 0) {
        const uint8_t *end = memchr(query.ptr, '&', query.len);
        size_t len = end != NULL ? (size_t)(end - query.ptr) : query.len;
        struct bytes text = bytes_part(query, 0, len);
        query = bytes_part(query, len + 1, query.len);
        if (len == 0) {
            continue;
        }
        if (t->arg_count == TARGET_ARGS_MAX) {
            return CODE_URI_TOO_LONG;
        }
        struct bytes *arg = &args[t->arg_count++];
        if (!arg_decode(text, arena, arg)) {
            return CODE_BAD_REQUEST;
        }
        if (arg->len > TARGET_ARG_BYTES_MAX) {
            return CODE_URI_TOO_LONG;
        }
    }
    return CODE_NONE;
}

/* The target without the host of `http://host/path`, a form that every server must accept (RFC
 * 9112, 3.2.2). */
static struct bytes without_host(struct bytes text)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i]);
        if (text.len > len && strncasecmp((const char *)text.ptr, schemes[i], len) == 0) {
            size_t end = len;
            while (end < text.len && text.ptr[end] != '/' && text.ptr[end] != '?') {
                end++;
            }
            return end > len ? bytes_part(text, end, text.len) : text;
        }
    }
    return text;
}

enum code target_read(struct bytes text, struct arena *arena, struct target *ret_target)
{
    *ret_target = (struct target){0};
    struct bytes rest = without_host(text);
    const uint8_t *mark = rest.len > 0 ? memchr(rest.ptr, '?', rest.len) : NULL;
    struct bytes path = bytes_part(rest, 0, mark != NULL ? (size_t)(mark - rest.ptr) : rest.len);
    bool is_absolute = rest.ptr != text.ptr;
    bool is_origin = path.len > 0 && path.ptr[0] == '/';
    if (path.len > TARGET_PATH_BYTES_MAX) {
        return CODE_URI_TOO_LONG;
    }
    if (is_absolute && path.len == 0) {
        path = BYTES_LIT("/");
    } else if (!is_origin) {
        return CODE_BAD_REQUEST;
    }
    if (!path_decode(path, arena, &ret_target->path)) {
        return CODE_BAD_REQUEST;
    }
    if (mark == NULL) {
        return CODE_NONE;
    }
    size_t query = (size_t)(mark - rest.ptr) + 1;
    return args_read(bytes_part(rest, query, rest.len), arena, ret_target);
}
