/* One WebSocket or event stream that watches a task: the state, then every later message in order,
 * then the final one and the close. */
#ifndef MARATHON_GATEWAY_WATCHER_H
#define MARATHON_GATEWAY_WATCHER_H

#include "main/feed.h"

/* An event stream without messages says a comment each so often */
#define STREAM_COMMENT_MS 15000

struct watch_options {
    bool sse;
    bool has_after; /* messages behind `after` only, no state first */
    uint64_t after;
    struct bytes request_id; /* of an event stream's request, for its problem */
};

/* WATCHERS_MAX are there: 1013 or 503. */
void watcher_start(struct gateway *g, exchange_id id, struct bytes task_id,
                   const struct watch_options *options);
/* Each second: comments. */
void watchers_tick(struct gateway *g);
/* All close with 1001: they come back to another gateway and go on behind the last seq they have
 * seen. */
void watchers_drain(struct gateway *g);

#endif
