#include "main/watcher_replay.h"

#include <stdlib.h>

#include "api/event_json.h"

static void events_free(struct replay *r)
{
    for (size_t i = 0; i < r->count; i++) {
        buf_free(&r->events[i].text);
    }
    if (r->gateway != NULL) {
        r->gateway->stream_bytes -= r->counted;
    }
    free(r->events);
    r->counted = 0;
    r->events = NULL;
    r->count = 0;
}

void replay_stop(struct replay *r)
{
    if (r->gateway != NULL) {
        requests_drop(&r->gateway->requests, r->request);
    }
    r->request = 0;
    events_free(r);
}

const struct feed_event *replay_event(const struct replay *r, uint64_t seq)
{
    bool inside = r->request == 0 && seq > r->after && seq - r->after <= r->count;
    return inside ? &r->events[seq - r->after - 1] : NULL;
}

void replay_passed(struct replay *r, uint64_t seq)
{
    if (r->count > 0 && seq >= r->after + r->count) {
        events_free(r);
    }
}

static void on_page(void *user, const struct reply *reply)
{
    struct replay *r = user;
    r->request = 0;
    struct problem full;
    if (reply->err != ERR_OK || reply->message->type != MSG_EVENTS ||
        answers_full(r->gateway, 0, &full)) {
        r->done(r->user, false);
        return;
    }
    uint32_t count = reply->message->events.count;
    r->events = mem_zalloc((count + 1) * sizeof *r->events);
    size_t bytes = 0;
    r->counted = (count + 1) * sizeof *r->events;
    for (uint32_t i = 0; i < count && bytes < FEED_RING_BYTES_MAX;
         i++) { /* the rest is asked for later */
        const struct task_event *e = &reply->message->events.events[i];
        if (e->seq != r->after + r->count + 1) {
            break; /* the oldest kept one is newer */
        }
        event_render(bytes_str(r->task_id), e, &r->events[r->count].text);
        bytes += r->events[r->count].text.len;
        r->counted += r->events[r->count].text.cap;
        r->events[r->count++].type = e->type;
    }
    r->gateway->stream_bytes += r->counted;
    r->done(r->user, r->count > 0);
}

void replay_ask(struct replay *r, struct gateway *g, struct bytes task_id, uint64_t after)
{
    if (r->request != 0) {
        return;
    }
    events_free(r);
    r->gateway = g;
    r->after = after;
    memcpy(r->task_id, task_id.ptr, task_id.len);
    r->task_id[task_id.len] = '\0';
    struct message m = {.type = MSG_GET_HISTORY};
    m.get_history.task_id = task_id;
    m.get_history.after = after;
    r->request = requests_send(&g->requests, target_of(task_id), &m, on_page, r);
    if (r->request == 0) {
        r->done(r->user, false);
    }
}
