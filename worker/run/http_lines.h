/* The answer of an HTTP function that says more than its result: a stream of JSON lines
 * (application/x-ndjson). Each line is news, as an exec function writes them on fd 3
 * (news_lines.h); the last is {"result": VALUE}. What comes behind the result, and what is not
 * understood, is counted and ignored. Pure. */
#ifndef MARATHON_RUN_HTTP_LINES_H
#define MARATHON_RUN_HTTP_LINES_H

#include "run/news_lines.h"

/* Zero-initialise it; http_lines_free when done. */
struct http_lines {
    struct buf line;     /* begun and not ended */
    struct buf last;     /* the line that gave the result */
    struct bytes result; /* in it */
    bool given;
    uint64_t bad;    /* lines passed over so far */
    const char *why; /* the first of them was; static */
    struct buf text; /* of the message last read */
};

/* Calls fn for the news in each line that data completes. False: a line is longer than a result may
 * be, and what follows is of no use. */
bool http_lines_feed(struct http_lines *l, struct bytes data, news_fn *fn, void *user);
/* The stream has ended: a last line without its newline counts. The result borrows from l and text.
 */
struct attempt_result http_lines_end(struct http_lines *l, news_fn *fn, void *user,
                                     struct buf *text);
void http_lines_free(struct http_lines *l);

#endif
