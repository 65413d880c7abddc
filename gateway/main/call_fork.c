/* Fork: the owner of the source is asked what the new task is made of, then the owner of the new
 * one is given it as a START. Either may be sent twice: the first only reads, the second has a key.
 * A client that repeats a fork whose source has gone on, or is gone, is still told of the first
 * one: where the source's owner refuses, the owner of the new task is asked for the key. */
#include <stdlib.h>

#include "api/start_body.h"
#include "json/scan.h"
#include "main/calls.h"

struct call_fork {
    struct start_call start; /* the new task's id, key and deed */
    struct bytes input;      /* in the lender; empty = the source's */
    struct shared *lender;   /* the body's, or of a copy; NULL: no input */
    struct problem refusal;  /* of the source's owner, while its key is looked for */
};

void call_fork_free(struct call_fork *f)
{
    if (f != NULL) {
        start_call_free(&f->start);
        shared_drop(f->lender);
        free(f);
    }
}

static void fail(struct call_state *c, const struct reply *reply, struct bytes task_id)
{
    struct problem p;
    problem_from_reply(&p, reply, task_id);
    call_problem(c, &p);
}

static void send_or_fail(struct call_state *c, struct bytes to, struct message *m, reply_fn *fn)
{
    c->request = requests_send_lent(&c->gateway->requests, target_of(to),
                                    (struct lent_message){m, c->fork->lender}, fn, c);
    if (c->request == 0) {
        struct problem p;
        problem_full(&p);
        call_problem(c, &p);
    }
}

static void on_started(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    c->request = 0;
    if (reply->err != ERR_OK || reply->message->type != MSG_STARTED) {
        fail(c, reply, bytes_str(c->fork->start.task_id));
        return;
    }
    struct buf more = {0};
    buf_add_str(&more, ",\"forked_from\":");
    json_put_string(&more, bytes_str(c->task_id));
    call_started(c, reply, buf_bytes(&more));
    buf_free(&more);
}

/* What any START of it says. */
static void put_key(const struct call_fork *f, struct message *m)
{
    m->start.task_id = bytes_str(f->start.task_id);
    m->start.idempotency_key = bytes_of(f->start.key.digest, SHA256_BYTES);
    m->start.own_key = f->start.request.own_key;
    m->start.body_hash = bytes_of(f->start.body_hash.digest, SHA256_BYTES);
}

/* A coordinator of the release before takes the question for a start. No pipeline has this name: it
 * is refused there, and that says that nobody knows. (Without a name it would be looked for
 * without end.) */
#define NO_PIPELINE "?"

static void on_known(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    bool refused = reply->err == ERR_OK && reply->message->type == MSG_REFUSED;
    enum code code = refused ? reply->message->refused.code : CODE_NONE;
    if (code == CODE_TASK_NOT_FOUND || code == CODE_UNKNOWN_PIPELINE) {
        c->request = 0;
        call_problem(c, &c->fork->refusal);
        return;
    }
    on_started(user, reply);
}

/* Has the client's key been used before? Else what the source's owner has said stands. */
static void look_for_key(struct call_state *c)
{
    struct message m = {.type = MSG_START};
    put_key(c->fork, &m);
    m.start.fork_of = bytes_str(c->task_id);
    m.start.task_type = BYTES_LIT(NO_PIPELINE);
    m.start.input = BYTES_LIT("{}");
    send_or_fail(c, m.start.task_id, &m, on_known);
}

static void on_fork(void *user, const struct reply *reply)
{
    struct call_state *c = user;
    struct call_fork *f = c->fork;
    c->request = 0;
    if (reply->err != ERR_OK || reply->message->type != MSG_FORK) {
        problem_from_reply(&f->refusal, reply, bytes_str(c->task_id));
        if (f->start.request.own_key || problem_status(&f->refusal) >= 500) {
            call_problem(c, &f->refusal);
        } else {
            look_for_key(c);
        }
        return;
    }
    struct message m = {.type = MSG_START};
    m.start = reply->message->start;
    put_key(f, &m);
    m.start.deed = f->start.request.deed;
    if (f->input.len > 0) {
        m.start.input = f->input;
    }
    send_or_fail(c, m.start.task_id, &m, on_started);
}

/* While the source is asked. */
static void input_keep(struct call_fork *f, struct bytes input, struct shared *lender)
{
    if (shared_has(lender, input)) {
        f->input = input;
        f->lender = shared_hold(lender);
    } else if (input.len > 0) { /* it came in one read */
        struct buf copy = {0};
        buf_add_bytes(&copy, input);
        f->lender = shared_take(&copy);
        f->input = buf_bytes(&f->lender->bytes);
    }
}

void call_fork(struct call_state *c, const struct http_request *r)
{
    struct problem p;
    struct fork_body fork = {0};
    struct message m = {.type = MSG_GET_FORK};
    if (!call_body_taken(c, r, false)) {
        return;
    }
    struct start_input in = {.body = r->body,
                             .credential = bytes_str(c->credential),
                             .idempotency_key = r->idempotency_key,
                             .now = loop_now(c->gateway->loop).wall};
    random_block_take(c->gateway->random, in.random, sizeof in.random);
    c->fork = mem_zalloc(sizeof *c->fork);
    if (!fork_body_parse(&in, bytes_str(c->task_id), &c->fork->start, &fork, &p)) {
        call_problem(c, &p);
        return;
    }
    if (strcmp(c->fork->start.task_id, c->task_id) == 0) {
        problem_set(&p, CODE_INVALID_FIELD, "`task_id` must differ from the source task's");
        problem_add(&p, "/task_id", "must not be the source task");
        call_problem(c, &p);
        return;
    }
    input_keep(c->fork, fork.input, r->lender);
    m.recover = fork.from;
    m.recover.own_input = fork.input.len > 0;
    send_or_fail(c, bytes_str(c->task_id), &m, on_fork);
}
