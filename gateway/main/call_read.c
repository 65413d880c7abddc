/* Status, checkpoints, result, history: reads of one task. */
#include "api/event_json.h"
#include "api/query.h"
#include "api/status_json.h"
#include "api/usage_json.h"
#include "main/calls.h"
#include "main/download.h"
#include "main/poll.h"
#include "model/limits.h"

static void load_start(struct call_state *c, bool results, snapshot_fn *fn)
{
    struct problem p;
    c->load = snapshot_load_start(c->gateway, bytes_str(c->task_id),
                                  (struct snapshot_ask){results, fn, c}, &p);
    if (c->load == NULL) {
        call_problem(c, &p);
    }
}

static void on_status(void *user, struct snapshot *s, const struct problem *why)
{
    struct call_state *c = user;
    c->load = NULL;
    if (s == NULL) {
        call_problem(c, why);
        return;
    }
    struct gateway *g = c->gateway;
    exchange_id id = c->exchange.id;
    bool results = c->results;
    call_end(c);
    download_status(g, id, s, results);
    snapshot_unref(s);
}

/* Without a wait a client that names the state it has gets 304 at once. */
static void on_status_if(void *user, struct snapshot *s, const struct problem *why)
{
    struct call_state *c = user;
    (void)why;
    if (s == NULL || !status_etag_matches(s->view, bytes_str(c->if_none_match))) {
        on_status(user, s, why);
        return;
    }
    struct gateway *g = c->gateway;
    exchange_id id = c->exchange.id;
    char etag[ETAG_BYTES];
    c->load = NULL;
    status_etag(s->view, etag);
    snapshot_unref(s);
    call_end(c);
    answer_empty(g, id, 304, etag);
}

void call_status(struct call_state *c, const struct http_request *r)
{
    struct query q = {r->args, r->arg_count};
    struct problem p;
    mono_ms wait = 0;
    c->results = true;
    if (!query_flag(&q, "results", &c->results, &p) || !query_wait(&q, &wait, &p)) {
        call_problem(c, &p);
        return;
    }
    if (r->if_none_match.len == 0) {
        load_start(c, c->results, on_status);
        return;
    }
    if (wait == 0) {
        c->if_none_match = mem_str_bytes(r->if_none_match);
        load_start(c, c->results, on_status_if);
        return;
    }
    struct gateway *g = c->gateway;
    exchange_id id = c->exchange.id;
    struct poll_options o = {.results = c->results,
                             .wait_ms = wait,
                             .if_none_match = r->if_none_match,
                             .request_id = r->request_id};
    char task_id[sizeof c->task_id];
    memcpy(task_id, c->task_id, sizeof task_id);
    call_end(c);
    poll_start(g, id, bytes_str(task_id), &o);
}

static void not_ready(const struct task_view *v, struct problem *ret_problem)
{
    const char *state = task_state_name(v->state);
    struct bytes error = bytes_part(v->error, 0, 300);
    if (v->state != TASK_FAILED && v->state != TASK_CANCELLED) {
        problem_set(ret_problem, CODE_RESULT_NOT_READY,
                    "the task is %s; it has results once it has completed", state);
        return;
    }
    problem_set(ret_problem, CODE_RESULT_NOT_READY,
                "the task is %s%s%.*s; POST /api/v1/marathon/recover/{id} runs it on, and its "
                "status shows the results of the steps that are done",
                state, error.len > 0 ? ": " : "", (int)error.len, (const char *)error.ptr);
}

static void on_read(void *user, struct snapshot *s, const struct problem *why)
{
    struct call_state *c = user;
    c->load = NULL;
    if (s == NULL) {
        call_problem(c, why);
        return;
    }
    if (c->call == CALL_RESULT && s->view->state != TASK_COMPLETED) {
        struct problem p;
        not_ready(s->view, &p);
        p.has_state = true;
        p.state = s->view->state;
        call_problem(c, &p);
        snapshot_unref(s);
        return;
    }
    struct gateway *g = c->gateway;
    exchange_id id = c->exchange.id;
    struct body_plan plan = {0};
    struct buf used = {0};
    struct http_header header = {NULL, NULL};
    if (c->call == CALL_RESULT) {
        results_render(s->view, &plan);
        usage_header_put(&used, s->view->usage, s->view->usage_count);
        header.name = used.len > 0 ? "marathon-usage" : NULL;
        header.value = buf_cstr(&used);
    } else {
        checkpoints_render(s->view, true, &plan);
    }
    call_end(c);
    download_start(g, id, s, &plan, header);
    buf_free(&used);
    snapshot_unref(s);
}

void call_read(struct call_state *c, const struct http_request *r)
{
    (void)r;
    load_start(c, true, on_read);
}

/* ---- history ---- */

#define HISTORY_LIMIT_DEFAULT 100

static void on_history(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    c->request = 0;
    if (reply->err != ERR_OK || reply->message->type != MSG_EVENTS) {
        struct problem p;
        problem_from_reply(&p, reply, bytes_str(c->task_id));
        call_problem(c, &p);
        return;
    }
    struct body_plan body = {0};
    history_render(reply->message, c->after, c->limit, &body);
    call_answer_plan(c, &body);
}

void call_history(struct call_state *c, const struct http_request *r)
{
    struct query q = {r->args, r->arg_count};
    struct problem p;
    struct message m = {.type = MSG_GET_HISTORY};
    uint64_t limit = HISTORY_LIMIT_DEFAULT;
    if (!query_number(&q, "cursor", INT64_MAX, &c->after, &p) ||
        !query_limit(&q, EVENTS_PAGE_MAX, &limit, &p)) {
        call_problem(c, &p);
        return;
    }
    c->limit = (uint32_t)limit;
    m.get_history.task_id = bytes_str(c->task_id);
    m.get_history.after = c->after;
    c->request =
        requests_send(&c->gateway->requests, target_of(bytes_str(c->task_id)), &m, on_history, c);
    if (c->request == 0) {
        problem_full(&p);
        call_problem(c, &p);
    }
}
