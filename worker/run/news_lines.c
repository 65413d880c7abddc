#include "run/news_lines.h"

#include "json/scan.h"
#include "model/limits.h"
#include "run/said_error.h"

/* The longest useful line: a checkpoint and the object around it. */
#define LINE_BYTES_MAX (NEWS_CHECKPOINT_BYTES_MAX + 1024u)

void news_lines_free(struct news_lines *l)
{
    buf_free(&l->line);
    buf_free(&l->text);
}

/* The members of a line, still encoded. */
struct said {
    struct bytes progress, message, checkpoint, usage, error;
};

static bool said_fits(const struct said *s, size_t line_bytes)
{
    return s->progress.len + s->message.len + s->checkpoint.len + s->usage.len + s->error.len > 0 &&
           (s->progress.len == 0 || json_kind_of(s->progress) == JSON_NUMBER) &&
           (s->message.len == 0 || json_kind_of(s->message) == JSON_STRING) &&
           (s->usage.len == 0 || json_kind_of(s->usage) == JSON_OBJECT) &&
           (s->checkpoint.len > 0 || line_bytes <= NEWS_LINE_BYTES_MAX) &&
           s->checkpoint.len <= NEWS_CHECKPOINT_BYTES_MAX;
}

/* The caller has reserved room for the model, so that what lies in text does not move. */
static bool used_read(struct bytes usage, struct buf *text, struct usage_part *ret_used)
{
    struct buf model = {0};
    bool good = usage_read(usage, &model, ret_used);
    size_t at = text->len;
    buf_add_bytes(text, ret_used->model);
    ret_used->model = bytes_part(buf_bytes(text), at, text->len);
    buf_free(&model);
    return good;
}

static enum err said_read(const struct said *s, struct buf *text, struct attempt_news *ret_news)
{
    struct attempt_news news = {.fraction = -1, .checkpoint = s->checkpoint};
    buf_clear(text);
    buf_reserve(text, s->message.len + s->error.len + USAGE_MODEL_BYTES_MAX); /* for all of it */
    if (s->error.len > 0 && !said_error_read(s->error, text, &news.error)) {
        return ERR_INVALID;
    }
    if (s->progress.len > 0) {
        double fraction = json_number(s->progress);
        news.fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
    }
    if (s->message.len > 0 && s->error.len == 0) { /* the text is the error's */
        json_unquote(s->message, text);
        news.message = bytes_part(buf_bytes(text), 0, ERROR_BYTES_MAX);
    }
    if (s->usage.len > 0 && !used_read(s->usage, text, &news.usage)) {
        return ERR_INVALID;
    }
    if (news.fraction < 0 && news.message.len == 0 && news.checkpoint.len == 0 &&
        !news.error.given && usage_sum_none(&news.usage.sum)) {
        return ERR_NOT_FOUND;
    }
    *ret_news = news;
    return ERR_OK;
}

/* The members that a line may have; `result` only in news_or_result_read. */
enum {
    SAID_PROGRESS,
    SAID_MESSAGE,
    SAID_CHECKPOINT,
    SAID_USAGE,
    SAID_ERROR,
    SAID_RESULT,
    SAID_ALL
};
static const char *const said_names[SAID_ALL] = {"progress", "message", "checkpoint",
                                                 "usage",    "error",   "result"};

enum err news_or_result_read(struct bytes line, struct buf *text, struct attempt_news *ret_news,
                             struct bytes *ret_result)
{
    struct bytes members[SAID_ALL];
    struct json_index index = {0};
    *ret_result = BYTES_NONE;
    enum err e = json_check_index(line, 1, &index, NULL);
    bool object = e == ERR_OK && json_kind_of(index.nodes[0].value) == JSON_OBJECT;
    json_index_members(&index, said_names, SAID_ALL, members);
    json_index_free(&index);
    if (!object) {
        return ERR_INVALID;
    }
    *ret_result = members[SAID_RESULT];
    const struct said said = {members[SAID_PROGRESS], members[SAID_MESSAGE],
                              members[SAID_CHECKPOINT], members[SAID_USAGE], members[SAID_ERROR]};
    return said_fits(&said, line.len) ? said_read(&said, text, ret_news) : ERR_INVALID;
}

enum err news_line_read(struct bytes line, struct buf *text, struct attempt_news *ret_news)
{
    struct bytes result;
    return news_or_result_read(line, text, ret_news, &result);
}

const char *news_line_fault(struct bytes line)
{
    struct bytes object, m[SAID_ALL];
    size_t known = 0;
    if (line.len > LINE_BYTES_MAX) {
        return "it is longer than 257 KiB";
    }
    if (json_check(line, &object, NULL) != ERR_OK || json_kind_of(object) != JSON_OBJECT) {
        return "it is not a JSON object";
    }
    json_members(object, said_names, SAID_ALL, m);
    for (size_t i = 0; i < SAID_RESULT; i++) {
        known += m[i].len;
    }
    return known == 0 ? "it has none of progress, message, checkpoint, usage, error"
           : m[SAID_CHECKPOINT].len > NEWS_CHECKPOINT_BYTES_MAX
               ? "its checkpoint is larger than 256 KiB"
           : m[SAID_CHECKPOINT].len == 0 && line.len > NEWS_LINE_BYTES_MAX
               ? "it is longer than 64 KiB, without a checkpoint"
           : m[SAID_PROGRESS].len > 0 && json_kind_of(m[SAID_PROGRESS]) != JSON_NUMBER
               ? "its progress is not a number"
           : m[SAID_MESSAGE].len > 0 && json_kind_of(m[SAID_MESSAGE]) != JSON_STRING
               ? "its message is not a string"
               : "its usage or error is malformed";
}

static void line_refuse(struct news_lines *l, struct bytes line)
{
    if (l->bad++ == 0) {
        l->why = news_line_fault(line);
    }
}

/* If the checkpoint is longer than what follows it in l->line, the latter is moved to a new buffer,
 * and the checkpoint can stay. */
static void news_tell(struct news_lines *l, struct attempt_news *news, size_t behind, news_fn *fn,
                      void *user)
{
    struct buf next = {0};
    bool stays = behind <= news->checkpoint.len;
    if (stays && behind > 0) {
        buf_add_bytes(&next, bytes_part(buf_bytes(&l->line), l->line.len - behind, behind));
    }
    news->holder = stays ? &l->line : NULL;
    fn(user, news);
    if (next.len > 0) {
        buf_free(&l->line);
        l->line = next;
    }
}

/* behind: the number of bytes at the end of l->line that are still to be parsed. */
static void line_take(struct news_lines *l, struct bytes line, size_t behind, news_fn *fn,
                      void *user)
{
    struct attempt_news news;
    if (line.len == 0) {
        return;
    }
    enum err e = line.len <= LINE_BYTES_MAX ? news_line_read(line, &l->text, &news) : ERR_TOO_LARGE;
    if (e == ERR_OK) {
        news_tell(l, &news, behind, fn, user);
    } else if (e != ERR_NOT_FOUND) {
        line_refuse(l, line);
    }
}

static const uint8_t *line_end(const struct news_lines *l, size_t from)
{
    return from < l->line.len ? memchr(l->line.ptr + from, '\n', l->line.len - from) : NULL;
}

void news_lines_grown(struct news_lines *l, size_t added, news_fn *fn, void *user)
{
    size_t at = 0, from = l->line.len - added;
    for (const uint8_t *end; (end = line_end(l, from)) != NULL; from = at) {
        size_t n = (size_t)(end - l->line.ptr), behind = l->line.len - n - 1;
        if (!l->skipping) {
            line_take(l, bytes_part(buf_bytes(&l->line), at, n - at), behind, fn, user);
        }
        l->skipping = false;
        at = l->line.len - behind; /* the bytes before may have been taken */
    }
    if (!l->skipping && l->line.len - at > LINE_BYTES_MAX) {
        l->skipping = true;
        line_refuse(l, bytes_part(buf_bytes(&l->line), at, l->line.len));
    }
    if (at > 0 || l->skipping) {
        buf_drop_front(&l->line, l->skipping ? l->line.len : at);
    }
}

void news_lines_end(struct news_lines *l, news_fn *fn, void *user)
{
    if (!l->skipping) {
        line_take(l, buf_bytes(&l->line), 0, fn, user);
    }
    buf_clear(&l->line);
}
