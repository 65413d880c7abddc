#include "cli/sse.h"

#include <stdbool.h>

void sse_free(struct sse *s)
{
    buf_free(&s->line);
    buf_free(&s->data);
    buf_free(&s->type);
    buf_free(&s->id);
}

void sse_restart(struct sse *s)
{
    buf_clear(&s->line);
    buf_clear(&s->data);
    buf_clear(&s->type);
    s->skip_lf = false;
    s->started = false;
}

static void take_retry(struct sse *s, struct bytes value)
{
    int64_t ms = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9' || i == 9) {
            return; /* the format demands that a value that is not all digits is ignored */
        }
        ms = ms * 10 + (value.ptr[i] - '0');
    }
    if (value.len > 0) {
        s->retry_ms = ms;
    }
}

static void take_field(struct sse *s, struct bytes name, struct bytes value)
{
    if (bytes_is(name, "data")) {
        buf_add_bytes(&s->data, value);
        buf_add_char(&s->data, '\n');
    } else if (bytes_is(name, "event")) {
        buf_clear(&s->type);
        buf_add_bytes(&s->type, value);
    } else if (bytes_is(name, "id")) {
        if (value.len == 0 || memchr(value.ptr, '\0', value.len) == NULL) {
            buf_clear(&s->id);
            buf_add_bytes(&s->id, value);
        }
    } else if (bytes_is(name, "retry")) {
        take_retry(s, value);
    }
}

static void dispatch(struct sse *s, sse_fn *fn, void *user)
{
    if (s->data.len > 0) {
        struct sse_event event = {
            .type = s->type.len > 0 ? buf_bytes(&s->type) : BYTES_LIT("message"),
            .data = bytes_of(s->data.ptr, s->data.len - 1),
            .id = buf_bytes(&s->id),
        };
        fn(user, &event);
    }
    buf_clear(&s->data);
    buf_clear(&s->type);
}

static void take_line(struct sse *s, sse_fn *fn, void *user)
{
    struct bytes line = buf_bytes(&s->line);
    if (!s->started) {
        s->started = true;
        if (line.len >= 3 && memcmp(line.ptr, "\xEF\xBB\xBF", 3) == 0) {
            line = bytes_part(line, 3, line.len);
        }
    }
    if (line.len == 0) {
        dispatch(s, fn, user);
        return;
    }
    const uint8_t *colon = memchr(line.ptr, ':', line.len);
    if (colon == line.ptr) {
        return; /* a comment: only says that the connection lives */
    }
    struct bytes name = line;
    struct bytes value = BYTES_NONE;
    if (colon != NULL) {
        size_t at = (size_t)(colon - line.ptr);
        name = bytes_part(line, 0, at);
        value = bytes_part(line, at + 1, line.len);
        if (value.len > 0 && value.ptr[0] == ' ') {
            value = bytes_part(value, 1, value.len);
        }
    }
    take_field(s, name, value);
}

/* The number of bytes before the first CR or LF. */
static size_t line_length(struct bytes rest)
{
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != '\n' && rest.ptr[n] != '\r') {
        n++;
    }
    return n;
}

enum err sse_feed(struct sse *s, struct bytes chunk, sse_fn *fn, void *user)
{
    size_t at = 0;
    while (at < chunk.len) {
        if (s->skip_lf) {
            s->skip_lf = false;
            if (chunk.ptr[at] == '\n') {
                at++;
                continue;
            }
        }
        struct bytes rest = bytes_part(chunk, at, chunk.len);
        size_t n = line_length(rest);
        if (s->line.len + s->data.len + n > SSE_EVENT_BYTES_MAX) {
            return ERR_TOO_LARGE;
        }
        buf_add(&s->line, rest.ptr, n);
        at += n;
        if (at == chunk.len) {
            break;
        }
        s->skip_lf = chunk.ptr[at] == '\r';
        at++;
        take_line(s, fn, user);
        buf_clear(&s->line);
    }
    return ERR_OK;
}
