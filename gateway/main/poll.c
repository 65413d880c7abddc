#include "main/poll.h"

#include <stddef.h>
#include <stdlib.h>

#include "api/status_json.h"
#include "main/download.h"

struct poll {
    struct exchange exchange;
    struct feed_client client;
    struct gateway *gateway;
    struct loop_timer *timer;
    bool results;
    char *if_none_match, *request_id;
    bool seen; /* the state below */
    uint64_t seq, epoch;
    char etag[ETAG_BYTES];
    struct poll *prev, *next;
};

static struct poll *of_client(struct feed_client *c)
{
    return (struct poll *)(void *)((char *)c - offsetof(struct poll, client));
}

static void poll_free(struct poll *p)
{
    exchange_remove(p->gateway, &p->exchange);
    loop_timer_destroy(p->timer);
    *(p->prev != NULL ? &p->prev->next : &p->gateway->poll_list) = p->next;
    if (p->next != NULL) {
        p->next->prev = p->prev;
    }
    p->gateway->watchers--;
    feed_leave(&p->client);
    free(p->if_none_match);
    free(p->request_id);
    free(p);
}

static void on_gone(struct exchange *x)
{
    poll_free((struct poll *)x);
}

static void on_writable(struct exchange *x)
{
    (void)x; /* it asks for no room: its answer is whole */
}

static void on_time(void *user)
{
    struct poll *p = user;
    struct gateway *g = p->gateway;
    exchange_id id = p->exchange.id;
    if (p->seen) {
        char etag[ETAG_BYTES];
        memcpy(etag, p->etag, sizeof etag);
        poll_free(p);
        answer_empty(g, id, 304, etag);
        return;
    }
    struct problem why;
    char *request_id = mem_str(p->request_id);
    problem_set(&why, CODE_UNAVAILABLE,
                "no coordinator that owns this task can be reached (/readyz?verbose says more)");
    why.retry_after_s = 2;
    poll_free(p);
    answer_problem(g, id, &why, bytes_str(request_id));
    free(request_id);
}

static void on_changed(struct feed_client *c)
{
    struct poll *p = of_client(c);
    if (p->seen && (c->feed->known > p->seq || c->feed->epoch != p->epoch)) {
        feed_want_snapshot(c, c->feed->epoch == p->epoch ? c->feed->known : 0);
    }
}

static void on_snapshot(struct feed_client *c, struct snapshot *s)
{
    struct poll *p = of_client(c);
    p->seen = true;
    p->seq = s->view->seq;
    p->epoch = c->feed->epoch;
    if (status_etag_matches(s->view, bytes_str(p->if_none_match))) {
        status_etag(s->view, p->etag);
        on_changed(
            c); /* what came while the state was read is newer than it, and may be the last */
        return;
    }
    struct gateway *g = p->gateway;
    exchange_id id = p->exchange.id;
    bool results = p->results;
    poll_free(p);
    download_status(g, id, s, results);
}

static void on_failed(struct feed_client *c, const struct problem *why)
{
    struct poll *p = of_client(c);
    struct gateway *g = p->gateway;
    exchange_id id = p->exchange.id;
    char *request_id = mem_str(p->request_id);
    poll_free(p);
    answer_problem(g, id, why, bytes_str(request_id));
    free(request_id);
}

void polls_drain(struct gateway *g)
{
    struct poll *next;
    for (struct poll *p = g->poll_list; p != NULL; p = next) {
        next = p->next;
        if (p->seen) {
            on_time(p);
        }
    }
}

void polls_end(struct gateway *g)
{
    while (g->poll_list != NULL) {
        on_time(g->poll_list);
    }
}

void poll_start(struct gateway *g, exchange_id id, struct bytes task_id,
                const struct poll_options *options)
{
    if (g->watchers >= WATCHERS_MAX) {
        struct problem why;
        problem_full(&why);
        answer_problem(g, id, &why, options->request_id);
        return;
    }
    struct poll *p = mem_zalloc(sizeof *p);
    p->gateway = g;
    p->exchange = (struct exchange){.id = id, .writable = on_writable, .gone = on_gone};
    p->client =
        (struct feed_client){.changed = on_changed, .snapshot = on_snapshot, .failed = on_failed};
    p->results = options->results;
    p->if_none_match = mem_str_bytes(options->if_none_match);
    p->request_id = mem_str_bytes(options->request_id);
    p->timer = loop_timer_create(g->loop, on_time, p);
    loop_timer_set(p->timer, loop_now(g->loop).mono + options->wait_ms);
    p->next = g->poll_list;
    if (p->next != NULL) {
        p->next->prev = p;
    }
    g->poll_list = p;
    g->watchers++;
    exchange_add(g, &p->exchange);
    feed_join(g, task_id, &p->client);
    feed_want_snapshot(&p->client, 0);
}
