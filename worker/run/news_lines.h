/* News as JSON lines, from fd 3 of an exec function: {"progress":0.4,"message":"..."},
 * {"checkpoint":{...}}, {"usage":{...}} (model/usage.h), {"error":{...}} (said_error.h). Splits a
 * stream into lines with a bound, and reads one line. What is not understood is counted, never an
 * error of the step. Pure. */
#ifndef MARATHON_RUN_NEWS_LINES_H
#define MARATHON_RUN_NEWS_LINES_H

#include "agent/attempt.h"
#include "base/err.h"

#define NEWS_LINE_BYTES_MAX       (64u << 10)  /* without a checkpoint */
#define NEWS_CHECKPOINT_BYTES_MAX (256u << 10) /* a progress checkpoint's JSON */

/* Zero-initialise it; news_lines_free when done. */
struct news_lines {
    struct buf line; /* begun and not ended */
    bool skipping;   /* the rest of a line over its bound */
    uint64_t bad;    /* lines ignored so far */
    const char *why; /* the first of them was; static */
    struct buf text; /* of the message last read */
};

typedef void news_fn(void *user, const struct attempt_news *news);

/* So many bytes were read to the end of l->line. Calls fn for each good line that they complete. */
void news_lines_grown(struct news_lines *l, size_t added, news_fn *fn, void *user);
/* The stream has ended: a last line without its newline counts. */
void news_lines_end(struct news_lines *l, news_fn *fn, void *user);
void news_lines_free(struct news_lines *l);

/* Reads one line; text holds the decoded message. ERR_INVALID: not understood. ERR_NOT_FOUND: good,
 * and nothing in it to hand on. */
enum err MUST_CHECK news_line_read(struct bytes line, struct buf *text,
                                   struct attempt_news *ret_news);
/* The same for a line that may be {"result": VALUE} instead; *ret_result lies in the line, empty
 * where it names none. The line is checked and walked once. */
enum err MUST_CHECK news_or_result_read(struct bytes line, struct buf *text,
                                        struct attempt_news *ret_news, struct bytes *ret_result);
/* What is wrong with a line that is not understood. Static. */
const char *news_line_fault(struct bytes line);

#endif
