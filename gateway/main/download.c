#include "main/download.h"

#include <stdlib.h>

#include "api/status_json.h"
#include "model/limits.h"

/* More than most sockets take: what they leave is looked at again. */
#define LENT_AT_ONCE_BYTES_MAX (256u << 10)

struct download {
    struct exchange exchange;
    struct gateway *gateway;
    struct body_stream *stream;
};

static void download_end(struct download *d)
{
    exchange_remove(d->gateway, &d->exchange);
    body_stream_destroy(d->stream);
    free(d);
}

static void on_gone(struct exchange *x)
{
    download_end((struct download *)x);
}

static void on_wake(void *user)
{
    struct download *d = user;
    server_wake(d->gateway->http, d->exchange.id);
}

static void on_writable(struct exchange *x)
{
    static struct body_pieces pieces; /* the loop's thread only */
    struct download *d = (struct download *)x;
    struct gateway *g = d->gateway;
    exchange_id id = d->exchange.id;
    enum stream_state state = body_stream_next(d->stream, LENT_AT_ONCE_BYTES_MAX, &pieces);
    if (state == STREAM_BROKEN) {
        download_end(d);
        server_finish(g->http, id); /* short of its length: the client sees that it is cut */
    } else if (state != STREAM_WAIT) {
        size_t taken = server_lend(g->http, id, pieces.items, pieces.count);
        if (body_stream_taken(d->stream, taken)) {
            download_end(d);
        } else {
            server_wake(g->http, id);
        }
    }
}

/* All of it is there, and not much. */
static bool is_whole(const struct snapshot *s, const struct body_plan *plan)
{
    bool there = true;
    for (size_t i = 0; i < plan->count && !s->held; i++) {
        there = there && plan->pieces[i].from != BODY_DOC;
    }
    return there && plan->total <= HTTP_PIECE_BYTES_MAX;
}

void download_start(struct gateway *g, exchange_id id, struct snapshot *s, struct body_plan *plan,
                    struct http_header header)
{
    struct http_head head = {.status = 200,
                             .content_type = "application/json",
                             .headers = {{"cache-control", "no-store"}, header}};
    struct problem full;
    body_plan_finish(plan);
    bool whole = is_whole(s, plan);
    if (answers_full(g, whole ? (size_t)plan->total : body_stream_memory(plan), &full)) {
        body_plan_free(plan);
        answer_problem(g, id, &full, BYTES_NONE);
        return;
    }
    g->answers_by_class[2]++;
    if (whole) {
        struct buf *out = server_answer_put(g->http, id, &head, (size_t)plan->total);
        if (out != NULL) {
            body_plan_write(plan, s->doc, RESULTS_OFFSET, out);
        }
        body_plan_free(plan);
        return;
    }
    struct download *d = mem_zalloc(sizeof *d);
    d->gateway = g;
    d->stream = body_stream_create(g, s, plan, on_wake, d);
    d->exchange = (struct exchange){.id = id, .writable = on_writable, .gone = on_gone};
    exchange_add(g, &d->exchange);
    server_begin(g->http, id, &head, (int64_t)body_stream_total(d->stream));
    server_wake(g->http, id);
}

void download_status(struct gateway *g, exchange_id id, struct snapshot *s, bool results)
{
    char etag[ETAG_BYTES];
    struct body_plan plan = {0};
    status_render(s->view, results, &plan);
    download_start(g, id, s, &plan, (struct http_header){"etag", status_etag(s->view, etag)});
}
