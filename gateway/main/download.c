#include "main/download.h"

#include <stdlib.h>

#include "api/status_json.h"

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
    struct download *d = (struct download *)x;
    struct gateway *g = d->gateway;
    exchange_id id = d->exchange.id;
    struct buf piece = {0};
    enum stream_state state = body_stream_next(d->stream, HTTP_PIECE_BYTES_MAX, &piece);
    if (state == STREAM_MORE || state == STREAM_LAST) {
        server_write(g->http, id, buf_bytes(&piece));
    }
    buf_free(&piece);
    if (state == STREAM_MORE) {
        server_wake(g->http, id);
    } else if (state == STREAM_LAST) {
        download_end(d);
    } else if (state == STREAM_BROKEN) {
        download_end(d);
        server_finish(g->http, id); /* short of its length: the client sees that it is cut */
    }
}

void download_start(struct gateway *g, exchange_id id, struct snapshot *s, struct body_plan *plan,
                    struct http_header header)
{
    struct http_head head = {.status = 200,
                             .content_type = "application/json",
                             .headers = {{"cache-control", "no-store"}, header}};
    struct download *d = mem_zalloc(sizeof *d);
    d->gateway = g;
    d->stream = body_stream_create(g, s, plan, on_wake, d);
    uint64_t total = body_stream_total(d->stream);
    g->answers_by_class[2]++;
    if (total <= HTTP_PIECE_BYTES_MAX && (s->held || s->view->results_bytes <= 2)) {
        struct buf body = {0};
        (void)body_stream_next(d->stream, (size_t)total, &body);
        server_answer(g->http, id, &head, buf_bytes(&body));
        buf_free(&body);
        body_stream_destroy(d->stream);
        free(d);
        return;
    }
    d->exchange = (struct exchange){.id = id, .writable = on_writable, .gone = on_gone};
    exchange_add(g, &d->exchange);
    server_begin(g->http, id, &head, (int64_t)total);
    server_wake(g->http, id);
}

void download_status(struct gateway *g, exchange_id id, struct snapshot *s, bool results)
{
    char etag[ETAG_BYTES];
    struct body_plan plan = {0};
    status_render(s->view, results, &plan);
    download_start(g, id, s, &plan, (struct http_header){"etag", status_etag(s->view, etag)});
}
