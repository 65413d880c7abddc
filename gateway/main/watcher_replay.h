/* Old events for one watcher, from the owner's history, a page at a time: what is older than its
 * feed's ring. */
#ifndef MARATHON_GATEWAY_WATCHER_REPLAY_H
#define MARATHON_GATEWAY_WATCHER_REPLAY_H

#include "main/feed.h"

/* Zero-initialise but for done and user. done: a page is there, or (complete false) the events
 * behind the cursor are not to be had: not kept any more, or there is no room for them. */
struct replay {
    void (*done)(void *user, bool complete);
    void *user;
    struct gateway *gateway;
    wire_id request;
    char task_id[ID_BYTES_MAX + 1];
    uint64_t after;            /* of the page */
    struct feed_event *events; /* with seq after + 1, after + 2, ... */
    size_t count;
    size_t counted; /* bytes, in gateway.stream_bytes */
};

void replay_ask(struct replay *r, struct gateway *g, struct bytes task_id, uint64_t after);
const struct feed_event *replay_event(const struct replay *r, uint64_t seq);
/* So far it is given: a page that is done with goes. */
void replay_passed(struct replay *r, uint64_t seq);
void replay_stop(struct replay *r);

#endif
