/* The response of an HTTP function that reports more than its result: a stream of JSON lines
 * (application/x-ndjson). Each line is news, as an exec function writes it to fd 3 (news_lines.h);
 * the last is {"result": VALUE}. Lines after the result, and lines that are not understood, are
 * counted and ignored. Pure. */
#ifndef MARATHON_RUN_HTTP_LINES_H
#define MARATHON_RUN_HTTP_LINES_H

#include "run/news_lines.h"

/* Zero-initialise it; http_lines_free when done. */
struct http_lines {
    struct buf line;     /* the current, incomplete line */
    struct buf last;     /* the line with the result */
    struct bytes result; /* within last */
    bool given;
    uint64_t bad;    /* lines ignored so far */
    const char *why; /* why the first of them was; static */
    struct buf text; /* the message decoded last */
};

/* Calls fn for the news in each line that data completes. False: a line is longer than a result may
 * be, and the rest of the stream is useless. */
bool http_lines_feed(struct http_lines *l, struct bytes data, news_fn *fn, void *user);
/* The stream has ended: a last line without a newline counts. The result borrows from l and
 * text. */
struct attempt_result http_lines_end(struct http_lines *l, news_fn *fn, void *user,
                                     struct buf *text);
void http_lines_free(struct http_lines *l);

#endif
