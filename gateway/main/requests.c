#include "main/requests.h"

#include <stdlib.h>

#include "wire/frame.h"

#define LOOK_MS 50 /* how finely deadlines are kept */
/* A frame that is held keeps those beside it too. Answers take milliseconds; who waits for longer
 * than this has a copy, but for what was lent to it. */
#define HELD_FRAME_MS 500

struct request {
    wire_id id;
    struct target target;
    struct held_frame sheet; /* it waits to go out there, or did; else: */
    struct slices frame;     /* its own */
    int sent_to;             /* peer, -1 = held */
    int queued;              /* held, until that peer has answered others; or -1 */
    uint32_t doc_bytes;      /* a read of a document: what the answer may have */
    unsigned sent;           /* times */
    mono_ms begun, held_since;
    mono_ms deadline;
    reply_fn *fn; /* NULL: dropped, its answer is on the way */
    void *user;
    struct request *prev, *next;
    struct request *queue_prev, *queue_next;
};

void requests_init(struct requests *r, struct peers *peers, struct loop *loop)
{
    *r = (struct requests){.peers = peers, .loop = loop};
}

/* ---- documents: so many bytes of them at once ---- */

/* Here: with those awaited, and those that wait for clients. */
static bool docs_here_full(const struct requests *r, const struct request *q)
{
    size_t held = r->docs_held != NULL ? r->docs_held(r->docs_user) : 0;
    return held > 0 && held + r->docs_awaited + q->doc_bytes > r->docs_held_max;
}

static bool docs_full(const struct requests *r, int peer, const struct request *q)
{
    size_t awaited = r->docs[peer].awaited;
    bool there = awaited > 0 && awaited + q->doc_bytes > DOCS_AWAITED_BYTES_MAX;
    return q->doc_bytes > 0 && (there || docs_here_full(r, q));
}

static bool docs_wait(const struct requests *r, int peer, const struct request *q)
{
    return q->doc_bytes > 0 && (r->docs[peer].first != NULL || docs_full(r, peer, q));
}

static void docs_queue(struct requests *r, struct request *q, int peer)
{
    struct docs_flow *f = &r->docs[peer];
    q->queued = peer;
    q->queue_prev = f->last;
    q->queue_next = NULL;
    *(f->last != NULL ? &f->last->queue_next : &f->first) = q;
    f->last = q;
}

/* Its time begins now: so far it has waited for others. */
static void docs_unqueue(struct requests *r, struct request *q)
{
    if (q->queued >= 0) {
        struct docs_flow *f = &r->docs[q->queued];
        *(q->queue_prev != NULL ? &q->queue_prev->queue_next : &f->first) = q->queue_next;
        *(q->queue_next != NULL ? &q->queue_next->queue_prev : &f->last) = q->queue_prev;
        q->queued = -1;
        q->held_since = loop_now(r->loop).mono;
        q->deadline = q->held_since + ANSWER_MS;
    }
}

/* Sent to nobody any more: answered, given up, or its peer is lost. */
static void docs_leave(struct requests *r, struct request *q)
{
    if (q->sent_to >= 0) {
        r->docs[q->sent_to].awaited -= q->doc_bytes;
        r->docs_awaited -= q->doc_bytes;
    }
    q->sent_to = -1;
}

static void request_remove(struct requests *r, struct request *q)
{
    docs_unqueue(r, q);
    docs_leave(r, q);
    map_remove(&r->by_id, bytes_of(&q->id, sizeof q->id));
    *(q->prev != NULL ? &q->prev->next : &r->first) = q->next;
    *(q->next != NULL ? &q->next->prev : &r->last) = q->prev;
    r->frame_bytes -= slices_memory(&q->frame) + held_frame_release(&q->sheet);
    slices_free(&q->frame);
    free(q);
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

static void request_sent(struct requests *r, struct request *q, int peer)
{
    q->sent_to = peer;
    if (q->doc_bytes > 0 && r->docs[peer].awaited == 0) {
        r->docs[peer].heard = loop_now(r->loop).mono;
    }
    r->docs[peer].awaited += q->doc_bytes;
    r->docs_awaited += q->doc_bytes;
    r->sent_total++;
    r->resent_total += q->sent > 0;
    q->sent++;
}

static void request_go(struct requests *r, struct request *q, int peer)
{
    if (peers_send(r->peers, peer, &q->frame)) {
        request_sent(r, q, peer);
    }
}

/* One that is held. */
static void request_try(struct requests *r, struct request *q)
{
    int peer = peer_for(r, q);
    if (q->queued >= 0 && q->queued != peer) {
        docs_unqueue(r, q);
    }
    if (peer < 0 || q->queued >= 0) {
        return;
    }
    if (docs_wait(r, peer, q)) {
        docs_queue(r, q, peer);
    } else {
        request_go(r, q, peer);
    }
}

/* In the order in which they came, as far as there is room. */
static void docs_go_on(struct requests *r, int peer)
{
    struct docs_flow *f = &r->docs[peer];
    while (f->first != NULL && !docs_full(r, peer, f->first)) {
        struct request *q = f->first;
        docs_unqueue(r, q);
        if (peer_for(r, q) == peer) {
            request_go(r, q, peer);
        } else {
            request_try(r, q);
        }
    }
}

static void frame_own(struct requests *r, struct request *q)
{
    if (q->sheet.sheet != NULL) {
        held_frame_add(&q->sheet, &q->frame);
        r->frame_bytes += slices_memory(&q->frame);
        r->frame_bytes -= held_frame_release(&q->sheet);
    }
}

static void request_hold(struct requests *r, struct request *q)
{
    frame_own(r, q);
    docs_leave(r, q);
    q->held_since = loop_now(r->loop).mono;
}

/* Silent: an owner has it, or what is before it, and does not answer. Away: there is no owner to
 * ask (any more). Else nothing is awaited of it: there was no room to ask. */
static enum err fail_reason(const struct requests *r, const struct request *q)
{
    if (q->queued >= 0 && r->docs[q->queued].awaited == 0) {
        return ERR_FULL;
    }
    return q->sent_to >= 0 || q->queued >= 0 ? ERR_UNKNOWN : ERR_UNAVAILABLE;
}

static void request_fail(struct requests *r, struct request *q)
{
    if (q->fn == NULL) {
        request_remove(r, q);
        return;
    }
    struct reply reply = {.err = fail_reason(r, q), .resent = q->sent > 0, .peer = -1};
    reply_fn *fn = q->fn;
    void *user = q->user;
    r->failed_total += reply.err != ERR_FULL;
    request_remove(r, q);
    fn(user, &reply);
}

/* One that waits for its turn does so while others before it are answered; one for which there is
 * no room is asked each so often whether it still wants to. */
static bool request_late(const struct requests *r, const struct request *q, mono_ms now)
{
    if (q->queued >= 0) {
        mono_ms heard = r->docs[q->queued].heard;
        return now - (heard > q->begun ? heard : q->begun) >= ANSWER_MS;
    }
    bool pinned_lost = q->sent_to < 0 && q->target.kind == TARGET_PEER;
    bool held_out = q->sent_to < 0 && now - q->held_since >= HOLD_MS;
    return pinned_lost || held_out || now >= q->deadline;
}

/* The first one that is late, looked up anew each time: an answer may add and drop others. */
static struct request *late_one(const struct requests *r, mono_ms now)
{
    struct request *q = r->first;
    while (q != NULL && !request_late(r, q, now)) {
        q = q->next;
    }
    return q;
}

static void look(void *user)
{
    struct requests *r = user;
    mono_ms now = loop_now(r->loop).mono;
    for (struct request *q = r->first; q != NULL && now - q->begun >= HELD_FRAME_MS; q = q->next) {
        frame_own(r, q);
    }
    for (struct request *q = late_one(r, now); q != NULL; q = late_one(r, now)) {
        request_fail(r, q);
    }
    for (int peer = 0; peer < PEERS_MAX; peer++) {
        docs_go_on(r, peer); /* where one was given up */
    }
    loop_timer_set(r->timer, r->first != NULL ? now + LOOK_MS : NEVER_MS);
}

void requests_give_up(struct requests *r)
{
    wire_id last = r->last_id;
    while (r->first != NULL && r->first->id <= last) {
        request_fail(r, r->first);
    }
}

/* To the peer that it is for, or into a frame that waits for one. ERR_TOO_LARGE: for any. */
static enum err request_begin(struct requests *r, struct request *q,
                              const struct lent_message *lent)
{
    const struct message *m = lent->message;
    int peer = peer_for(r, q);
    if (peer >= 0 && docs_wait(r, peer, q)) {
        docs_queue(r, q, peer);
        peer = -1;
    }
    struct lenders lenders = {.items = &lent->lender, .count = lent->lender != NULL};
    enum err e =
        peer >= 0 ? peers_send_held(r->peers, peer, m, &lenders, &q->sheet) : ERR_NOT_FOUND;
    if (e == ERR_OK) {
        request_sent(r, q, peer);
        r->frame_bytes += q->sheet.memory;
    } else if (e != ERR_TOO_LARGE) {
        struct slices whole = {0};
        e = frame_encode_lent(m, &lenders, &whole);
        slices_add(&q->frame, &whole, (struct slices_place){0}, slices_len(&whole));
        slices_free(&whole);
        r->frame_bytes += slices_memory(&q->frame);
    }
    return e;
}

wire_id requests_send_lent(struct requests *r, struct target target, struct lent_message m,
                           reply_fn *fn, void *user)
{
    if (r->by_id.count >= REQUESTS_MAX || r->frame_bytes >= REQUESTS_BYTES_MAX) {
        return 0;
    }
    struct request *q = mem_zalloc(sizeof *q);
    mono_ms now = loop_now(r->loop).mono;
    *q = (struct request){.id = ++r->last_id,
                          .target = target,
                          .sent_to = -1,
                          .queued = -1,
                          .doc_bytes = m.message->type == MSG_GET_DOC ? m.message->get_doc.len : 0,
                          .begun = now,
                          .held_since = now,
                          .deadline = now + ANSWER_MS,
                          .fn = fn,
                          .user = user};
    m.message->request = q->id;
    if (request_begin(r, q, &m) != ERR_OK) {
        docs_unqueue(r, q);
        slices_free(&q->frame);
        free(q);
        return 0;
    }
    q->prev = r->last;
    *(r->last != NULL ? &r->last->next : &r->first) = q;
    r->last = q;
    map_put(&r->by_id, bytes_of(&q->id, sizeof q->id), q);
    if (r->timer == NULL) {
        r->timer = loop_timer_create(r->loop, look, r);
    }
    if (q->prev == NULL) {
        loop_timer_set(r->timer, now + LOOK_MS);
    }
    return q->id;
}

wire_id requests_send(struct requests *r, struct target target, struct message *m, reply_fn *fn,
                      void *user)
{
    return requests_send_lent(r, target, (struct lent_message){m, NULL}, fn, user);
}

void requests_drop(struct requests *r, wire_id id)
{
    struct request *q = map_get(&r->by_id, bytes_of(&id, sizeof id));
    if (q != NULL && q->sent_to >= 0 && q->doc_bytes > 0) {
        q->fn = NULL;
        r->frame_bytes -= slices_memory(&q->frame) + held_frame_release(&q->sheet);
        slices_free(&q->frame);
    } else if (q != NULL) {
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
    if (q->doc_bytes > 0) {
        r->docs[peer].heard = loop_now(r->loop).mono;
    }
    if (q->fn == NULL) {
        request_remove(r, q);
        docs_go_on(r, peer);
        return;
    }
    if (moved_away(r, q, m)) {
        request_hold(r, q);
        request_try(r, q);
        docs_go_on(r, peer);
        return;
    }
    struct reply reply = {.message = m, .frame = frame, .resent = q->sent > 1, .peer = peer};
    reply_fn *fn = q->fn;
    void *user = q->user;
    request_remove(r, q);
    docs_go_on(r, peer);
    fn(user, &reply);
}

void requests_peer_lost(struct requests *r, int peer)
{
    for (struct request *q = r->first, *next; q != NULL; q = next) {
        next = q->next;
        if (q->sent_to == peer && q->fn == NULL) {
            request_remove(r, q);
        } else if (q->sent_to == peer) {
            request_hold(r, q);
        } else if (q->queued == peer) {
            docs_unqueue(r, q);
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
