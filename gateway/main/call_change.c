/* Start, cancel, pause, resume, signal, recover: the calls that change a task. Each may be sent
 * twice by us (requests.h), so each knows what its own repetition looks like. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "api/start_body.h"
#include "json/scan.h"
#include "main/calls.h"

static void reply_problem(struct call_state *c, const struct reply *reply)
{
    struct problem p;
    problem_from_reply(&p, reply, bytes_str(c->task_id));
    call_problem(c, &p);
}

/* What it was given by r's body goes out from there. */
static void send_or_fail(struct call_state *c, const struct http_request *r, struct message *m,
                         reply_fn *fn)
{
    c->request = requests_send_lent(&c->gateway->requests, target_of(bytes_str(c->task_id)),
                                    (struct lent_message){m, r->lender}, fn, c);
    if (c->request == 0) {
        struct problem p;
        problem_full(&p);
        call_problem(c, &p);
    }
}

/* application/json, with parameters or not. */
static bool says_json(struct bytes type)
{
    static const char want[] = "application/json";
    size_t n = sizeof want - 1;
    return type.len >= n && strncasecmp((const char *)type.ptr, want, n) == 0 &&
           (type.len == n || type.ptr[n] == ';' || type.ptr[n] == ' ');
}

bool call_body_taken(struct call_state *c, const struct http_request *r, bool needed)
{
    struct problem p;
    if (r->body.len == 0 && !needed) {
        return true;
    }
    if (!r->is_delimited) {
        problem_set(&p, CODE_LENGTH_REQUIRED,
                    "the request has no body: send one with Content-Length: <bytes> or "
                    "Transfer-Encoding: chunked");
    } else if (!says_json(r->content_type)) {
        struct bytes came = bytes_part(r->content_type, 0, 100);
        problem_set(&p, CODE_UNSUPPORTED_TYPE,
                    "the body must be JSON, sent with the header Content-Type: application/json; "
                    "%s%.*s",
                    came.len > 0 ? "it came as " : "it came without one", (int)came.len,
                    (const char *)came.ptr);
        problem_add_parameter(&p, BYTES_LIT("Content-Type"), "header: must be application/json");
    } else {
        return true;
    }
    call_problem(c, &p);
    return false;
}

static void on_started(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    c->request = 0;
    if (reply->err != ERR_OK || reply->message->type != MSG_STARTED) {
        reply_problem(c, reply);
        return;
    }
    call_started(c, reply, BYTES_NONE);
}

void call_start(struct call_state *c, const struct http_request *r)
{
    if (!call_body_taken(c, r, true)) {
        return;
    }
    struct start_input in = {.body = r->body,
                             .credential = bytes_str(c->credential),
                             .idempotency_key = r->idempotency_key,
                             .now = loop_now(c->gateway->loop).wall};
    random_block_take(c->gateway->random, in.random, sizeof in.random);
    struct start_call start = {0};
    struct problem p;
    if (start_body_parse(&in, &start, &p)) {
        memcpy(c->task_id, start.task_id, sizeof c->task_id);
        struct message m = {.type = MSG_START};
        m.start = start.request;
        send_or_fail(c, r, &m, on_started);
    } else {
        call_problem(c, &p);
    }
    start_call_free(&start);
}

/* The task is as our own first sending, whose answer was lost, has left it. */
static bool own_work(const struct reply *reply, enum code code)
{
    return reply->err == ERR_OK && reply->resent && reply->message->type == MSG_REFUSED &&
           reply->message->refused.code == code;
}

static void on_cancelled(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    c->request = 0;
    bool done = reply->err == ERR_OK && reply->message->type == MSG_DONE;
    bool before =
        own_work(reply, CODE_TASK_ENDED) && reply->message->refused.state == TASK_CANCELLED;
    if (done || before) {
        call_answer_id(c, 200, "cancelled");
    } else {
        reply_problem(c, reply);
    }
}

/* A change of a task whose body, where there is one, says who asks and why. */
static void change_task(struct call_state *c, const struct http_request *r, enum message_type type,
                        reply_fn *fn)
{
    struct arena arena = {0};
    struct problem p;
    struct message m = {.type = type};
    if (!call_body_taken(c, r, false)) {
        return;
    }
    m.task.task_id = bytes_str(c->task_id);
    bool good = type == MSG_RESUME
                    ? resume_body_parse(r->body, &arena, &m.task.deed, &m.task.budget, &p)
                    : deed_body_parse(r->body, &arena, &m.task.deed, &p);
    if (good) {
        send_or_fail(c, r, &m, fn);
    } else {
        call_problem(c, &p);
    }
    arena_free(&arena);
}

void call_cancel(struct call_state *c, const struct http_request *r)
{
    struct http_request without = *r;
    if (!says_json(r->content_type)) { /* clients that send something else with it always could */
        without.body = BYTES_NONE;
    }
    change_task(c, &without, MSG_CANCEL, on_cancelled);
}

static void on_paused(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    c->request = 0;
    if (reply->err == ERR_OK && reply->message->type == MSG_DONE) {
        call_answer_id(c, 200, "paused");
    } else {
        reply_problem(c, reply);
    }
}

void call_pause(struct call_state *c, const struct http_request *r)
{
    change_task(c, r, MSG_PAUSE, on_paused);
}

static void on_resumed(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    c->request = 0;
    enum task_state state = TASK_RUNNING;
    bool done = reply->err == ERR_OK && reply->message->type == MSG_DONE;
    bool before = own_work(reply, CODE_NOT_PAUSED);
    if (done) {
        state = reply->message->done.state;
    } else if (before) {
        state = reply->message->refused.state;
    }
    if (done || before) {
        call_answer_id(c, 200, task_state_name(state));
    } else {
        reply_problem(c, reply);
    }
}

void call_resume(struct call_state *c, const struct http_request *r)
{
    change_task(c, r, MSG_RESUME, on_resumed);
}

static void on_signalled(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    c->request = 0;
    if (reply->err != ERR_OK || reply->message->type != MSG_SIGNALLED) {
        reply_problem(c, reply);
        return;
    }
    const struct message *m = reply->message;
    struct buf body = {0};
    buf_add_str(&body, "{\"task_id\":");
    json_put_string(&body, bytes_str(c->task_id));
    buf_addf(&body, ",\"status\":\"%s\",\"step\":", task_state_name(m->signalled.state));
    json_put_string(&body, m->signalled.step);
    buf_addf(&body, ",\"kept\":%s}", m->signalled.kept ? "true" : "false");
    call_answer(c, 200, buf_bytes(&body), NULL);
    buf_free(&body);
}

uint64_t call_fresh_key(struct gateway *g)
{
    uint64_t key = 0;
    random_block_take(g->random, &key, sizeof key);
    return key != 0 ? key : 1;
}

uint64_t call_key(struct gateway *g, const struct http_request *r)
{
    uint64_t key = 0;
    if (r->idempotency_key.len == 0) {
        return call_fresh_key(g);
    }
    struct sha256 hash = sha256_of(r->idempotency_key);
    memcpy(&key, hash.digest, sizeof key);
    return key != 0 ? key : 1;
}

void call_signal(struct call_state *c, const struct http_request *r)
{
    struct arena arena = {0};
    struct problem p;
    struct message m = {.type = MSG_SIGNAL};
    if (!call_body_taken(c, r, true)) {
        return;
    }
    if (signal_body_parse(r->body, &arena, &m.signal, &p)) {
        m.signal.task_id = bytes_str(c->task_id);
        m.signal.key = call_key(c->gateway, r);
        send_or_fail(c, r, &m, on_signalled);
    } else {
        call_problem(c, &p);
    }
    arena_free(&arena);
}

static void on_recovered(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    c->request = 0;
    bool done = reply->err == ERR_OK && reply->message->type == MSG_DONE;
    bool before = own_work(reply, CODE_NOTHING_TO_RECOVER) && /* by one that knows no keys yet */
                  !task_state_ended(reply->message->refused.state);
    if (done || before) {
        call_answer_id(c, 202, "recovering");
    } else {
        reply_problem(c, reply);
    }
}

void call_recover(struct call_state *c, const struct http_request *r)
{
    struct arena arena = {0};
    struct problem p;
    struct message m = {.type = MSG_RECOVER};
    if (!call_body_taken(c, r, false)) {
        return;
    }
    if (recover_body_parse(r->body, bytes_str(c->task_id), &arena, &m.recover, &p)) {
        m.recover.key = call_key(c->gateway, r);
        send_or_fail(c, r, &m, on_recovered);
    } else {
        call_problem(c, &p);
    }
    arena_free(&arena);
}
