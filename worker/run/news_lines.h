/* News as JSON lines, from fd 3 of an exec function: {"progress":0.4,"message":"..."},
 * {"checkpoint":{...}}, {"usage":{...}} (model/usage.h), {"error":{...}} (said_error.h). Splits a
 * stream into bounded lines, and parses lines. A line that is not understood is counted, and never
 * fails the step. Pure. */
#ifndef MARATHON_RUN_NEWS_LINES_H
#define MARATHON_RUN_NEWS_LINES_H

#include "agent/attempt.h"
#include "base/err.h"

#define NEWS_LINE_BYTES_MAX       (64u << 10)  /* without a checkpoint */
#define NEWS_CHECKPOINT_BYTES_MAX (256u << 10) /* of a progress checkpoint's JSON */

/* Zero-initialise it; news_lines_free when done. */
struct news_lines {
    struct buf line; /* the current, incomplete line */
    bool skipping;   /* inside a line that exceeds its bound */
    uint64_t bad;    /* lines ignored so far */
    const char *why; /* why the first of them was; static */
    struct buf text; /* the message decoded last */
};

typedef void news_fn(void *user, const struct attempt_news *news);

/* Call after `added` bytes were appended to l->line. Calls fn for each good line that they
 * complete. */
void news_lines_grown(struct news_lines *l, size_t added, news_fn *fn, void *user);
/* The stream has ended: a last line without a newline counts. */
void news_lines_end(struct news_lines *l, news_fn *fn, void *user);
void news_lines_free(struct news_lines *l);

/* Parses one line; text receives the decoded message. ERR_INVALID: not understood. ERR_NOT_FOUND:
 * valid, but with nothing to report. */
enum err MUST_CHECK news_line_read(struct bytes line, struct buf *text,
                                   struct attempt_news *ret_news);
/* The same for a line that may be {"result": VALUE} instead; *ret_result lies within the line, and
 * is empty if there is none. Checks and parses the line in one pass. */
enum err MUST_CHECK news_or_result_read(struct bytes line, struct buf *text,
                                        struct attempt_news *ret_news, struct bytes *ret_result);
/* What is wrong with a line that was not understood. Static. */
const char *news_line_fault(struct bytes line);

#endif
