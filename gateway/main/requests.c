#include "main/requests.h"

#include <stdlib.h>

#include "wire/frame.h"

#define LOOK_MS 50 /* how finely deadlines are kept */

struct request {
    wire_id id;
    struct target target;
    struct buf frame; /* or else: */
    struct message *message;
    struct request_memory kept; /* of the message */
    int sent_to;                /* peer, -1 = held */
    unsigned sent;              /* times */
    mono_ms held_since;
    mono_ms deadline;
    reply_fn *fn;
    void *user;
    struct request *prev, *next;
};

void requests_init(struct requests *r, struct peers *peers, struct loop *loop)
{
    *r = (struct requests){.peers = peers, .loop = loop};
}

static void request_remove(struct requests *r, struct request *q)
{
    map_remove(&r->by_id, bytes_of(&q->id, sizeof q->id));
    *(q->prev != NULL ? &q->prev->next : &r->first) = q->next;
    *(q->next != NULL ? &q->next->prev : &r->last) = q->prev;
    r->frame_bytes -= q->frame.len + q->kept.bytes;
    buf_free(&q->frame);
    if (q->message != NULL) {
        q->kept.release(q->kept.memory);
        free(q->message);
    }
    free(q);
}

void requests_stop(struct requests *r)
{
    while (r->first != NULL) {
        request_remove(r, r->first);
    }
    map_free(&r->by_id);
    if (r->timer != NULL) {
        loop_timer_destroy(r->timer);
    }
}

static int peer_for(const struct requests *r, const struct request *q)
{
    switch (q->target.kind) {
    case TARGET_PARTITION:
        return peers_owner(r->peers, q->target.partition);
    case TARGET_ANY:
        return peers_any(r->peers);
    case TARGET_PEER:
        return q->target.peer;
    }
    return -1;
}

static void request_try(struct requests *r, struct request *q)
{
    int peer = peer_for(r, q);
    bool sent =
        peer >= 0 && (q->message != NULL ? peers_send_message(r->peers, peer, q->message)
                                         : peers_send(r->peers, peer, buf_bytes(&q->frame)));
    if (!sent) {
        return;
    }
    q->sent_to = peer;
    r->sent_total++;
    r->resent_total += q->sent > 0;
    q->sent++;
}

static void request_hold(struct requests *r, struct request *q)
{
    q->sent_to = -1;
    q->held_since = loop_now(r->loop).mono;
}

static void request_fail(struct requests *r, struct request *q)
{
    /* Silent: an owner has it and does not answer. Away: there is no owner to ask (any more). */
    struct reply reply = {
        .err = q->sent_to >= 0 ? ERR_UNKNOWN : ERR_UNAVAILABLE, .resent = q->sent > 0, .peer = -1};
    reply_fn *fn = q->fn;
    void *user = q->user;
    r->failed_total++;
    request_remove(r, q);
    fn(user, &reply);
}

/* The first one that is late, looked up anew each time: an answer may add and drop others. */
static struct request *late_one(const struct requests *r, mono_ms now)
{
    for (struct request *q = r->first; q != NULL; q = q->next) {
        bool pinned_lost = q->sent_to < 0 && q->target.kind == TARGET_PEER;
        bool held_out = q->sent_to < 0 && now - q->held_since >= HOLD_MS;
        if (pinned_lost || held_out || now >= q->deadline) {
            return q;
        }
    }
    return NULL;
}

static void look(void *user)
{
    struct requests *r = user;
    mono_ms now = loop_now(r->loop).mono;
    for (struct request *q = late_one(r, now); q != NULL; q = late_one(r, now)) {
        request_fail(r, q);
    }
    loop_timer_set(r->timer, r->first != NULL ? now + LOOK_MS : NEVER_MS);
}

static wire_id request_begin(struct requests *r, struct request *q)
{
    r->frame_bytes += q->frame.len + q->kept.bytes;
    q->deadline = loop_now(r->loop).mono + ANSWER_MS;
    request_hold(r, q);
    q->prev = r->last;
    *(r->last != NULL ? &r->last->next : &r->first) = q;
    r->last = q;
    map_put(&r->by_id, bytes_of(&q->id, sizeof q->id), q);
    request_try(r, q);
    if (r->timer == NULL) {
        r->timer = loop_timer_create(r->loop, look, r);
    }
    if (q->prev == NULL) {
        loop_timer_set(r->timer, loop_now(r->loop).mono + LOOK_MS);
    }
    return q->id;
}

static bool is_full(const struct requests *r, size_t more)
{
    return r->by_id.count >= REQUESTS_MAX || r->frame_bytes + more > REQUESTS_BYTES_MAX;
}

wire_id requests_send(struct requests *r, struct target target, struct message *m, reply_fn *fn,
                      void *user)
{
    if (is_full(r, 0)) {
        return 0;
    }
    struct request *q = mem_zalloc(sizeof *q);
    *q = (struct request){.id = ++r->last_id, .target = target, .fn = fn, .user = user};
    m->request = q->id;
    if (frame_encode(m, &q->frame) != ERR_OK || is_full(r, q->frame.len)) {
        buf_free(&q->frame);
        free(q);
        return 0;
    }
    return request_begin(r, q);
}

wire_id requests_send_kept(struct requests *r, const struct message *m,
                           const struct request_memory *memory, reply_fn *fn, void *user)
{
    if (is_full(r, memory->bytes)) {
        return 0;
    }
    struct request *q = mem_zalloc(sizeof *q);
    *q = (struct request){.id = ++r->last_id,
                          .target = target_of(m->start.task_id),
                          .message = mem_alloc(sizeof *m),
                          .kept = *memory,
                          .fn = fn,
                          .user = user};
    *q->message = *m;
    q->message->request = q->id;
    return request_begin(r, q);
}

void requests_drop(struct requests *r, wire_id id)
{
    struct request *q = map_get(&r->by_id, bytes_of(&id, sizeof id));
    if (q != NULL) {
        request_remove(r, q);
    }
}

/* A refusal by one that has lost the partition meanwhile says nothing about its new owner. */
static bool moved_away(const struct requests *r, const struct request *q, const struct message *m)
{
    return m->type == MSG_REFUSED && m->refused.code == CODE_UNAVAILABLE &&
           q->target.kind == TARGET_PARTITION &&
           peers_owner(r->peers, q->target.partition) != q->sent_to;
}

void requests_answer(struct requests *r, int peer, const struct message *m, struct bytes frame)
{
    struct request *q = map_get(&r->by_id, bytes_of(&m->request, sizeof m->request));
    if (q == NULL || q->sent_to != peer) {
        return; /* dropped by us, or an answer to an earlier sending */
    }
    if (moved_away(r, q, m)) {
        request_hold(r, q);
        request_try(r, q);
        return;
    }
    struct reply reply = {.message = m, .frame = frame, .resent = q->sent > 1, .peer = peer};
    reply_fn *fn = q->fn;
    void *user = q->user;
    request_remove(r, q);
    fn(user, &reply);
}

void requests_peer_lost(struct requests *r, int peer)
{
    for (struct request *q = r->first; q != NULL; q = q->next) {
        if (q->sent_to == peer) {
            request_hold(r, q);
        }
    }
}

void requests_retry(struct requests *r)
{
    for (struct request *q = r->first; q != NULL; q = q->next) {
        if (q->sent_to < 0 && q->target.kind != TARGET_PEER) {
            request_try(r, q);
        }
    }
}
