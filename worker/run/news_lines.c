#include "run/news_lines.h"

#include <stdlib.h>

#include "json/scan.h"
#include "model/limits.h"
#include "run/said_error.h"

/* The longest line that can be of use: a checkpoint and the object around it. */
#define LINE_BYTES_MAX (NEWS_CHECKPOINT_BYTES_MAX + 1024u)

void news_lines_free(struct news_lines *l)
{
    buf_free(&l->line);
    buf_free(&l->text);
}

static double number_read(struct bytes value)
{
    char text[64];
    struct bytes cut = bytes_part(value, 0, sizeof text - 1); /* more digits change nothing here */
    memcpy(text, cut.ptr, cut.len);
    text[cut.len] = '\0';
    return strtod(text, NULL);
}

enum err news_line_read(struct bytes line, struct buf *text, struct attempt_news *ret_news)
{
    struct bytes object;
    if (json_check(line, &object, NULL) != ERR_OK || json_kind_of(object) != JSON_OBJECT) {
        return ERR_INVALID;
    }
    struct attempt_news news = {.fraction = -1};
    buf_clear(text);
    buf_reserve(text, line.len + USAGE_MODEL_BYTES_MAX); /* for all that is decoded */
    struct bytes progress = json_member(object, "progress");
    struct bytes message = json_member(object, "message");
    struct bytes checkpoint = json_member(object, "checkpoint");
    struct bytes usage = json_member(object, "usage");
    struct bytes error = json_member(object, "error");
    if (progress.len + message.len + checkpoint.len + usage.len + error.len == 0 ||
        (progress.len > 0 && json_kind_of(progress) != JSON_NUMBER) ||
        (message.len > 0 && json_kind_of(message) != JSON_STRING) ||
        (usage.len > 0 && json_kind_of(usage) != JSON_OBJECT) ||
        (checkpoint.len == 0 && line.len > NEWS_LINE_BYTES_MAX) ||
        checkpoint.len > NEWS_CHECKPOINT_BYTES_MAX ||
        (error.len > 0 && !said_error_read(error, text, &news.error))) {
        return ERR_INVALID;
    }
    if (progress.len > 0) {
        double fraction = number_read(progress);
        news.fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
    }
    if (message.len > 0 && error.len == 0) { /* the text is the error's */
        buf_clear(text);
        json_unquote(message, text);
        news.message = bytes_part(buf_bytes(text), 0, ERROR_BYTES_MAX);
    }
    news.checkpoint = checkpoint;
    if (usage.len > 0) { /* there is room for it: what lies in text does not move */
        struct buf model = {0};
        bool good = usage_read(usage, &model, &news.usage);
        size_t at = text->len;
        buf_add_bytes(text, news.usage.model);
        news.usage.model = bytes_part(buf_bytes(text), at, text->len);
        buf_free(&model);
        if (!good) {
            return ERR_INVALID;
        }
    }
    if (news.fraction < 0 && news.message.len == 0 && checkpoint.len == 0 && !news.error.given &&
        usage_sum_none(&news.usage.sum)) {
        return ERR_NOT_FOUND;
    }
    *ret_news = news;
    return ERR_OK;
}

static void line_take(struct news_lines *l, struct bytes line, news_fn *fn, void *user)
{
    struct attempt_news news;
    if (line.len == 0) {
        return;
    }
    enum err e = news_line_read(line, &l->text, &news);
    if (e == ERR_OK) {
        fn(user, &news);
    } else if (e != ERR_NOT_FOUND) {
        l->bad++;
    }
}

void news_lines_feed(struct news_lines *l, struct bytes data, news_fn *fn, void *user)
{
    while (data.len > 0) {
        const uint8_t *end = memchr(data.ptr, '\n', data.len);
        size_t n = end != NULL ? (size_t)(end - data.ptr) : data.len;
        if (!l->skipping && l->line.len + n > LINE_BYTES_MAX) {
            l->skipping = true;
            l->bad++;
            buf_clear(&l->line);
        }
        if (!l->skipping) {
            buf_add(&l->line, data.ptr, n);
        }
        if (end == NULL) {
            return;
        }
        if (!l->skipping) {
            line_take(l, buf_bytes(&l->line), fn, user);
        }
        l->skipping = false;
        buf_clear(&l->line);
        data = bytes_part(data, n + 1, data.len);
    }
}

void news_lines_end(struct news_lines *l, news_fn *fn, void *user)
{
    if (!l->skipping) {
        line_take(l, buf_bytes(&l->line), fn, user);
    }
    buf_clear(&l->line);
}
