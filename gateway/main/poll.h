/* A long poll: a status request that waits until the task's state is another than the one its
 * If-None-Match names. */
#ifndef MARATHON_GATEWAY_POLL_H
#define MARATHON_GATEWAY_POLL_H

#include "main/feed.h"

struct poll_options {
    bool results;
    mono_ms wait_ms;
    struct bytes if_none_match, request_id; /* copied */
};

void poll_start(struct gateway *g, exchange_id id, struct bytes task_id,
                const struct poll_options *options);
/* Answers all who wait: nothing has changed. Who has not yet heard the state gets that. */
void polls_drain(struct gateway *g);
/* Answers the rest, too: 503. */
void polls_end(struct gateway *g);

#endif
