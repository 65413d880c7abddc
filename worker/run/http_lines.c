#include "run/http_lines.h"

#include "json/scan.h"
#include "model/limits.h"
#include "run/exit_result.h"

/* A result and the object around it, white space within reason. */
#define LINE_BYTES_MAX (RESULT_BYTES_MAX + 4096u)

void http_lines_free(struct http_lines *l)
{
    buf_free(&l->line);
    buf_free(&l->result);
    buf_free(&l->text);
}

static bool take_result(struct http_lines *l, struct bytes line)
{
    struct bytes object;
    if (json_check(line, &object, NULL) != ERR_OK || json_kind_of(object) != JSON_OBJECT) {
        return false;
    }
    struct bytes result = json_member(object, "result");
    if (result.len == 0) {
        return false;
    }
    l->given = true;
    buf_add_bytes(&l->result, result);
    return true;
}

static void take_line(struct http_lines *l, news_fn *fn, void *user)
{
    struct bytes line = buf_bytes(&l->line);
    struct attempt_news news;
    if (line.len == 0) {
        return;
    }
    if (l->given) {
        l->bad++;
        return;
    }
    enum err e = news_line_read(line, &l->text, &news);
    if (e == ERR_OK) {
        fn(user, &news);
    } else if (e != ERR_NOT_FOUND && !take_result(l, line)) {
        l->bad++;
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
        return result_of_output(buf_bytes(&l->result), text, NULL);
    }
    buf_add_str(text, "the lines of the response ended without {\"result\": ...}");
    if (l->bad > 0) {
        buf_addf(text, "; %llu of them were not understood", (unsigned long long)l->bad);
    }
    return result_failure(CODE_FUNCTION_BAD_OUTPUT, false, text, NULL);
}
