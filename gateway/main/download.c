#include "main/download.h"

#include <assert.h>
#include <stdlib.h>

#include "api/status_json.h"
#include "model/limits.h"

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

static void large_give(struct download *d, struct bytes large)
{
    struct gateway *g = d->gateway;
    exchange_id id = d->exchange.id;
    if (body_stream_given(d->stream, server_lend(g->http, id, large))) {
        download_end(d);
    } else {
        server_wake(g->http, id);
    }
}

static void on_writable(struct exchange *x)
{
    struct download *d = (struct download *)x;
    struct gateway *g = d->gateway;
    exchange_id id = d->exchange.id;
    struct bytes large = body_stream_large(d->stream);
    if (large.len > 0) {
        large_give(d, large);
        return;
    }
    struct buf *out = server_piece_put(g->http, id);
    assert(out != NULL && "it is what asks for the piece");
    enum stream_state state = body_stream_next(d->stream, HTTP_PIECE_BYTES_MAX, out);
    if (state == STREAM_MORE) {
        server_wake(g->http, id);
    } else if (state == STREAM_LAST) {
        download_end(d);
    } else if (state == STREAM_BROKEN) {
        out->len = 0;
        download_end(d);
        server_finish(g->http, id); /* short of its length: the client sees that it is cut */
    }
}

/* All of it is there, and not much. */
static bool is_whole(const struct snapshot *s, const struct body_plan *plan)
{
    bool there = true;
    for (size_t i = 0; i < plan->count && !s->held; i++) {
        there = there && !plan->pieces[i].doc;
    }
    return there && plan->total <= HTTP_PIECE_BYTES_MAX;
}

void download_start(struct gateway *g, exchange_id id, struct snapshot *s, struct body_plan *plan,
                    struct http_header header)
{
    struct http_head head = {.status = 200,
                             .content_type = "application/json",
                             .headers = {{"cache-control", "no-store"}, header}};
    g->answers_by_class[2]++;
    body_plan_finish(plan);
    if (is_whole(s, plan)) {
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
    body_stream_lends(d->stream);
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
