#include "run/http_lines.h"

#include "model/limits.h"
#include "run/exit_result.h"
#include "run/kept.h"

/* A result and the object around it, with some room for white space. */
#define LINE_BYTES_MAX (RESULT_BYTES_MAX + 4096u)

void http_lines_free(struct http_lines *l)
{
    buf_free(&l->line);
    buf_free(&l->last);
    buf_free(&l->text);
}

static void line_refuse(struct http_lines *l, const char *why)
{
    l->why = l->bad++ == 0 ? why : l->why;
}

static void take_line(struct http_lines *l, news_fn *fn, void *user)
{
    struct bytes result;
    struct attempt_news news;
    if (l->line.len == 0) {
        return;
    }
    if (l->given) {
        line_refuse(l, "it comes after the result");
        return;
    }
    enum err e = news_or_result_read(buf_bytes(&l->line), &l->text, &news, &result);
    if (e == ERR_OK) {
        news.holder = &l->line;
        fn(user, &news);
    } else if (e == ERR_INVALID && result.len > 0) {
        l->given = true;
        l->result = result;
        l->last = l->line;
        l->line = (struct buf){0};
    } else if (e != ERR_NOT_FOUND) {
        line_refuse(l, news_line_fault(buf_bytes(&l->line)));
    }
}

bool http_lines_feed(struct http_lines *l, struct bytes data, news_fn *fn, void *user)
{
    while (data.len > 0) {
        const uint8_t *end = memchr(data.ptr, '\n', data.len);
        size_t n = end != NULL ? (size_t)(end - data.ptr) : data.len;
        if (l->line.len + n > LINE_BYTES_MAX) {
            return false;
        }
        kept_reserve(&l->line, n);
        buf_add(&l->line, data.ptr, n);
        if (end == NULL) {
            return true;
        }
        take_line(l, fn, user);
        buf_clear(&l->line);
        data = bytes_part(data, n + 1, data.len);
    }
    return true;
}

struct attempt_result http_lines_end(struct http_lines *l, news_fn *fn, void *user,
                                     struct buf *text)
{
    take_line(l, fn, user);
    buf_clear(&l->line);
    if (l->given) {
        struct attempt_result r = result_of_value(l->result, text, NULL);
        r.holder = &l->last;
        r.bad_lines = l->bad;
        r.bad_line = l->why;
        return r;
    }
    buf_add_str(text, "the lines of the response ended without {\"result\": ...}");
    if (l->bad > 0) {
        buf_addf(text, "; %llu of them were not understood, the first because %s",
                 (unsigned long long)l->bad, l->why);
    }
    return result_failure(CODE_FUNCTION_BAD_OUTPUT, false, text, NULL);
}
