#include "main/calls.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/openapi.h"
#include "api/query.h"
#include "base/log.h"
#include "json/scan.h"
#include "main/constant.h"
#include "main/fanout.h"
#include "main/snapshot.h"
#include "main/watcher.h"

#define STATUS_URL            "/api/v1/marathon/status/"
#define KEY_REFUSED_EVERY_MS  1000
#define FORWARDED_SHOWN_BYTES 200 /* of what anybody may write: a few proxies' addresses */

static void on_gone(struct exchange *x)
{
    call_end((struct call_state *)x);
}

static void on_writable(struct exchange *x)
{
    (void)x; /* a call asks for no room: its answer is whole, or a download's */
}

/* As much of it as there is room for. */
static void keep_text(char *text, size_t size, struct bytes from)
{
    size_t len = from.len < size ? from.len : size - 1;
    if (len > 0) {
        memcpy(text, from.ptr, len);
    }
    text[len] = '\0';
}

struct call_state *call_begin(struct gateway *g, exchange_id id, const struct route *route,
                              const struct http_request *request)
{
    struct call_state *c = mem_zalloc(sizeof *c);
    c->gateway = g;
    c->call = route->call;
    memcpy(c->task_id, route->id.ptr != NULL ? route->id.ptr : (const uint8_t *)"", route->id.len);
    keep_text(c->step, sizeof c->step, route->step);
    keep_text(c->request_id, sizeof c->request_id, request->request_id);
    c->exchange = (struct exchange){.id = id, .writable = on_writable, .gone = on_gone};
    exchange_add(g, &c->exchange);
    return c;
}

void call_end(struct call_state *c)
{
    exchange_remove(c->gateway, &c->exchange);
    requests_drop(&c->gateway->requests, c->request);
    snapshot_load_stop(c->load);
    fanout_stop(c->fanout);
    start_batch_free(c->batch);
    requeue_all_stop(c->requeue);
    free(c->if_none_match);
    call_fork_free(c->fork);
    buf_free(&c->body);
    free(c);
}

/* What is done with a call. long_answer: it only reads, and its answer may be long, so that it is
 * refused where too much waits for slow clients. Of the others what was asked for is done first,
 * and then to be told. carry_out is NULL for those that calls_request answers itself. */
struct call_row {
    void (*carry_out)(struct call_state *c, const struct http_request *request);
    bool long_answer;
};

static const struct call_row call_rows[CALL_COUNT] = {
    [CALL_START] = {call_start, false},
    [CALL_START_BATCH] = {call_start_batch, false},
    [CALL_STATUS] = {call_status, true},
    [CALL_RECOVER] = {call_recover, false},
    [CALL_CANCEL] = {call_cancel, false},
    [CALL_PAUSE] = {call_pause, false},
    [CALL_RESUME] = {call_resume, false},
    [CALL_SIGNAL] = {call_signal, false},
    [CALL_FORK] = {call_fork, false},
    [CALL_CHECKPOINTS] = {call_read, true},
    [CALL_HISTORY] = {call_history, true},
    [CALL_RESULT] = {call_read, true},
    [CALL_STREAM] = {NULL, true},
    [CALL_TASKS] = {call_tasks, true},
    [CALL_ITEMS] = {call_items, true},
    [CALL_PIPELINES] = {call_pipelines, true},
    [CALL_PIPELINE] = {call_pipelines, true},
    [CALL_PIPELINE_PUT] = {call_pipeline_put, false},
    [CALL_PIPELINE_VERSIONS] = {call_pipeline_versions, true},
    [CALL_PIPELINE_CHECK] = {call_pipeline_put, false},
    [CALL_WORKERS] = {call_workers, true},
    [CALL_USAGE] = {call_usage, true},
    [CALL_DEAD_LETTERS] = {call_dead_letters, true},
    [CALL_REQUEUE_ALL] = {call_requeue_all, false},
    [CALL_REQUEUE] = {call_requeue, false},
    [CALL_LIVE] = {NULL, false},
    [CALL_READY] = {call_ready, false},
    [CALL_METRICS] = {NULL, false},
    [CALL_OPENAPI] = {NULL, false},
    [CALL_SOCKET] = {NULL, false},
};

static void answer_with(struct call_state *c, int status, struct bytes body,
                        const struct http_header *headers)
{
    struct problem full;
    if (call_rows[c->call].long_answer && answers_full(c->gateway, body.len, &full)) {
        call_problem(c, &full);
        return;
    }
    answer_json(c->gateway, c->exchange.id, status, body, headers);
    call_end(c);
}

void call_answer(struct call_state *c, int status, struct bytes body, const char *location)
{
    const struct http_header headers[] = {{location != NULL ? "location" : NULL, location},
                                          {NULL, NULL}};
    answer_with(c, status, body, headers);
}

static void put_id(struct bytes task_id, const char *status, struct bytes more, struct buf *body)
{
    buf_add_str(body, "{\"task_id\":");
    json_put_string(body, task_id);
    buf_add_str(body, ",\"status\":\"");
    buf_add_str(body, status);
    buf_add_char(body, '"');
    buf_add_bytes(body, more);
    buf_add_char(body, '}');
}

void call_answer_id(struct call_state *c, int code, const char *status)
{
    struct buf body = {0};
    char url[sizeof STATUS_URL + ID_BYTES_MAX];
    (void)snprintf(url, sizeof url, STATUS_URL "%s", c->task_id);
    put_id(bytes_str(c->task_id), status, BYTES_NONE, &body);
    call_answer(c, code, buf_bytes(&body), code == 202 ? url : NULL);
    buf_free(&body);
}

void call_started(struct call_state *c, const struct reply *reply, struct bytes more)
{
    struct buf body = {0}, url = {0};
    put_id(reply->message->started.task_id, "started", more, &body);
    buf_add_str(&url, STATUS_URL);
    buf_add_bytes(&url, reply->message->started.task_id);
    /* What we have sent twice ourselves may be its own first one. */
    bool replayed = reply->message->started.replayed && !reply->resent;
    const struct http_header headers[] = {{"location", buf_cstr(&url)},
                                          {replayed ? "idempotent-replayed" : NULL, "true"},
                                          {NULL, NULL}};
    answer_with(c, 202, buf_bytes(&body), headers);
    buf_free(&body);
    buf_free(&url);
}

void call_answer_plan(struct call_state *c, struct body_plan *body)
{
    struct problem full;
    body_plan_finish(body);
    if (answers_full(c->gateway, (size_t)body->total, &full)) {
        call_problem(c, &full);
    } else {
        answer_plan(c->gateway, c->exchange.id, body);
        call_end(c);
    }
    body_plan_free(body);
}

void call_problem(struct call_state *c, const struct problem *p)
{
    answer_problem(c->gateway, c->exchange.id, p, bytes_str(c->request_id));
    call_end(c);
}

/* `after` of the query; what a browser sends when it comes back beats it: the address is the same
 * as at first. */
static bool watch_options_read(const struct http_request *r, struct watch_options *o,
                               struct problem *p)
{
    struct query q = {r->args, r->arg_count};
    struct bytes text;
    uint64_t seen;
    if (query_get(&q, "after", &text)) {
        o->has_after = true;
        if (!query_number(&q, "after", INT64_MAX, &o->after, p)) {
            return false;
        }
    }
    /* One that is no number of ours is not the client's fault: it counts for nothing. */
    if (number_parse(r->last_event_id, INT64_MAX, &seen)) {
        o->has_after = true;
        o->after = seen;
    }
    return true;
}

static void stream_start(struct gateway *g, exchange_id id, const struct route *route,
                         const struct http_request *r)
{
    struct problem p;
    struct watch_options o = {.sse = true, .request_id = r->request_id};
    if (!watch_options_read(r, &o, &p)) {
        answer_problem(g, id, &p, r->request_id);
        return;
    }
    watcher_start(g, id, route->id, &o);
}

static void fault_answer(struct gateway *g, exchange_id id, const struct http_request *r)
{
    struct problem p;
    problem_set(&p, r->fault, "%s", r->why);
    p.retry_after_s = r->fault == CODE_OVERLOADED ? 1 : 0;
    answer_problem(g, id, &p, r->request_id);
}

/* One line a second at most: whoever guesses keys does not fill the disk. Never what was shown. */
static void key_refused(struct gateway *g, enum call call, const struct http_request *r,
                        const struct problem *why)
{
    mono_ms now = loop_now(g->loop).mono;
    g->keys_refused_total++;
    if (g->keys_refused_told != 0 && now - g->keys_refused_told < KEY_REFUSED_EVERY_MS) {
        g->keys_refused_untold++;
        return;
    }
    char from[HTTP_PEER_BYTES], forwarded[FORWARDED_SHOWN_BYTES + 1];
    http_request_peer(r, from);
    (void)snprintf(forwarded, sizeof forwarded, "%.*s", (int)r->forwarded_for.len,
                   r->forwarded_for.len > 0 ? (const char *)r->forwarded_for.ptr : "");
    log_line(LOG_WARN, "key_refused",
             "from=%s forwarded_for=%s call=%s status=%d why=%s untold_before=%llu", LOG_Q(from),
             LOG_Q(forwarded), call_name(call), problem_status(why), LOG_Q(why->detail),
             (unsigned long long)g->keys_refused_untold);
    g->keys_refused_told = now;
    g->keys_refused_untold = 0;
}

static const struct api_key *admit(struct gateway *g, enum call call, const struct http_request *r,
                                   struct problem *ret_problem)
{
    const struct api_shown shown = {r->method, r->authorization, r->protocols};
    const struct api_key *key = api_keys_admit(&g->keys, &shown, call, ret_problem);
    if (key == NULL) {
        key_refused(g, call, r, ret_problem);
    }
    return key;
}

static void call_carry_out(struct gateway *g, exchange_id id, const struct route *route,
                           const struct http_request *request, const struct api_key *key)
{
    struct call_state *c = call_begin(g, id, route, request);
    c->known = key->id[0] != '\0';
    keep_text(c->credential, sizeof c->credential, bytes_str(c->known ? key->id : "anonymous"));
    assert(call_rows[route->call].carry_out != NULL);
    call_rows[route->call].carry_out(c, request);
}

bool calls_refuse(const struct gateway *g, const struct http_request *r)
{
    struct route route;
    struct problem p;
    const struct api_shown shown = {r->method, r->authorization, r->protocols};
    const struct query q = {r->args, r->arg_count};
    return !route_find(r->method, r->path, &route, &p) ||
           api_keys_admit(&g->keys, &shown, route.call, &p) == NULL ||
           !query_check(&q, route.call, &p);
}

void calls_request(struct gateway *g, exchange_id id, const struct http_request *request)
{
    struct route route;
    struct problem p;
    if (request->fault != CODE_NONE) {
        fault_answer(g, id, request);
        return;
    }
    if (!route_find(request->method, request->path, &route, &p)) {
        answer_problem(g, id, &p, request->request_id);
        return;
    }
    const struct api_key *key = admit(g, route.call, request, &p);
    if (key == NULL) {
        answer_problem(g, id, &p, request->request_id);
        return;
    }
    g->requests_by_call[route.call]++;
    const struct query q = {request->args, request->arg_count};
    if (!query_check(&q, route.call, &p)) {
        answer_problem(g, id, &p, request->request_id);
        return;
    }
    bool may_be_long = call_rows[route.call].long_answer || route.call == CALL_START_BATCH;
    if (may_be_long && answers_full(g, 0, &p)) { /* nothing is begun */
        answer_problem(g, id, &p, request->request_id);
        return;
    }
    switch ((int)route.call) {
    case CALL_LIVE:
        answer_json(g, id, 200, BYTES_LIT("{\"status\":\"live\"}"), NULL);
        return;
    case CALL_METRICS:
        call_metrics(g, id);
        return;
    case CALL_OPENAPI:
        constant_answer(g, id, bytes_str(openapi_text));
        return;
    case CALL_STREAM:
        stream_start(g, id, &route, request);
        return;
    case CALL_SOCKET:
        problem_set(&p, CODE_UPGRADE_REFUSED, "this is a WebSocket: connect with an upgrade");
        answer_problem(g, id, &p, request->request_id);
        return;
    default:
        call_carry_out(g, id, &route, request, key);
        return;
    }
}

#define SOCKET_PREFIX "/api/v1/ws/marathon/"

/* The id behind the prefix; false where the path is another. Ids no task can have are taken, and
 * closed as unknown like any other. */
static bool socket_id(struct bytes path, struct bytes *ret_id)
{
    struct bytes prefix = BYTES_LIT(SOCKET_PREFIX);
    if (path.len <= prefix.len || !bytes_eq(bytes_part(path, 0, prefix.len), prefix)) {
        return false;
    }
    *ret_id = bytes_part(path, prefix.len, path.len);
    return true;
}

enum code calls_upgrade(struct gateway *g, const struct http_request *request, struct buf *out)
{
    struct problem p;
    struct watch_options o = {0};
    struct bytes id;
    if (request->fault != CODE_NONE) {
        problem_set(&p, request->fault, "%s", request->why);
    } else if (!socket_id(request->path, &id)) {
        problem_set(&p, CODE_NOT_FOUND, "there is no WebSocket at this path");
    } else if (admit(g, CALL_SOCKET, request, &p) != NULL && watch_options_read(request, &o, &p)) {
        g->requests_by_call[CALL_SOCKET]++;
        return CODE_NONE;
    }
    char made[48];
    (void)snprintf(made, sizeof made, "%.8s-u%llx", g->peers.id + 18,
                   (unsigned long long)server_counts(g->http).refused_upgrades_total);
    struct bytes request_id = request->request_id;
    problem_render(&p, request_id.len > 0 ? request_id : bytes_str(made), out);
    g->answers_by_class[problem_status(&p) / 100]++;
    return p.code;
}

void calls_socket(struct gateway *g, exchange_id id, const struct http_request *request)
{
    struct problem p;
    struct watch_options o = {0};
    struct bytes task_id;
    if (!socket_id(request->path, &task_id) || !id_valid(task_id)) {
        server_close_socket(g->http, id, 4404, "unknown task");
        return;
    }
    if (!watch_options_read(request, &o, &p)) {
        abort(); /* calls_upgrade has read the same */
    }
    watcher_start(g, id, task_id, &o);
}
