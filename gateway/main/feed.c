#include "main/feed.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"

static void subscribe(struct feed *f);
static void subscribe_later(struct feed *f);

static struct feed *feed_find(const struct gateway *g, struct bytes task_id)
{
    return map_get(&g->feeds, task_id);
}

static struct feed *feed_create(struct gateway *g, struct bytes task_id)
{
    struct feed *f = mem_zalloc(sizeof *f);
    f->gateway = g;
    memcpy(f->task_id, task_id.ptr, task_id.len);
    f->base = 1;
    map_put(&g->feeds, bytes_str(f->task_id), f);
    subscribe(f);
    return f;
}

/* Also where the WATCH was not answered yet, or not in time: it may count there. Who has told us
 * that the partition is not his any more has forgotten it. */
static void unwatch(struct feed *f)
{
    int owner = peers_owner(&f->gateway->peers, id_partition(bytes_str(f->task_id)));
    if (owner >= 0) {
        struct message m = {.type = MSG_UNWATCH};
        m.task.task_id = bytes_str(f->task_id);
        (void)peers_send_message(&f->gateway->peers, owner, &m);
    }
}

static void feed_destroy(struct feed *f)
{
    struct requests *r = &f->gateway->requests;
    unwatch(f);
    requests_drop(r, f->watch_request);
    requests_drop(r, f->history_request);
    snapshot_load_stop(f->probe);
    feed_state_stop(f);
    feed_ring_clear(f, 0);
    map_remove(&f->gateway->feeds, bytes_str(f->task_id));
    free(f);
}

void feed_end_if_left(struct feed *f)
{
    if (f->clients == NULL && !f->notifying) {
        feed_destroy(f);
    }
}

/* Calls fn for every client; clients may leave meanwhile, so the next one is found by a mark. */
static void each_client(struct feed *f, void (*fn)(struct feed_client *c, const void *what),
                        const void *what)
{
    size_t n = 0;
    struct feed_client **all = mem_alloc((f->client_count + 1) * sizeof *all);
    for (struct feed_client *c = f->clients; c != NULL; c = c->next) {
        all[n++] = c;
    }
    bool outer = !f->notifying;
    f->notifying = true;
    for (size_t i = 0; i < n; i++) {
        fn(all[i], what); /* a callback ends its own client only */
    }
    free(all);
    if (outer) {
        f->notifying = false;
        feed_end_if_left(f);
    }
}

void feed_hold(struct feed *f, bool held)
{
    f->notifying = held;
}

static void tell_changed(struct feed_client *c, const void *what)
{
    (void)what;
    c->changed(c);
}

static void tell_failed(struct feed_client *c, const void *what)
{
    c->failed(c, what);
}

void feed_changed(struct feed *f)
{
    each_client(f, tell_changed, NULL);
}

static void feed_failed(struct feed *f, const struct problem *why)
{
    each_client(f, tell_failed, why);
}

void feed_reset(struct feed *f, uint64_t head)
{
    f->epoch++;
    feed_forget_recent(f);
    f->gateway->gaps_total++;
    f->known = head;
    feed_ring_clear(f, head);
    requests_drop(&f->gateway->requests, f->history_request);
    f->history_request = 0;
}

/* ---- holes ---- */

static void fill(struct feed *f);

static void on_history(void *user, const struct reply *reply)
{
    struct feed *f = user;
    f->history_request = 0;
    uint64_t before = f->head;
    if (reply->err == ERR_OK && reply->message->type == MSG_EVENTS) {
        for (uint32_t i = 0; i < reply->message->events.count; i++) {
            feed_ring_put(f, &reply->message->events.events[i]);
        }
    }
    if (f->head == before) { /* not kept any more, or not to be had */
        feed_reset(f, f->known);
    }
    fill(f);
    feed_changed(f);
}

static void fill(struct feed *f)
{
    if (f->head >= f->known || f->history_request != 0 || f->state != FEED_LIVE) {
        return;
    }
    struct message m = {.type = MSG_GET_HISTORY};
    m.get_history.task_id = bytes_str(f->task_id);
    m.get_history.after = f->head;
    f->history_request =
        requests_send(&f->gateway->requests, target_of(bytes_str(f->task_id)), &m, on_history, f);
    if (f->history_request == 0) {
        feed_reset(f, f->known);
    }
}

static void take_event(struct feed *f, const struct task_event *e)
{
    if (f->state == FEED_PROBING) {
        f->known = e->seq > f->known ? e->seq : f->known;
        return; /* of which run it is will be clear in a moment */
    }
    if (e->seq == 1 && f->known >= 1) {
        feed_reset(f, 0); /* a fresh run */
        f->run_known = false;
    }
    f->known = e->seq > f->known ? e->seq : f->known;
    feed_ring_put(f, e);
}

void feeds_events(struct gateway *g, int peer, const struct message *m)
{
    struct feed *f = feed_find(g, m->events.task_id);
    if (f == NULL || f->state == FEED_SUBSCRIBING || f->conn != g->peers.items[peer].conn) {
        return; /* told to a feed that has ended, or by one that is not its owner any more */
    }
    for (uint32_t i = 0; i < m->events.count; i++) {
        take_event(f, &m->events.events[i]);
    }
    fill(f);
    feed_changed(f);
}

/* ---- the subscription ---- */

static void on_probe(void *user, struct snapshot *s, const struct problem *why)
{
    struct feed *f = user;
    f->probe = NULL;
    if (s == NULL) {
        if (why->code == CODE_TASK_NOT_FOUND) {
            feed_failed(f, why);
        } else {
            subscribe_later(f);
        }
        return;
    }
    f->state = FEED_LIVE;
    /* The store has lost what it had confirmed? */
    bool went_back = s->view->seq < f->known_once;
    if (went_back || (f->run_known && s->view->run != f->run)) {
        f->run = s->view->run;
        feed_reset(f, s->view->seq);
    }
    f->known = s->view->seq > f->known ? s->view->seq : f->known;
    snapshot_unref(s);
    fill(f);
    feed_changed(f);
}

static void probe(struct feed *f)
{
    f->state = FEED_PROBING;
    f->known_once = f->known;
    snapshot_load_stop(f->probe);
    struct problem why;
    f->probe = snapshot_load_start(f->gateway, bytes_str(f->task_id),
                                   (struct snapshot_ask){false, on_probe, f}, &why);
    if (f->probe == NULL) {
        f->state = FEED_LIVE;
        feed_reset(f,
                   f->known); /* nothing can be asked now: everyone starts again from the state */
    }
}

static void take_watched(struct feed *f, conn_id conn, const struct message *m)
{
    f->conn = conn;
    if (!m->watched.exists) {
        struct problem p;
        problem_set(&p, CODE_TASK_NOT_FOUND, "there is no task %s, or it has expired", f->task_id);
        feed_failed(f, &p);
        return;
    }
    if (f->subscribed_once) {
        probe(f);
    } else {
        f->subscribed_once = true;
        f->state = FEED_LIVE;
        f->known = m->watched.seq;
        feed_ring_clear(f, m->watched.seq);
    }
    feed_load_wanted(f);
}

static void on_watched(void *user, const struct reply *reply)
{
    struct feed *f = user;
    f->watch_request = 0;
    if (reply->err == ERR_OK && reply->message->type == MSG_WATCHED) {
        take_watched(f, f->gateway->peers.items[reply->peer].conn, reply->message);
        return;
    }
    struct problem p;
    problem_from_reply(&p, reply, bytes_str(f->task_id));
    bool stay = f->subscribed_once && p.code != CODE_TASK_NOT_FOUND;
    if (stay) {
        subscribe_later(f); /* its watchers have seen it: they wait with us for a new owner */
    } else {
        feed_failed(f, &p);
    }
}

static void subscribe(struct feed *f)
{
    f->state = FEED_SUBSCRIBING;
    f->conn = 0;
    if (f->watch_request != 0) {
        return;
    }
    struct message m = {.type = MSG_WATCH};
    m.task.task_id = bytes_str(f->task_id);
    f->watch_request =
        requests_send(&f->gateway->requests, target_of(bytes_str(f->task_id)), &m, on_watched, f);
}

/* At the next tick, or with the next owner: one that is asked again at once refuses again. */
static void subscribe_later(struct feed *f)
{
    f->state = FEED_SUBSCRIBING;
    f->conn = 0;
}

void feeds_owners_changed(struct gateway *g)
{
    void *value;
    for (size_t i = 0; map_next(&g->feeds, &i, &value);) {
        struct feed *f = value;
        int owner = peers_owner(&g->peers, id_partition(bytes_str(f->task_id)));
        conn_id conn = owner >= 0 ? g->peers.items[owner].conn : 0;
        bool asks = f->state == FEED_SUBSCRIBING && f->watch_request != 0;
        if (!asks && (conn == 0 || conn != f->conn)) {
            snapshot_load_stop(f->probe);
            f->probe = NULL;
            subscribe(f);
        }
    }
}

/* ---- clients ---- */

void feeds_tick(struct gateway *g)
{
    void *value;
    for (size_t i = 0; map_next(&g->feeds, &i, &value);) {
        struct feed *f = value;
        if (f->state == FEED_SUBSCRIBING) {
            subscribe(f);
        }
        feed_load_wanted(f);
    }
}

void feed_join(struct gateway *g, struct bytes task_id, struct feed_client *c)
{
    struct feed *f = feed_find(g, task_id);
    if (f == NULL) {
        f = feed_create(g, task_id);
    }
    c->feed = f;
    c->prev = NULL;
    c->next = f->clients;
    if (f->clients != NULL) {
        f->clients->prev = c;
    }
    f->clients = c;
    f->client_count++;
}

void feed_leave(struct feed_client *c)
{
    struct feed *f = c->feed;
    if (f == NULL) {
        return;
    }
    feed_want_snapshot_none(c);
    *(c->prev != NULL ? &c->prev->next : &f->clients) = c->next;
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    c->feed = NULL;
    f->client_count--;
    feed_end_if_left(f);
}
